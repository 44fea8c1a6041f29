//! The policy is asked here: what it holds is not signed, and leaves nothing behind.

use ids::Role;

use super::*;

/// The wine job under a policy that ignores nothing: held for its one critical finding.
fn held() -> Fixture {
    Fixture::new().policy(|policy| policy.ignore.clear())
}

fn assert_held(fixture: &Fixture, journal: &Memory) {
    match attest(fixture, journal) {
        Err(AttestError::Held(hold)) => {
            let keys: Vec<String> = hold.violations.iter().map(policy::Violation::key).collect();
            assert_eq!(keys, ["vulnerability CVE-2026-1669 pkg:pypi/keras@3.15.1"]);
            assert_eq!((hold.job, hold.more), (fixture.job(), 0));
        }
        other => panic!("not held: {other:?}"),
    }
    assert_eq!(journal.len(), 0);
    assert!(journal.requests.lock().unwrap().is_empty(), "the request is not taken");
}

#[test]
fn what_the_policy_holds_is_not_signed_until_an_approver_releases_it() {
    let journal = Memory::default();
    assert_held(&held(), &journal);
    let released = held().released(|_| {});
    let attested = attest(&released, &journal).unwrap();
    assert!(attested.new);
    assert_eq!(attested.record.policy, released.policy_bytes());
    // From then on this is the job's answer, and evidence without the release is other evidence.
    assert!(!attest(&released, &journal).unwrap().new);
    let without = attest(&held(), &journal);
    assert!(matches!(without, Err(AttestError::AlreadySigned { .. })), "{without:?}");
}

#[test]
fn the_same_evidence_is_signed_once_the_policy_lets_it_pass() {
    let journal = Memory::default();
    assert_held(&held(), &journal);
    assert!(attest(&Fixture::new(), &journal).unwrap().new);
}

#[test]
fn a_release_for_anything_else_does_not_release() {
    let other = Sha256Digest::of(b"another");
    let another_job = Fixture::new().number(2).job();
    let refused = [
        ("release.subject", held().released(move |r| r.job = another_job)),
        ("release.subject", held().released(move |r| r.evidence = other)),
        ("release.bounds", held().released(|r| r.violations.clear())),
        ("release.bounds", held().released(|r| r.reason.clear())),
    ];
    for (rule, fixture) in refused {
        let journal = Memory::default();
        let answer = attest(&fixture, &journal);
        assert!(
            matches!(&answer, Err(AttestError::Refused { rule: by, .. }) if by == rule),
            "{rule}: {answer:?}"
        );
        assert_eq!(journal.len(), 0);
    }
    assert_held(&held().released(move |r| r.policy = other), &Memory::default());
    let some = |violations: &'static [&str]| {
        held().released(move |r| r.violations = violations.iter().map(|v| (*v).into()).collect())
    };
    assert_held(&some(&["vulnerability CVE-2026-1669 pkg:pypi/keras"]), &Memory::default());
    assert_held(&some(&["file pickle.code model.keras"]), &Memory::default());
}

#[test]
fn only_an_approver_releases_and_not_a_byte_may_change() {
    let fixture = held().released(|_| {});
    let set = fixture.set();
    for role in [Role::User, Role::Scheduler, Role::Scanner, Role::Signer, Role::Executor] {
        let party = fixture.mesh().ca.party(role, "one");
        let release = fixture.parts().release.unwrap();
        let signed = party.sign(evidence::RELEASE_PAYLOAD_TYPE, &release);
        let set = EvidenceSet { release: Some(signed), ..set.clone() };
        let answer = attest_at(&fixture, &set, fixture.at(), 5, &Memory::default());
        assert!(
            matches!(&answer, Err(AttestError::Refused { rule, .. }) if rule == "release.role"),
            "{role}: {answer:?}"
        );
    }
    let length = set.release.as_ref().unwrap().envelope.len();
    for place in (0..length).step_by(41) {
        let mut changed = set.clone();
        changed.release.as_mut().unwrap().envelope[place] ^= 1;
        let answer = attest_at(&fixture, &changed, fixture.at(), 5, &Memory::default());
        assert!(matches!(answer, Err(AttestError::Refused { .. })), "byte {place}: {answer:?}");
    }
}

/// Asks with this policy, or none.
fn attest_under(
    fixture: &Fixture,
    policy: Result<SignedPolicy, PolicyUnusable>,
    journal: &Memory,
) -> Result<Attested, AttestError> {
    let ring = Ring::new(Arc::new(Store::of(fixture.mesh())));
    let attester = Attester { root: &fixture.trust_root(), ring: &ring, policy };
    attester.attest(&fixture.set(), fixture.at(), [5; 32], journal)
}

#[test]
fn a_recorded_answer_stays_whatever_the_policy_says_later() {
    let (fixture, journal) = (Fixture::new(), Memory::default());
    let none = || Err(PolicyUnusable { path: "policy.dsse.json".into(), detail: "gone".into() });
    let answer = attest_under(&fixture, none(), &journal);
    assert!(matches!(answer, Err(AttestError::Policy(_))), "{answer:?}");
    assert_eq!(journal.len(), 0);

    let first = attest(&fixture, &journal).unwrap();
    for policy in [Ok(held().signed_policy()), none()] {
        let again = attest_under(&fixture, policy, &journal).unwrap();
        assert_eq!((again.new, &again.record), (false, &first.record));
    }
}
