//! The policy in a bundle, and an approver's release: exchanged, forged, dropped, or not enough.

use bundle::Bundle;
use evidence::{KeyEntry, KeyUse, Revocation, TrustRoot};
use policy::Policy;
use testkit::evidence::{Fixture, Part};

use super::{assert_refused, failures, made::Made};
use crate::Verdict;

/// The bundle around another policy, signed with the mesh's key.
fn under(made: &Made, edit: impl Fn(&mut Policy)) -> Verdict {
    let mut policy = made.fixture.signed_policy().policy().clone();
    edit(&mut policy);
    let bytes = policy.seal(&made.fixture.mesh().policy_key()).unwrap();
    made.verdict_of(&Bundle { policy: bytes, ..made.bundle.clone() })
}

/// A bundle that an approver released.
fn released() -> Made {
    Made::new(Fixture::new().policy(|p| p.ignore.clear()).released(|_| {}))
}

#[test]
fn a_policy_that_releases_as_well_is_refused() {
    let made = Made::new(Fixture::new());
    let verdict = under(&made, |p| p.version = 2);
    assert_refused("another version", &verdict, "aibom.rederive");
    assert!(!failures(&verdict).contains(&"policy.decision".to_owned()));
    let verdict = under(&made, |p| p.ignore[0].reason.push('!'));
    assert_refused("another ignore list", &verdict, "aibom.rederive");
}

#[test]
fn another_policy_than_the_one_that_decided_is_refused() {
    let made = Made::new(Fixture::new());
    let verdict = under(&made, |p| p.ignore.clear());
    assert_refused("one that holds it", &verdict, "policy.decision");
    let held = verdict.checks.as_slice().iter().find(|check| check.name == "policy.decision");
    let detail = &held.unwrap().detail;
    assert!(detail.contains("vulnerability CVE-2026-1669 pkg:pypi/keras@3.15.1"), "{detail}");
}

#[test]
fn a_policy_that_no_policy_key_signed_is_refused() {
    let made = Made::new(Fixture::new());
    let policy = made.fixture.signed_policy().policy().clone();
    let mesh = made.fixture.mesh();
    let stranger = made.fixture.wrong_ca();
    let approver = policy.seal(&mesh.approver.key);
    let platform = policy.seal(&mesh.platform_key());
    let foreign = policy.seal(&stranger.policy_key());
    for bytes in [approver, platform, foreign] {
        let policy = bytes.unwrap();
        let verdict = made.verdict_of(&Bundle { policy, ..made.bundle.clone() });
        assert_refused("by another key", &verdict, "policy.signature");
        assert_refused("by another key", &verdict, "policy.decision");
    }
    let changed = |edit: fn(&mut Vec<u8>)| {
        let mut bundle = made.bundle.clone();
        edit(&mut bundle.policy);
        made.verdict_of(&bundle)
    };
    type Edit = fn(&mut Vec<u8>);
    let rows: [(&str, Edit); 3] = [
        ("empty", Vec::clear),
        ("longer", |policy| policy.push(b' ')),
        ("changed", |policy| {
            let middle = policy.len() / 2;
            policy[middle] ^= 1;
        }),
    ];
    for (what, edit) in rows {
        assert_refused(what, &changed(edit), "policy.signature");
    }
}

fn root_with(made: &Made, edit: impl Fn(&mut KeyEntry)) -> TrustRoot {
    let mut root = made.root.clone();
    let entries = root.signing_keys.iter_mut();
    entries.filter(|entry| entry.usage == KeyUse::Policy).for_each(edit);
    root
}

