//! Tests of offline verification: one good bundle, and every way to spoil it.

mod artifacts;
mod bytes;
mod made;
mod parties;
mod parts;
mod policies;
mod swapped;
mod times;
mod timing;

use testkit::evidence::Fixture;

use crate::Verdict;
use made::Made;

/// Names of the checks that did not hold.
fn failures(verdict: &Verdict) -> Vec<String> {
    let checks = verdict.checks.as_slice().iter();
    checks.filter(|check| !check.passed).map(|check| check.name.clone()).collect()
}

/// The bundle is refused, and `check` is among the reasons.
fn assert_refused(what: &str, verdict: &Verdict, check: &str) {
    assert!(!verdict.is_verified(), "{what}: verified");
    let failed = failures(verdict);
    assert!(failed.iter().any(|name| name == check), "{what}: {check} is not in {failed:?}");
    for check in verdict.checks.as_slice() {
        assert!(!check.detail.is_empty(), "{what}: {} says nothing", check.name);
    }
}

#[test]
fn a_good_bundle_is_verified_with_every_check_named() {
    let made = Made::new(Fixture::new());
    let verdict = made.verdict();
    assert_eq!(failures(&verdict), Vec::<String>::new());
    let subject = verdict.subject.as_ref().unwrap();
    assert_eq!(Some(subject.job_id()), verdict.claimed_job);
    assert_eq!(subject.job_id(), made.fixture.job());
    assert_eq!(subject.model_name(), "wine-cultivar");
    assert_eq!(subject.aibom(), made.bundle.aibom);
    assert_eq!(subject.attestation(), made.bundle.attestation);
    assert_eq!(subject.signed_at(), made.fixture.at());
    assert_eq!(subject.logged_at(), made.logged_at);
    assert_eq!(subject.log_index(), 2);
    let names: Vec<&str> = verdict.checks.as_slice().iter().map(|c| c.name.as_str()).collect();
    let own: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| {
            ["bundle.", "ledger.", "attestation.", "aibom.", "evidence.", "policy."]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        })
        .collect();
    assert_eq!(
        own,
        [
            "bundle.format",
            "ledger.checkpoint",
            "ledger.witnesses",
            "ledger.entry",
            "ledger.inclusion",
            "attestation.format",
            "attestation.key",
            "attestation.signature",
            "attestation.time",
            "evidence.certificates",
            "policy.signature",
            "policy.decision",
            "aibom.rederive",
            "attestation.statement",
        ]
    );
    assert!(names.contains(&"training.isolation") && names.contains(&"scan.0.signature"));
    assert!(names.len() <= 256);
}

#[test]
fn the_same_bundle_gives_the_same_verdict() {
    let made = Made::new(Fixture::new());
    assert_eq!(made.verdict().checks, made.verdict().checks);
}

#[test]
fn a_test_root_and_an_incomplete_scan_are_warned_of() {
    let made = Fixture::new().scans(|scans| {
        scans[0].predicate.aibom.completeness = evidence::Completeness::Incomplete;
        scans[0].predicate.aibom.reason = "no database".to_owned();
    });
    let made = Made::new(
        made.policy(|p| p.complete.retain(|target| *target != evidence::ScanTarget::Image)),
    );
    let verdict = made.verdict();
    let warnings = verdict.subject.as_ref().unwrap().warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("tests") && warnings[1].contains("no database"));

    let mut root = made.root.clone();
    root.environment = evidence::Environment::Production;
    let good = Made::new(Fixture::new());
    root.mesh_ca.clone_from(&good.root.mesh_ca);
    let verdict = good.verdict_by(&root);
    let subject = verdict.subject.unwrap();
    assert_eq!(subject.warnings().len(), 1, "the ignored finding: {:?}", subject.warnings());
}
