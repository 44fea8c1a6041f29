//! Evidence signed by the wrong people, and trust roots that pin others.

use evidence::EvidenceSet;
use ids::{Role, SpiffeId};
use testkit::evidence::{Fixture, Part};

use super::{assert_refused, made::Made};

/// The good bundle around other evidence.
fn with(evidence: EvidenceSet, made: &Made) -> crate::Verdict {
    let mut bundle = made.bundle.clone();
    bundle.evidence = evidence;
    made.verdict_of(&bundle)
}

/// Evidence of `fixture` judged by the root of the mesh that made it.
fn judged(fixture: Fixture) -> crate::Verdict {
    let evidence = fixture.set();
    let made = Made::of(fixture, b"{}".to_vec(), b"{}".to_vec(), evidence);
    made.verdict()
}

#[test]
fn evidence_of_another_ca_is_refused() {
    let made = Made::new(Fixture::new());
    let impostor = made.fixture.wrong_ca();
    let cases = [
        (Part::Request, impostor.user, "request.certificate"),
        (Part::Grant, impostor.scheduler, "grant.certificate"),
        (Part::Training, impostor.executor, "training.certificate"),
        (Part::Scan, impostor.scanner, "scan.0.certificate"),
    ];
    for (part, party, check) in cases {
        let verdict = judged(Fixture::new().signer(part, party));
        assert_refused(&format!("{part:?}"), &verdict, check);
    }
}

#[test]
fn evidence_signed_in_another_role_is_refused() {
    let cases = [
        (Part::Request, Role::Scheduler, "request.role"),
        (Part::Grant, Role::User, "grant.role"),
        (Part::Training, Role::Scanner, "training.role"),
        (Part::Scan, Role::Executor, "scan.0.role"),
        (Part::Training, Role::Signer, "training.role"),
    ];
    for (part, role, check) in cases {
        let fixture = Fixture::new();
        let party = fixture.mesh().ca.party(role, "one");
        let verdict = judged(fixture.signer(part, party));
        assert_refused(&format!("{part:?} by {role}"), &verdict, check);
    }
}

#[test]
fn evidence_of_another_trust_domain_is_refused() {
    let fixture = Fixture::new();
    let id = SpiffeId::new("evil.test", Role::Executor, "one").unwrap();
    let party = fixture.mesh().ca.party_of(&id, |_| {});
    assert_refused("domain", &judged(fixture.signer(Part::Training, party)), "training.role");
}

#[test]
fn expired_certificates_are_refused() {
    for (part, role, check) in [
        (Part::Request, Role::User, "request.certificate"),
        (Part::Training, Role::Executor, "training.certificate"),
        (Part::Scan, Role::Scanner, "scan.0.certificate"),
    ] {
        let fixture = Fixture::new();
        let id = fixture.mesh().ca.party(role, "one").id;
        let party = fixture.mesh().ca.party_of(&id, |params| {
            params.not_after = params.not_before + std::time::Duration::from_secs(60);
        });
        let verdict = judged(fixture.signer(part, party));
        assert_refused(&format!("{part:?}"), &verdict, check);
    }
}

#[test]
fn another_executor_than_the_granted_one_is_refused() {
    let fixture = Fixture::new();
    let party = fixture.mesh().ca.party(Role::Executor, "two");
    assert_refused("executor", &judged(fixture.signer(Part::Training, party)), "training.signer");
}

#[test]
fn a_certificate_that_the_path_does_not_need_is_refused() {
    let made = Made::new(Fixture::new());
    let root = made.fixture.mesh().ca.certificate_der();
    let other = made.fixture.mesh().ca.party(Role::User, "bob").certificate_der;
    for idle in [root, other] {
        let mut evidence = made.bundle.evidence.clone();
        evidence.scans[0].certificates.push(idle);
        assert_refused("idle", &with(evidence, &made), "evidence.certificates");
    }
    let mut evidence = made.bundle.evidence.clone();
    evidence.request.certificates.clear();
    assert_refused("none", &with(evidence, &made), "request.certificate");
}

#[test]
fn weakened_isolation_is_refused() {
    let fixture = Fixture::new().training(|training| {
        let container = &mut training.predicate.run_details.observed.container;
        container.network_mode = "bridge".to_owned();
    });
    assert_refused("network", &judged(fixture), "training.isolation");
}

#[test]
fn another_mesh_is_refused() {
    let made = Made::new(Fixture::new());
    let stranger = made.fixture.wrong_ca().trust_root();
    let verdict = made.verdict_by(&stranger);
    for check in ["ledger.checkpoint", "attestation.key", "request.certificate"] {
        assert_refused("stranger", &verdict, check);
    }
    let mut root = made.root.clone();
    root.ledger_key.clone_from(&stranger.ledger_key);
    let verdict = made.verdict_by(&root);
    let failed = super::failures(&verdict);
    // The stranger's ledger is nobody's witness, and its signature line is one of nobody.
    let ledger = ["ledger.checkpoint", "ledger.witnesses", "ledger.inclusion"];
    let late = ["attestation.time", "policy.signature", "signatures.model", "signatures.layout"];
    assert_eq!(failed, [&ledger[..], &late].concat());
}
