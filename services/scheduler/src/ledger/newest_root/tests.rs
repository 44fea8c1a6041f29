//! An older trust root never takes the place of a newer one.

use ids::Timestamp;
use testkit::mesh::Mesh;

use super::*;

#[test]
fn a_signer_that_publishes_an_older_root_again_is_judged_by_the_newer() {
    let mesh = Mesh::new("mesh", Timestamp::from_unix_ms(1_700_000_000_000));
    let of = |version| Arc::new(TrustRoot { version, ..mesh.trust_root() });
    let newest = NewestRoot::default();
    assert_eq!(newest.get(), None);
    for (published, judges) in [(1, 1), (2, 2), (1, 2), (2, 2), (3, 3), (1, 3)] {
        assert_eq!(newest.learn(&of(published)).version, judges, "{published} is published");
        assert_eq!(newest.get().map(|root| root.version), Some(judges));
    }
}
