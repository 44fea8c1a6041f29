//! Advisories: a good one, every rule broken once, and the files and names they come in.

use envelope::{IN_TOTO_PAYLOAD_TYPE, ResourceDescriptor};
use evidence::{
    CLOCK_SKEW_MS, Document, Revocation, RevokedIdentity, ScanStatement, ScanTarget, ScannedRun,
    TrustRoot,
};
use ids::{Role, Sha256Digest, Timestamp, canonical};
use keys::SigningKey as _;
use serde_json::json;
use testkit::{
    evidence::Fixture,
    mesh::{Mesh, Party},
};
use verify::{AdvisoryFile, AdvisoryName, AdvisoryVerdict, verify_advisory};

const HOUR_MS: i64 = 3_600_000;

/// A scan of the fixture's image for its own sake, and who may sign it.
struct Advisory {
    fixture: Fixture,
    scan: ScanStatement,
    image: Sha256Digest,
}

impl Advisory {
    fn new() -> Self {
        let fixture = Fixture::new();
        let parts = fixture.parts();
        let image = parts.request.spec.trainer.image.digest();
        let mut scan = parts.scans.into_iter().next().unwrap();
        scan.predicate.aibom.run = None;
        Self { fixture, scan, image }
    }

    /// Begins and ends the scan `ms` after the fixture's signing time.
    fn at(mut self, ms: i64) -> Self {
        let at = self.fixture.at().plus_ms(ms);
        let predicate = &mut self.scan.predicate;
        predicate.metadata.scan_started_on = at;
        predicate.metadata.scan_finished_on = at;
        predicate.scanner.db.as_mut().unwrap().last_update = at;
        self
    }

    fn today(&self) -> Timestamp {
        self.fixture.at().plus_ms(30 * 24 * HOUR_MS)
    }

    fn signed_by(&self, party: &Party) -> Document {
        party.sign(IN_TOTO_PAYLOAD_TYPE, &self.scan)
    }

    fn document(&self) -> Document {
        self.signed_by(&self.fixture.mesh().scanner)
    }

    fn verdict(&self, document: &Document) -> AdvisoryVerdict {
        verify_advisory(document, self.image, &self.fixture.trust_root(), self.today())
    }

    /// The names of the checks that do not hold.
    fn failed(&self, document: &Document) -> Vec<String> {
        failed(&self.verdict(document))
    }
}

fn failed(verdict: &AdvisoryVerdict) -> Vec<String> {
    let all = verdict.checks.as_slice().iter();
    let failed: Vec<_> = all.filter(|c| !c.passed).map(|c| c.name.clone()).collect();
    assert_eq!(failed.is_empty(), verdict.advisory.is_some(), "{:?}", verdict.checks);
    failed
}

#[test]
fn a_scan_by_a_scanner_of_the_mesh_holds_long_after_its_certificate_ended() {
    let advisory = Advisory::new();
    let verdict = advisory.verdict(&advisory.document());
    assert_eq!(failed(&verdict), Vec::<String>::new());
    let names: Vec<&str> = verdict.checks.as_slice().iter().map(|c| c.name.as_str()).collect();
    let expected = [
        "format",
        "certificate",
        "signature",
        "role",
        "content",
        "type",
        "target",
        "image",
        "run",
        "time",
        "database",
        "completeness",
        "revocation",
        "certificates",
    ];
    assert_eq!(names, expected.map(|name| format!("advisory.{name}")));
    let verified = verdict.advisory.unwrap();
    assert_eq!((verified.image(), verified.scan()), (advisory.image, &advisory.scan));
    assert_eq!(verified.signer().spiffe_id(), &advisory.fixture.mesh().scanner.id);
}

#[test]
fn a_scan_out_of_the_cache_may_be_older_than_its_certificate_and_never_newer() {
    let old = Advisory::new().at(-20 * 24 * HOUR_MS);
    assert_eq!(old.failed(&old.document()), Vec::<String>::new());
    let late = Advisory::new().at(13 * HOUR_MS);
    assert_eq!(late.failed(&late.document()), ["advisory.certificate"]);
}

#[test]
fn every_other_signer_is_refused() {
    let advisory = Advisory::new();
    let mesh = advisory.fixture.mesh();
    let impostor = advisory.fixture.wrong_ca().scanner;
    assert_eq!(advisory.failed(&advisory.signed_by(&impostor)), ["advisory.certificate"]);
    assert_eq!(advisory.failed(&advisory.signed_by(&mesh.executor)), ["advisory.role"]);
    let other = mesh.ca.party_of(&"spiffe://other.test/scanner/main".parse().unwrap(), |_| {});
    assert_eq!(advisory.failed(&advisory.signed_by(&other)), ["advisory.role"]);
    let second = mesh.ca.party(Role::Scanner, "second");
    let mut swapped = advisory.document();
    swapped.certificates = advisory.signed_by(&second).certificates;
    assert_eq!(advisory.failed(&swapped), ["advisory.signature"]);
    let mut idle = advisory.document();
    idle.certificates.push(mesh.ca.certificate_der());
    assert_eq!(advisory.failed(&idle), ["advisory.certificates"]);
    let mut none = advisory.document();
    none.certificates.clear();
    assert_eq!(advisory.failed(&none), ["advisory.format"]);
}

