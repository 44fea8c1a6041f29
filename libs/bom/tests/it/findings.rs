//! What scans find in files and programs stands where it was found.

use envelope::ResourceDescriptor;
use evidence::{FileHazard, Level, Misconfiguration, ScanStatement, ScanTarget, SecretFinding};
use ids::{Digests, Sha256Digest};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

use crate::decision::holds;

pub(crate) fn secret(path: &str, severity: Level) -> SecretFinding {
    let (path, rule) = (path.to_owned(), "aws-access-key-id".to_owned());
    SecretFinding { path, line: 7, rule, severity, title: "AWS access key".to_owned() }
}

pub(crate) fn misconfiguration(path: &str) -> Misconfiguration {
    let (path, id) = (path.to_owned(), "DS-0002".to_owned());
    Misconfiguration { path, id, severity: Level::Critical, title: "runs as root".to_owned() }
}

pub(crate) fn hazard(severity: Level) -> FileHazard {
    let [rule, place, detail] = ["pickle.code", "data.pkl", "posix.system"].map(str::to_owned);
    FileHazard { rule, severity, place, detail }
}

/// A finding of every kind, in the image and in the files.
pub(crate) fn everywhere(scans: &mut [ScanStatement]) {
    let [image, inputs, outputs] = scans else { unreachable!("three scans") };
    image.predicate.aibom.secrets = vec![secret("etc/key", Level::High)];
    image.predicate.aibom.misconfigurations = vec![misconfiguration("Dockerfile")];
    inputs.predicate.aibom.secrets = vec![secret("wine.csv", Level::High)];
    inputs.predicate.aibom.files[0].hazards = vec![hazard(Level::Critical), hazard(Level::Low)];
    let read = &mut outputs.predicate.aibom.files[1];
    read.hazards = vec![hazard(Level::Critical)];
}

fn all<'a>(of: &'a Value, name: &str) -> Vec<&'a str> {
    let properties = of["properties"].as_array().into_iter().flatten();
    let named = properties.filter(|p| p["name"] == format!("aibom:{name}"));
    named.map(|p| p["value"].as_str().unwrap()).collect()
}

#[test]
fn findings_stand_on_the_component_that_they_are_in() {
    let bom = holds(|| Fixture::new().released(|_| ()).scans(|scans| everywhere(scans)));
    let part = |name: &str| crate::component(&bom, name);
    let image = part("image/trainer");
    assert_eq!(all(image, "secret"), ["aws-access-key-id HIGH at etc/key:7: AWS access key"]);
    let wrong = ["DS-0002 CRITICAL at Dockerfile: runs as root"];
    assert_eq!(all(image, "misconfiguration"), wrong);
    assert_eq!(all(part("input/dataset"), "secret").len(), 1);
    let model = part("input/model");
    assert_eq!(all(model, "inspection:result"), ["hazard"]);
    let told = all(model, "inspection:hazard");
    assert_eq!(told[0], "pickle.code CRITICAL at data.pkl: posix.system");
    assert_eq!(told.len(), 2);
    assert_eq!(all(model, "scanned"), ["scan/1"]);
    assert_eq!(all(part("input/definition"), "inspection:result"), ["no-hazard"]);
    assert_eq!(all(part("output/model.keras"), "inspection:result"), ["hazard"]);
    assert_eq!(all(part("output/metrics.json"), "scanned"), ["scan/2"]);
    let counts = [("file:critical", "2"), ("file:low", "1"), ("secret:high", "2")];
    let more = [("misconfiguration:critical", "1"), ("vulnerability:high", "1")];
    for (kind, count) in counts.into_iter().chain(more) {
        let told = crate::property(&bom["metadata"], &format!("aibom:findings:{kind}"));
        assert_eq!(told, Some(count), "{kind}");
    }
}

