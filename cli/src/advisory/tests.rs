//! What is new is said worst first, only verified scans are shown, and the exit code follows.

use clap::Parser as _;
use evidence::{Document, Finding, Severity, VulnerabilityResult};
use testkit::evidence::Fixture;

use super::{target::parse, *};
use crate::arguments::{Arguments, Command, Format};

const KERAS: &str = "pkg:pypi/keras@3.15.1";
const WHEEL: &str = "pkg:pypi/wheel@0.45.1";

fn found(id: &str, level: &str, purl: &str, fixed: &str) -> VulnerabilityResult {
    let (_, installed) = purl.rsplit_once('@').unwrap();
    VulnerabilityResult {
        id: id.to_owned(),
        severity: vec![Severity {
            method: "nvd".to_owned(),
            score: level.to_owned(),
            vector: None,
        }],
        annotations: vec![Finding {
            purl: purl.to_owned(),
            installed: installed.to_owned(),
            fixed: fixed.to_owned(),
        }],
        title: format!("{id} in a test"),
        cwes: Vec::new(),
    }
}

type Edit = fn(&mut evidence::ScanStatement);

/// The newest scan of the fixture's image: the scan of its evidence, changed.
fn scan(fixture: &Fixture, edit: Edit) -> Document {
    let mut scan = fixture.parts().scans.remove(0);
    scan.predicate.aibom.run = None;
    edit(&mut scan);
    fixture.sign_scan(&scan)
}

/// One of each: of the two findings one has a fix now, and the other is rated higher and then gone.
fn news(scan: &mut evidence::ScanStatement) {
    let result = &mut scan.predicate.scanner.result;
    assert_eq!(result[0].id, "CVE-2026-0001");
    result[0].annotations[0].fixed = "3.0.16".to_owned();
    result[0].severity[0].score = "CRITICAL".to_owned();
    result[1] = found("CVE-2026-2000", "MEDIUM", WHEEL, "");
    result.push(found("CVE-2026-3000", "CRITICAL", KERAS, "3.17.0"));
    result.push(found("CVE-2026-1999", "MEDIUM", KERAS, "3.17.0"));
}

fn asked(fixture: &Fixture, edit: Edit) -> Result<Known, Failure> {
    let root = fixture.trust_root();
    let bundle = testkit::bundle::bundle(fixture).to_bytes().unwrap();
    let subject = Subject::of_bundle(&bundle, &root)?;
    known(subject, AdvisoryFile::new(scan(fixture, edit), 3), &root, fixture.at())
}

