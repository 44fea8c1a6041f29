//! The fixture's evidence verifies, and is the same on every run.

use crate::{evidence::Fixture, mesh::Mesh};

#[test]
fn the_fixture_verifies_and_repeats() {
    let one = Fixture::new().verified();
    let two = Fixture::new().verified();
    assert_eq!(one.set_digest(), two.set_digest());
    let other = Fixture::new().number(2).verified();
    assert_ne!(one.set_digest(), other.set_digest());
    assert_ne!(one.grant().job, other.grant().job);
    assert_eq!(Fixture::new().number(2).job(), other.grant().job);
}

#[test]
fn the_trust_root_is_a_usable_one() {
    let fixture = Fixture::new();
    let bytes = fixture.mesh().seal_root(&fixture.trust_root());
    assert!(::evidence::TrustRoot::parse(&bytes).is_ok());
    let mesh: Mesh = fixture.wrong_ca();
    assert_ne!(mesh.user.key_pem, fixture.mesh().user.key_pem);
}
