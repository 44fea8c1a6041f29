//! The rules, each broken one at a time; and edits of the signed bytes.
//!
//! The fixture is made of this crate as its users build it, whose types are others than those of this
//! crate under test: documents cross over as the bytes that they are.

mod bounds;
mod edits;
mod isolation;
mod operator;
mod record;
mod release;
mod root_rules;
mod rules;
mod scan_rules;
mod submission;
mod trust_root;

use ids::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use testkit::evidence::Fixture;

use crate::{Checks, EvidenceSet, TrustRoot, VerifiedEvidence, check};

/// The same document as a type of this crate under test.
fn cross<T: DeserializeOwned>(value: &impl Serialize) -> T {
    serde_json::from_value(serde_json::to_value(value).unwrap()).unwrap()
}

/// The checks of a set, and what they let through.
fn checked(
    set: &EvidenceSet,
    root: &TrustRoot,
    at: Timestamp,
) -> (Checks, Option<VerifiedEvidence>) {
    let mut checks = Checks::new();
    let verified = check(set, root, at, &mut checks);
    assert_eq!(checks.all_passed(), verified.is_some(), "the report and the answer differ");
    (checks, verified)
}

/// The first check that a fixture's set fails; `None` when it verifies.
fn first_failure(fixture: &Fixture) -> Option<String> {
    let (checks, verified) =
        checked(&cross(&fixture.set()), &cross(&fixture.trust_root()), fixture.at());
    assert_eq!(verified.is_none(), checks.first_failure().is_some());
    checks.first_failure().map(|failed| failed.name.clone())
}

#[test]
fn the_fixture_verifies_and_every_check_is_named_once() {
    let fixture = Fixture::new();
    let (checks, verified) =
        checked(&cross(&fixture.set()), &cross(&fixture.trust_root()), fixture.at());
    let verified = verified.unwrap();
    let names: std::collections::BTreeSet<&str> =
        checks.as_slice().iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names.len(), checks.as_slice().len(), "a check's name stands twice");
    assert_eq!(verified.digests().len(), 7);
    assert_eq!(verified.signers().len(), 7);
    assert_eq!(verified.set_digest(), fixture.verified().set_digest());
    assert_eq!(cross::<crate::Grant>(&fixture.parts().grant), *verified.grant());
}

#[test]
fn a_report_without_checks_has_not_passed() {
    assert!(!Checks::new().all_passed());
}