#[test]
fn a_file_that_was_not_read_is_not_called_free_of_hazards() {
    let bom = holds(|| {
        Fixture::new().released(|_| ()).scans(|scans| {
            let extension = &mut scans[2].predicate.aibom;
            extension.completeness = evidence::Completeness::Incomplete;
            "a file is too large".clone_into(&mut extension.reason);
            "larger than 1 GiB".clone_into(&mut extension.files[1].unread);
        })
    });
    let model = crate::component(&bom, "output/model.keras");
    assert_eq!(all(model, "inspection:result"), ["not-read"]);
    assert_eq!(all(model, "inspection:unread"), ["larger than 1 GiB"]);
    let status = crate::property(&bom["metadata"], "aibom:scan:2:status");
    assert_eq!(status, Some("not scanned: a file is too large"));
    let notes = bom["annotations"].as_array().unwrap();
    let note = notes.iter().find(|note| note["bom-ref"] == "not-scanned/2").unwrap();
    assert!(note["subjects"].to_string().contains("output/model.keras"));
    // The image was scanned to its end all the same.
    let compositions = bom["compositions"].as_array().unwrap();
    let image = compositions.iter().find(|c| c["bom-ref"] == "composition/image").unwrap();
    assert_eq!(image["aggregate"], "unknown");
}

/// A scan of the scheduler's program and of one that no other evidence names.
fn mesh(scans: &mut Vec<ScanStatement>, scheduler: Sha256Digest) {
    let mut scan = scans[0].clone();
    scan.subject = vec![
        ResourceDescriptor::sha256("aibom-scheduler", scheduler),
        ResourceDescriptor::both("aibom-ledger", &Digests::of(b"ledger")),
    ];
    let predicate = &mut scan.predicate;
    predicate.aibom.target = ScanTarget::Mesh;
    predicate.aibom.operating_system = None;
    predicate.aibom.packages.truncate(2);
    for (package, program) in predicate.aibom.packages.iter_mut().zip(["scheduler", "ledger"]) {
        package.purl = format!("pkg:cargo/of-{program}@1.0.0");
        package.path = Some(format!("srv/aibom-{program}"));
    }
    predicate.scanner.result.truncate(1);
    predicate.scanner.result[0].id = "GHSA-aaaa".to_owned();
    predicate.scanner.result[0].annotations[0].purl = "pkg:cargo/of-scheduler@1.0.0".to_owned();
    scans.push(scan);
}

#[test]
fn what_is_in_the_meshs_programs_is_no_part_of_the_image() {
    let scheduler = Fixture::new().parts().grant.scheduler.digest.sha256;
    let bom = holds(|| Fixture::new().scans(move |scans| mesh(scans, scheduler)));
    assert!(!bom["components"].to_string().contains("pkg:cargo"));
    let found = bom["vulnerabilities"].as_array().unwrap();
    let found = found.iter().find(|v| v["id"] == "GHSA-aaaa").unwrap();
    assert_eq!(found["affects"], json!([{"ref": "tool/scheduler/aibom-scheduler"}]));
    assert_eq!(all(found, "in-package"), ["pkg:cargo/of-scheduler@1.0.0"]);
    let tools = bom["metadata"]["tools"]["components"].as_array().unwrap();
    let tool = |name: &str| tools.iter().find(|tool| tool["bom-ref"] == name).unwrap();
    assert_eq!(all(tool("tool/scheduler/aibom-scheduler"), "scanned"), ["scan/3"]);
    let ledger = tool("tool/mesh/0/aibom-ledger");
    assert_eq!(all(ledger, "scanned"), ["scan/3"]);
    assert_eq!(ledger["hashes"][0]["content"], Digests::of(b"ledger").sha256.to_hex());
    assert_eq!(crate::property(&bom["metadata"], "aibom:scan:3:target"), Some("mesh"));
    assert_eq!(all(tool("tool/executor/aibom-executor"), "scanned"), Vec::<&str>::new());
}

#[test]
fn what_becomes_known_later_has_a_name() {
    let bom = holds(Fixture::new);
    let image = crate::component(&bom, "image/trainer");
    let reference = &image["externalReferences"][0];
    assert_eq!(reference["type"], "vulnerability-assertion");
    let digest = &image["hashes"][0]["content"];
    let domain = Fixture::new().mesh().trust_root().trust_domain;
    let url = format!("urn:aibom:advisory:{domain}:sha256:{}", digest.as_str().unwrap());
    assert_eq!(reference["url"], url);
    let all = bom["externalReferences"].as_array().unwrap();
    assert_eq!(all.iter().filter(|r| r["url"] == url).count(), 1);
}