#[test]
fn what_is_new_is_said_worst_first() {
    let known = asked(&Fixture::new(), news).unwrap();
    let lines = lines::lines(&Terminal::new(Format::Text), &known);
    let image = known.subject.image;
    let openssl = "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12";
    let expected = [
        format!("image     sha256:{image}"),
        "scan      2026-11-20T09:58:00.000Z, revision 3, database of 2026-11-20T03:57:00.000Z"
            .to_owned(),
        "signed    spiffe://mesh.test/scanner/main, verified".to_owned(),
        "AIBoM     2026-11-20T09:56:00.000Z, verified".to_owned(),
        format!(
            "new       critical  CVE-2026-3000  {KERAS} (fixed in 3.17.0)  CVE-2026-3000 in a test"
        ),
        format!(
            "new       medium    CVE-2026-1999  {KERAS} (fixed in 3.17.0)  CVE-2026-1999 in a test"
        ),
        format!("new       medium    CVE-2026-2000  {WHEEL} (no fix)  CVE-2026-2000 in a test"),
        format!(
            "worse     critical  CVE-2026-0001  was high  {openssl} (fixed in 3.0.16)  CVE-2026-0001: memory is read beyond its end"
        ),
        format!(
            "fixable   critical  CVE-2026-0001  {openssl} (fixed in 3.0.16)  CVE-2026-0001: memory is read beyond its end"
        ),
        "gone      CVE-2026-1669".to_owned(),
        "3 new, 1 worse, 1 with a fix since, 1 gone, 0 unchanged".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_same_scan_says_nothing_new() {
    let known = asked(&Fixture::new(), |_| {}).unwrap();
    assert_eq!(known.changes, Changes { unchanged: 2, ..Changes::default() });
    assert_eq!(known.exit(Some(FailOn::High)), Exit::Done);
    let json = serde_json::to_value(known.json()).unwrap();
    assert_eq!(json["aibomVerified"], true);
    assert_eq!((&json["revision"], &json["completeness"]), (&3.into(), &"complete".into()));
    assert_eq!((&json["new"], &json["unchanged"]), (&serde_json::json!([]), &2.into()));
}

#[test]
fn the_exit_code_is_that_of_the_worst_news() {
    let exit = |edit: Edit, fail_on| asked(&Fixture::new(), edit).unwrap().exit(fail_on);
    let high: Edit = |s| s.predicate.scanner.result.push(found("CVE-2026-3000", "HIGH", KERAS, ""));
    let worse: Edit = |s| s.predicate.scanner.result[0].severity[0].score = "CRITICAL".to_owned();
    let incomplete: Edit = |s| {
        s.predicate.aibom.completeness = Completeness::Incomplete;
        s.predicate.aibom.reason = "the database is too old".to_owned();
        s.predicate.scanner.result.clear();
    };
    let both: Edit = |s| {
        s.predicate.aibom.completeness = Completeness::Incomplete;
        s.predicate.aibom.reason = "the database is too old".to_owned();
        s.predicate.scanner.result.push(found("CVE-2026-3000", "CRITICAL", KERAS, ""));
    };
    for (edit, fail_on, code) in [
        (high, None, 0),
        (high, Some(FailOn::High), 1),
        (high, Some(FailOn::Critical), 0),
        (worse, Some(FailOn::Critical), 1),
        (incomplete, None, 2),
        (incomplete, Some(FailOn::High), 2),
        (both, Some(FailOn::High), 1),
    ] {
        assert_eq!(exit(edit, fail_on).code(), code, "{fail_on:?}");
    }
    let known = asked(&Fixture::new(), incomplete).unwrap();
    assert_eq!(known.changes.gone, Vec::<String>::new(), "nobody looked");
    let lines = lines::lines(&Terminal::new(Format::Text), &known).join("\n");
    assert!(lines.contains("means nothing: the database is too old"), "{lines}");
}

#[test]
fn a_known_vulnerability_of_another_package_is_new() {
    let other: Edit = |s| {
        let again = found("CVE-2026-1669", "CRITICAL", WHEEL, "");
        s.predicate.scanner.result[1].annotations.extend(again.annotations);
    };
    let known = asked(&Fixture::new(), other).unwrap();
    let purls: Vec<_> =
        known.changes.new.iter().flat_map(|i| &i.packages).map(|p| &p.purl).collect();
    assert_eq!(purls, [WHEEL]);
    assert_eq!(known.changes.unchanged, 2);
}

#[test]
fn only_what_verifies_is_shown() {
    let fixture = Fixture::new();
    let root = fixture.trust_root();
    let image = fixture.parts().request.spec.trainer.image.digest();
    let of = |image, document| {
        let subject = Subject { image, aibom: None };
        known(subject, AdvisoryFile::new(document, 1), &root, fixture.at()).map(|_| ())
    };
    of(image, scan(&fixture, |_| {})).unwrap();
    let other = of(Sha256Digest::of(b"other"), scan(&fixture, |_| {})).unwrap_err();
    assert!(other.to_string().contains("advisory.image"), "{other}");
    assert_eq!(other.exit(), Exit::Refused);
    let spoiled = of(image, scan(&fixture, |s| s.predicate_type.push('x'))).unwrap_err();
    assert!(spoiled.to_string().contains("advisory.type"), "{spoiled}");
}

/// What a command line asks for.
fn arguments(words: &[&str]) -> Result<AdvisoryArguments, clap::Error> {
    let words = ["aibom", "advisory"].into_iter().chain(words.iter().copied());
    match Arguments::try_parse_from(words)?.command {
        Command::Advisory(arguments) => Ok(arguments),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_saved_scan_needs_no_mesh_and_every_form_of_the_aibom_will_do() {
    let now = Timestamp::from(std::time::SystemTime::now());
    let fixture = Fixture::signed_at(now);
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let made = testkit::bundle::bundle(&fixture);
    let file = AdvisoryFile::new(scan(&fixture, news), 2);
    let root = fixture.mesh().seal_root(&fixture.trust_root());
    for (name, bytes) in [
        ("bundle.aibom.json", made.to_bytes().unwrap()),
        ("aibom.cdx.json", made.aibom),
        ("scan.json", file.to_bytes().unwrap()),
        ("root.json", root),
    ] {
        std::fs::write(path(name), bytes).unwrap();
    }
    let image = fixture.parts().request.spec.trainer.image.digest();
    let urn = format!("urn:aibom:advisory:mesh.test:sha256:{image}");
    let by_digest = format!("sha256:{image}");
    let (scan, root, out) = (path("scan.json"), path("root.json"), path("out.json"));
    let run = |target: &str, more: &[&str]| {
        let words = [&[target, "--scan", &scan, "--trust-root", &root], more].concat();
        let terminal = Terminal::new(Format::Json);
        let nowhere = directory.path().join("no mesh here");
        advisory(&terminal, &nowhere, &arguments(&words).unwrap())
    };
    let bundle = path("bundle.aibom.json");
    for target in [
        &bundle,
        &path("aibom.cdx.json"),
        &directory.path().to_string_lossy().into_owned(),
        &urn,
        &by_digest,
    ] {
        assert_eq!(run(target, &[]).unwrap(), Exit::Done, "{target}");
        assert_eq!(run(target, &["--fail-on", "high"]).unwrap(), Exit::Refused, "{target}");
    }
    let elsewhere = run(&urn.replace("mesh.test", "mesh.other"), &[]).unwrap_err();
    assert!(elsewhere.to_string().contains("of another mesh"), "{elsewhere}");
    let job = run(&fixture.job().to_string(), &[]).unwrap_err();
    assert_eq!(job.exit(), Exit::CannotSay);

    run(&bundle, &["--to", "signed", "--out", &out]).unwrap();
    assert_eq!(
        std::fs::read(&out).unwrap(),
        std::fs::read(&scan).unwrap(),
        "written as it was read"
    );
    run(&bundle, &["--to", "cyclonedx", "--out", &out]).unwrap();
    let vdr: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!((&vdr["specVersion"], &vdr["version"]), (&"1.6".into(), &2.into()));
    assert_eq!(vdr["vulnerabilities"].as_array().unwrap().len(), 4);
}

#[test]
fn a_target_is_a_name_an_image_a_job_or_a_path() {
    let digest = Sha256Digest::of(b"image");
    let image = Target::Image(digest);
    assert_eq!(parse(&format!("sha256:{digest}")), Ok(image.clone()));
    assert_eq!(parse(&format!("registry.example/keras@sha256:{digest}")), Ok(image));
    assert!(matches!(parse(&format!("urn:aibom:advisory:m:sha256:{digest}")), Ok(Target::Name(_))));
    assert!(
        parse("urn:aibom:advisory:m").unwrap_err().contains("urn:aibom:advisory:<trust domain>")
    );
    let job = Fixture::new().job();
    assert_eq!(parse(&job.to_string()), Ok(Target::Job(job)));
    assert_eq!(parse("wine"), Ok(Target::File("wine".into())));
    assert!(arguments(&["wine", "--scan", "x"]).is_err(), "offline it needs a trust root");
    assert!(arguments(&["wine", "--out", "x"]).is_err(), "text goes to standard output");
}
