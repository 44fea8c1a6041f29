//! Reading a trust root.

use ids::canonical;
use testkit::evidence::Fixture;

use super::cross;
use crate::{TrustRoot, TrustRootError};

type Spoil = fn(&mut TrustRoot);

#[test]
fn a_usable_root_is_read_with_and_without_a_final_newline() {
    let root: TrustRoot = cross(&Fixture::new().trust_root());
    let mut bytes = canonical::to_vec(&root).unwrap();
    assert_eq!(TrustRoot::parse(&bytes).unwrap(), root);
    bytes.push(b'\n');
    assert_eq!(TrustRoot::parse(&bytes).unwrap(), root);
    bytes.push(b'\n');
    assert!(matches!(TrustRoot::parse(&bytes), Err(TrustRootError::Malformed(_))));
    assert_eq!(root.signing_public_keys().len(), 1);
    let key = root.signing_public_keys().remove(0);
    assert!(root.signing_key(key.key_id()).is_some());
    assert!(root.ledger().is_some());
}

#[test]
fn an_unusable_member_is_named() {
    let rows: [(&str, Spoil); 6] = [
        ("meshCa", |r| r.mesh_ca.clear()),
        ("meshCa", |r| r.mesh_ca = vec![Vec::new(); 17]),
        ("signingKeys", |r| r.signing_keys.clear()),
        ("signingKeys", |r| r.signing_keys[0].public_key = "x".into()),
        ("ledgerKey", |r| r.ledger_key = "x".into()),
        ("schema", |r| r.schema = "aibom.trust-root.v2".into()),
    ];
    for (member, spoil) in rows {
        let mut root: TrustRoot = cross(&Fixture::new().trust_root());
        spoil(&mut root);
        let got = match TrustRoot::parse(&canonical::to_vec(&root).unwrap()) {
            Err(TrustRootError::Member(name)) => name,
            Err(TrustRootError::Schema(_)) => "schema",
            other => unreachable!("{other:?}"),
        };
        assert_eq!(got, member);
    }
}