#[test]
fn the_policy_key_must_have_counted() {
    let made = Made::new(Fixture::new());
    let (at, logged_at) = (made.fixture.at(), made.logged_at);
    let revoked = |since| Some(Revocation { since, reason: "lost".to_owned() });
    let roots = [
        ("expired", root_with(&made, |key| key.valid_until = at.plus_ms(-1)), false),
        ("not yet", root_with(&made, |key| key.valid_from = at.plus_ms(1)), false),
        ("revoked before", root_with(&made, |key| key.revoked = revoked(at)), false),
        ("before it was logged", root_with(&made, |key| key.revoked = revoked(logged_at)), false),
        ("after", root_with(&made, |key| key.revoked = revoked(logged_at.plus_ms(1))), true),
    ];
    for (what, root, holds) in roots {
        let verdict = made.verdict_by(&root);
        assert_eq!(verdict.is_verified(), holds, "{what}: {:?}", failures(&verdict));
        if !holds {
            assert_refused(what, &verdict, "policy.signature");
        }
    }
    let mut none = made.root.clone();
    none.signing_keys.retain(|entry| entry.usage != KeyUse::Policy);
    assert_refused("none", &made.verdict_by(&none), "policy.signature");
}

#[test]
fn what_an_approver_released_is_verified_and_warned_of() {
    let verdict = released().verdict();
    assert_eq!(failures(&verdict), Vec::<String>::new());
    let subject = verdict.subject.unwrap();
    assert_eq!(subject.decision().accepted().len(), 1);
    let warning = subject.warnings().iter().find(|warning| warning.contains("released")).unwrap();
    for part in ["spiffe://mesh.test/approver/bob", "1 finding", "not reachable", "CVE-2026-1669"] {
        assert!(warning.contains(part), "{warning}");
    }
}

#[test]
fn ignored_findings_are_warned_of_with_reason_and_last_day() {
    let subject = Made::new(Fixture::new()).verdict().subject.unwrap();
    assert_eq!(subject.decision().ignored().len(), 1);
    let warning = subject.warnings().iter().find(|warning| warning.contains("ignores")).unwrap();
    for part in ["CVE-2026-1669 pkg:pypi/keras@3.15.1", "2026-12-20", "external links"] {
        assert!(warning.contains(part), "{warning}");
    }
}

#[test]
fn a_release_that_is_dropped_forged_or_of_another_job_is_refused() {
    let made = released();
    let mut bundle = made.bundle.clone();
    bundle.evidence.release = None;
    assert_refused("dropped", &made.verdict_of(&bundle), "policy.decision");
    let mut bundle = made.bundle.clone();
    let release = bundle.evidence.release.as_mut().unwrap();
    let middle = release.envelope.len() / 2;
    release.envelope[middle] ^= 1;
    assert_refused("a byte", &made.verdict_of(&bundle), "release.signature");

    let with = |fixture: Fixture| {
        let mut bundle = made.bundle.clone();
        bundle.evidence.release = fixture.set().release;
        made.verdict_of(&bundle)
    };
    let mesh = || std::sync::Arc::clone(made.fixture.shared_mesh());
    let of = || Fixture::of(mesh(), made.fixture.at()).policy(|p| p.ignore.clear());
    let by = |id: &str| {
        let party = made.fixture.mesh().ca.party_of(&id.parse().unwrap(), |_| {});
        with(of().released(|_| {}).signer(Part::Release, party))
    };
    for id in ["user/alice", "scheduler/main", "scanner/main", "signer/main"] {
        assert_refused(id, &by(&format!("spiffe://mesh.test/{id}")), "release.role");
    }
    let other = with(of().number(2).released(|_| {}));
    assert_refused("of another job", &other, "release.subject");
    let other = with(of().released(|r| r.violations = vec!["file pickle.code x".into()]));
    assert_refused("of another finding", &other, "policy.decision");
    let other = with(of().released(|r| r.policy = ids::Sha256Digest::of(b"x")));
    assert_refused("of another policy", &other, "policy.decision");
    // Allowed, but not what was signed.
    let other = with(of().released(|r| r.reason = "no reason".into()));
    assert_refused("of another reason", &other, "aibom.rederive");
}
