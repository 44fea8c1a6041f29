//! What decides about a release: the policy, and an approver's word against it.

use std::sync::LazyLock;

use evidence::{
    Checks, EvidenceSet, MAX_DOCUMENT_BYTES, MAX_VIOLATIONS, RELEASE_PAYLOAD_TYPE, Release,
    TrustRoot, VerifiedEvidence,
};
use ids::canonical;
use keys::FileKey;
use policy::{MAX_POLICY_BYTES, Policy, SignedPolicy, Violation, decide, evaluate};
use testkit::evidence::Fixture;

use crate::fixture::one_spelling;

/// A job that its policy holds.
struct Held {
    fixture: Fixture,
    root: TrustRoot,
    set: EvidenceSet,
    evidence: VerifiedEvidence,
    policy: SignedPolicy,
    key: FileKey,
    keys: Vec<String>,
}

static HELD: LazyLock<Held> = LazyLock::new(|| {
    let fixture = Fixture::new().policy(|policy| policy.ignore.clear());
    let (evidence, policy) = (fixture.verified(), fixture.signed_policy());
    let held = evaluate(policy.policy(), &evidence, fixture.at()).violations;
    Held {
        root: fixture.trust_root(),
        set: fixture.set(),
        key: fixture.mesh().policy_key(),
        keys: held.iter().map(Violation::key).collect(),
        evidence,
        policy,
        fixture,
    }
});

fn open(bytes: &[u8]) -> Option<SignedPolicy> {
    let at = HELD.fixture.at();
    SignedPolicy::open(bytes, &HELD.root, |entry| entry.may_sign(at)).ok()
}

/// A policy, as a signed file or as its payload, which is then signed: only a signed one opens, and
/// what it says of evidence is each thing once.
pub fn policy(data: &[u8]) -> bool {
    if let Some(signed) = open(data) {
        let by_us = signed.policy().seal(&HELD.key).expect("a policy that opened is within bounds");
        assert!(by_us == data, "a policy that nobody signed");
        return true;
    }
    let Ok(policy) = canonical::from_slice::<Policy>(data, MAX_POLICY_BYTES) else { return false };
    assert!(one_spelling(&policy, data), "a policy has one spelling");
    let Ok(bytes) = policy.seal(&HELD.key) else {
        assert!(policy.validate().is_err() || data.len() > MAX_POLICY_BYTES / 2, "it is signed");
        return false;
    };
    let Some(signed) = open(&bytes) else {
        assert!(bytes.len() > MAX_POLICY_BYTES, "what is signed opens");
        return false;
    };
    assert!(signed.policy() == &policy, "as it was signed");
    let at = HELD.fixture.at();
    let findings = evaluate(&policy, &HELD.evidence, at);
    let mut keys: Vec<String> = findings.violations.iter().map(Violation::key).collect();
    let ignored = findings.ignored.iter();
    assert!(ignored.clone().all(|i| at <= i.by.expires), "an entry that ended");
    keys.extend(ignored.map(|i| i.violation.key()));
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert!(keys.len() == count, "each thing once");
    let decision = decide(&HELD.evidence, &signed, at);
    assert!(decision.is_ok() == findings.violations.is_empty(), "nothing else decides");
    true
}

/// A release, which an approver signs: it releases only this job, for this policy, what it names.
pub fn release(data: &[u8]) -> bool {
    let Ok(release) = canonical::from_slice::<Release>(data, MAX_DOCUMENT_BYTES) else {
        return false;
    };
    assert!(one_spelling(&release, data), "a release has one spelling");
    let approver = &HELD.fixture.mesh().approver;
    let document = approver.sign_bytes(RELEASE_PAYLOAD_TYPE, data.to_vec());
    let set = EvidenceSet { release: Some(document), ..HELD.set.clone() };
    let at = HELD.fixture.at();
    let Some(evidence) = evidence::check(&set, &HELD.root, at, &mut Checks::new()) else {
        return false;
    };
    assert!(release.is_bounded() && release.violations.len() <= MAX_VIOLATIONS, "bounded");
    assert!(release.job == HELD.evidence.grant().job, "of this job");
    assert!(release.evidence == HELD.evidence.evidence_digest(), "of this evidence");
    let names = |key: &String| release.violations.contains(key);
    let whole = release.policy == HELD.policy.digest() && HELD.keys.iter().all(names);
    assert!(decide(&evidence, &HELD.policy, at).is_ok() == whole, "it lets pass what it names");
    whole
}
