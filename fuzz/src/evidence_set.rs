//! Whole evidence sets: one document is changed and signed again by who signs such documents, and
//! those after it follow, so that the change gets past the signatures to the rules and the assembly.

use std::sync::{LazyLock, Mutex, MutexGuard};

use bom::SigningKeys;
use envelope::IN_TOTO_PAYLOAD_TYPE;
use envelope::link::{sign_metadata, verify_links};
use evidence::{Checks, EvidenceSet, GRANT_PAYLOAD_TYPE, Grant, MAX_DOCUMENT_BYTES};
use evidence::{ScanStatement, TrainingStatement, TrustRoot, VerifiedEvidence};
use ids::{Timestamp, canonical};
use job::{REQUEST_PAYLOAD_TYPE, Request};
use keys::{FileKey, SigningKey as _};
use policy::{Decision, SignedPolicy};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use testkit::evidence::Fixture;

/// What takes the place of the fixture's own document.
enum Change {
    Nothing,
    Request(Box<Request>),
    Grant(Box<Grant>),
    Training(Box<TrainingStatement>),
    Scan(Box<ScanStatement>),
    Submission(Value),
}

static CHANGE: Mutex<Change> = Mutex::new(Change::Nothing);

fn change() -> MutexGuard<'static, Change> {
    CHANGE.lock().expect("one thread")
}

struct Maker {
    fixture: Fixture,
    root: TrustRoot,
    at: Timestamp,
    unchanged: EvidenceSet,
    keys: [FileKey; 3],
    policy: SignedPolicy,
}

static MAKER: LazyLock<Maker> = LazyLock::new(|| {
    // The edits run each time that the fixture makes a set.
    let fixture = Fixture::new()
        .request(|request| {
            if let Change::Request(changed) = &*change() {
                request.clone_from(changed);
            }
        })
        .grant(|grant| {
            if let Change::Grant(changed) = &*change() {
                grant.clone_from(changed);
            }
        })
        .training(|training| {
            if let Change::Training(changed) = &*change() {
                training.clone_from(changed);
            }
        })
        .scans(|scans| {
            if let Change::Scan(changed) = &*change() {
                let target = changed.predicate.aibom.target;
                scans.retain(|scan| scan.predicate.aibom.target != target);
                scans.push(ScanStatement::clone(changed));
            }
        })
        .submission(|link| {
            if let Change::Submission(changed) = &*change() {
                link.clone_from(changed);
            }
        });
    let mesh = fixture.mesh();
    Maker {
        root: fixture.trust_root(),
        at: fixture.at(),
        keys: [mesh.platform_key(), mesh.model_key(), mesh.layout_key()],
        unchanged: fixture.set(),
        policy: fixture.signed_policy(),
        fixture,
    }
});

fn read<T: Serialize + DeserializeOwned>(data: &[u8]) -> Option<Box<T>> {
    canonical::from_slice(data, MAX_DOCUMENT_BYTES).ok().map(Box::new)
}

/// The document that the payload is.
fn parse(data: &[u8]) -> Change {
    if let Some(request) = read(data) {
        return Change::Request(request);
    }
    if let Some(grant) = read(data) {
        return Change::Grant(grant);
    }
    if let Some(training) = read::<TrainingStatement>(data) {
        return Change::Training(training);
    }
    if let Some(scan) = read(data) {
        return Change::Scan(scan);
    }
    match serde_json::from_slice::<Value>(data) {
        Ok(link) if link["_type"] == "link" => Change::Submission(link),
        _ => Change::Nothing,
    }
}

/// A payload that is no document, signed by one of the parties all the same.
fn signed_anyway(data: &[u8]) -> EvidenceSet {
    let mesh = MAKER.fixture.mesh();
    let mut set = MAKER.unchanged.clone();
    let signed = |party: &testkit::mesh::Party, kind| party.sign_bytes(kind, data.to_vec());
    match data.len() % 4 {
        0 => set.request = signed(&mesh.user, REQUEST_PAYLOAD_TYPE),
        1 => set.grant = signed(&mesh.scheduler, GRANT_PAYLOAD_TYPE),
        2 => set.training = signed(&mesh.executor, IN_TOTO_PAYLOAD_TYPE),
        _ => set.scans = vec![signed(&mesh.scanner, IN_TOTO_PAYLOAD_TYPE)],
    }
    set
}

/// The payload of one document. Whatever the rules accept and the policy releases is assembled to the same bytes twice, and
/// what is then signed holds together.
pub fn evidence_set(data: &[u8]) -> bool {
    let parsed = parse(data);
    let is_document = !matches!(parsed, Change::Nothing);
    if let Change::Submission(link) = &parsed
        && sign_metadata(link, &MAKER.fixture.mesh().scheduler.key).is_err()
    {
        // The format has no fractions, so nobody can sign it.
        return false;
    }
    *change() = parsed;
    let set = if is_document { MAKER.fixture.set() } else { signed_anyway(data) };
    let mut checks = Checks::new();
    let Some(evidence) = evidence::check(&set, &MAKER.root, MAKER.at, &mut checks) else {
        assert!(checks.first_failure().is_some(), "a refusal has a name");
        return false;
    };
    assert!(is_document, "a payload that is no document");
    assert!(checks.first_failure().is_none(), "every rule held");
    if let Ok(decision) = policy::decide(&evidence, &MAKER.policy, MAKER.at) {
        signs(&evidence, &decision, &set);
    }
    true
}

fn signs(evidence: &VerifiedEvidence, decision: &Decision, set: &EvidenceSet) {
    let aibom = bom::assemble(evidence, decision).expect("evidence that holds gives an AIBoM");
    let again = bom::assemble(evidence, decision).expect("and gives it again");
    assert!(aibom == again, "the same evidence gives the same bytes");
    let [platform, model, layout] = &MAKER.keys;
    let keys = SigningKeys { aibom: platform, model, layout };
    let signed = bom::sign(evidence, decision, MAKER.at, keys).expect("an AIBoM is signed");
    assert!(signed.aibom() == &aibom, "what is signed is what was assembled");
    let links = [set.submission.envelope.as_slice(), signed.link()];
    let checks = verify_links(&links, signed.layout(), layout.public_key(), MAKER.at);
    let failed = checks.iter().find(|check| !check.passed);
    assert!(failed.is_none(), "a layout that its own links do not satisfy: {failed:?}");
}
