//! Rules that go by what the trust root says: its environment, and the identities it takes back.

use keys::SigningKey as _;
use testkit::evidence::Fixture;

use super::{checked, cross};
use crate::{Environment, EvidenceSet, Revocation, RevokedIdentity, TrustRoot};

fn failed(fixture: &Fixture, root: &TrustRoot) -> Option<String> {
    let set: EvidenceSet = cross(&fixture.set());
    let (checks, _) = checked(&set, root, fixture.at());
    checks.first_failure().map(|check| check.name.clone())
}

#[test]
fn a_simulated_runtime_counts_for_a_test_root_only() {
    let simulated = |name: &'static str| {
        Fixture::new().training(move |t| {
            name.clone_into(&mut t.predicate.run_details.observed.container.runtime);
        })
    };
    for (environment, name, refused) in [
        (Environment::Test, "simulated", None),
        (Environment::Production, "simulated", Some("training.runtime")),
        (Environment::Production, "", Some("training.runtime")),
        (Environment::Production, "runc", None),
        (Environment::Production, "nvidia", None),
    ] {
        let fixture = simulated(name);
        let mut root: TrustRoot = cross(&fixture.trust_root());
        root.environment = environment;
        assert_eq!(failed(&fixture, &root).as_deref(), refused, "{environment:?} {name}");
    }
}

#[test]
fn evidence_by_a_revoked_identity_is_refused_from_its_instant_on() {
    let fixture = Fixture::new();
    let mesh = fixture.mesh();
    let (at, good): (_, TrustRoot) = (fixture.at(), cross(&fixture.trust_root()));
    for (party, check) in [
        (&mesh.user, "request.certificate"),
        (&mesh.scheduler, "grant.certificate"),
        (&mesh.executor, "training.certificate"),
        (&mesh.scanner, "scan.0.certificate"),
    ] {
        for (offset_ms, refused) in [(0, Some(check)), (-1, Some(check)), (1, None)] {
            let mut root = good.clone();
            root.revoked_identities.push(RevokedIdentity {
                key: party.key.public_key().key_id().to_string().parse().unwrap(),
                revoked: Revocation { since: at.plus_ms(offset_ms), reason: "stolen".into() },
            });
            assert_eq!(failed(&fixture, &root).as_deref(), refused, "{check} {offset_ms}");
        }
    }
}