#[test]
fn a_revoked_scanner_is_not_believed_whatever_time_it_claims() {
    let advisory = Advisory::new();
    let document = advisory.document();
    let mesh: &Mesh = advisory.fixture.mesh();
    let revoked = |ms: i64| -> TrustRoot {
        let since = advisory.fixture.at().plus_ms(ms);
        let revoked = Revocation { since, reason: "stolen".to_owned() };
        let key = mesh.scanner.key.public_key().key_id();
        TrustRoot {
            revoked_identities: vec![RevokedIdentity { key, revoked }],
            ..advisory.fixture.trust_root()
        }
    };
    let failed = |root: &TrustRoot| {
        failed(&verify_advisory(&document, advisory.image, root, advisory.today()))
    };
    assert_eq!(failed(&revoked(24 * HOUR_MS)), ["advisory.revocation"]);
    assert_eq!(failed(&revoked(-24 * HOUR_MS)), ["advisory.certificate"]);
    assert_eq!(failed(&revoked(31 * 24 * HOUR_MS)), Vec::<String>::new(), "not yet");
}

#[test]
fn every_rule_on_what_it_says_is_held() {
    type Edit = fn(&mut ScanStatement);
    let edits: [(&str, Edit); 11] = [
        ("type", |s| s.predicate_type.push('x')),
        ("target", |s| s.predicate.aibom.target = ScanTarget::Mesh),
        ("image", |s| s.subject.clear()),
        ("image", |s| s.subject.push(s.subject[0].clone())),
        ("image", |s| s.subject[0].digest.clear()),
        ("image", |s| {
            s.subject[0] = ResourceDescriptor::sha256("image", Sha256Digest::of(b"another"));
        }),
        ("run", |s| {
            let training = Sha256Digest::of(b"training");
            s.predicate.aibom.run =
                Some(ScannedRun { job: Fixture::new().number(2).job(), training });
        }),
        ("time", |s| {
            let times = &mut s.predicate.metadata;
            times.scan_started_on = times.scan_finished_on.plus_ms(1);
        }),
        ("database", |s| {
            let later = s.predicate.metadata.scan_finished_on.plus_ms(CLOCK_SKEW_MS + 1);
            s.predicate.scanner.db.as_mut().unwrap().last_update = later;
        }),
        ("completeness", |s| s.predicate.aibom.database_sha256 = None),
        ("completeness", |s| s.predicate.scanner.result[0].cwes = (0..65).collect()),
    ];
    for (name, edit) in edits {
        let mut advisory = Advisory::new();
        edit(&mut advisory.scan);
        assert_eq!(advisory.failed(&advisory.document()), [format!("advisory.{name}")]);
    }
}

#[test]
fn a_scan_of_tomorrow_is_refused() {
    let advisory = Advisory::new();
    let (document, root) = (advisory.document(), advisory.fixture.trust_root());
    let finished = advisory.scan.predicate.metadata.scan_finished_on;
    let before = finished.plus_ms(-CLOCK_SKEW_MS);
    let at = |at| failed(&verify_advisory(&document, advisory.image, &root, at));
    assert_eq!(at(before), Vec::<String>::new());
    assert!(at(before.plus_ms(-1)).contains(&"advisory.time".to_owned()));
}

#[test]
fn no_changed_byte_holds() {
    let advisory = Advisory::new();
    let good = advisory.document();
    for at in (0..good.envelope.len()).step_by(211) {
        let mut bad = good.clone();
        bad.envelope[at] ^= 1;
        assert!(advisory.verdict(&bad).advisory.is_none(), "byte {at}");
    }
    let scanner = &advisory.fixture.mesh().scanner;
    let mut value = serde_json::to_value(&advisory.scan).unwrap();
    value["predicate"]["surprise"] = json!(1);
    let said = scanner.sign(IN_TOTO_PAYLOAD_TYPE, &value);
    assert_eq!(advisory.failed(&said), ["advisory.content"]);
    let other = scanner.sign("application/json", &advisory.scan);
    assert_eq!(advisory.failed(&other), ["advisory.signature"]);
}

#[test]
fn a_saved_scan_is_read_back_and_no_other_form_of_it() {
    let file = AdvisoryFile::new(Advisory::new().document(), 7);
    let bytes = file.to_bytes().unwrap();
    assert_eq!(AdvisoryFile::parse(&bytes).unwrap(), file);
    let changed = |edit: fn(&mut serde_json::Value)| {
        let mut value = serde_json::from_slice(&bytes).unwrap();
        edit(&mut value);
        AdvisoryFile::parse(&canonical::to_vec(&value).unwrap()).unwrap_err().to_string()
    };
    assert!(changed(|v| v["revision"] = json!(0)).contains("the revision is 0"));
    assert!(changed(|v| v["schema"] = json!("aibom.advisory.v2")).contains("aibom.advisory.v2"));
    assert!(changed(|v| v["surprise"] = json!(1)).contains("not an advisory"));
    let spaced = [&bytes[..], b"\n"].concat();
    assert!(AdvisoryFile::parse(&spaced).is_err());
}

#[test]
fn a_name_is_a_mesh_and_an_image() {
    let image = Sha256Digest::of(b"image");
    let text = format!("urn:aibom:advisory:mesh.local:sha256:{image}");
    let name: AdvisoryName = text.parse().unwrap();
    assert_eq!((name.trust_domain.as_str(), name.image), ("mesh.local", image));
    assert_eq!(name.to_string(), text);
    let upper = text.to_uppercase();
    for bad in ["", "urn:aibom:advisory:", "urn:aibom:advisory:a b:sha256:00", &text[..80], &upper]
    {
        assert!(bad.parse::<AdvisoryName>().is_err(), "{bad}");
    }
}
