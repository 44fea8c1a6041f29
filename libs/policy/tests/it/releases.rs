//! What an approver's release lets pass, and what it does not.

use evidence::Level;
use ids::Sha256Digest;
use policy::Violation;
use testkit::evidence::Fixture;

use super::{decide, fixture, held, rules::vulnerability};

const KEYS: [&str; 3] = [
    "vulnerability CVE-1 pkg:pypi/numpy@2.4.6",
    "vulnerability CVE-2 pkg:pypi/numpy@2.4.6",
    "vulnerability CVE-3 pkg:pypi/numpy@2.4.6",
];

/// A job that is held for three findings.
fn three() -> Fixture {
    fixture().scans(|s| {
        let found = ["CVE-1", "CVE-2", "CVE-3"];
        let all = found.map(|id| vulnerability(id, &[("nvd", "CRITICAL")], "3"));
        s[0].predicate.scanner.result = all.into();
    })
}

#[test]
fn a_release_of_everything_releases_and_says_so() {
    assert_eq!(held(&three()), KEYS);
    let fixture = three().released(|_| {});
    let decision = decide(&fixture).unwrap();
    let accepted: Vec<String> = decision.accepted().iter().map(Violation::key).collect();
    assert_eq!(accepted, KEYS);
    assert_eq!(decision.evidence(), fixture.verified().set_digest());
    assert_eq!(decision.policy().digest, fixture.signed_policy().digest());
}

#[test]
fn a_release_lets_exactly_its_keys_pass() {
    for mask in 1_u8..8 {
        let some = three().released(move |r| {
            let mut bit = 0_u8;
            r.violations.retain(|_| {
                bit += 1;
                mask >> (bit - 1) & 1 == 1
            });
        });
        assert_eq!(held(&some).is_empty(), mask == 7, "{mask:03b}");
        // What holds it is still the whole: a new release must name everything.
        assert!(mask == 7 || held(&some) == KEYS);
    }
    let more = three().released(|r| {
        r.violations.push("vulnerability CVE-9 pkg:pypi/numpy@2.4.6".to_owned());
    });
    assert_eq!(decide(&more).unwrap().accepted().len(), 3, "what is not there is not accepted");
    for near in ["vulnerability CVE-1 pkg:pypi/numpy", "secret CVE-1 pkg:pypi/numpy@2.4.6", "CVE-1"]
    {
        let other = three().released(move |r| {
            r.violations[0] = near.to_owned();
            r.violations.sort();
        });
        assert_eq!(held(&other), KEYS, "{near}");
    }
}

#[test]
fn a_release_for_another_policy_does_not_count() {
    let other = three().released(|r| r.policy = Sha256Digest::of(b"another policy"));
    assert_eq!(held(&other), KEYS);
    // A policy that changes after the release holds the job again, though for the same findings.
    let fixture = three().released(|_| {});
    let stricter = three().policy(|p| p.vulnerabilities.hold = Some(Level::High)).signed_policy();
    let hold = policy::decide(&fixture.verified(), &stricter, fixture.at()).unwrap_err();
    assert_eq!(hold.violations.len(), 3);
    // One that holds nothing needs no release, and accepts nothing.
    let lenient = three().policy(|p| p.vulnerabilities.hold = None).signed_policy();
    let decision = policy::decide(&fixture.verified(), &lenient, fixture.at()).unwrap();
    assert!(decision.accepted().is_empty());
}

#[test]
fn a_hold_names_everything_that_a_release_must() {
    let fixture = three();
    let hold = decide(&fixture).unwrap_err();
    assert_eq!(hold.job, fixture.job());
    assert_eq!(hold.evidence, fixture.verified().evidence_digest());
    assert_eq!((hold.policy.name.as_str(), hold.policy.version), ("standard", 1));
    assert_eq!(hold.policy.digest, fixture.signed_policy().digest());
}
