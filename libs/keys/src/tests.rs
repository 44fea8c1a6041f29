//! Keys and chains: what verifies, and what must not.

use ids::{Role, SpiffeId, Timestamp};

use super::*;
use ca::{Authority, LeafRequest, create_root};

const NOW: Timestamp = Timestamp::from_unix_ms(1_790_000_000_000);
const HOUR_MS: i64 = 3_600_000;

fn root() -> (ca::Issued, Authority) {
    let root = create_root("mesh.test", NOW, 24 * HOUR_MS, [1; 20]).unwrap();
    let authority = Authority::load(&root.certificate_pem, &root.key_pem).unwrap();
    (root, authority)
}

fn leaf(authority: &Authority, role: Role) -> ca::Issued {
    let spiffe_id = SpiffeId::new("mesh.test", role, "one").unwrap();
    authority
        .issue(&LeafRequest {
            spiffe_id: &spiffe_id,
            names: &["localhost".into(), "127.0.0.1".into()],
            now: NOW,
            ttl_ms: HOUR_MS,
            serial: [2; 20],
        })
        .unwrap()
}

#[test]
fn both_algorithms_sign_and_every_change_is_refused() {
    for pem in [generate_ed25519(&[7; 32]).unwrap(), generate_p256(&[7; 32]).unwrap()] {
        let key = FileKey::from_pem(&pem).unwrap();
        let signature = key.sign(b"message").unwrap();
        let public = PublicKey::from_pem(&key.public_key().to_pem()).unwrap();
        assert_eq!(&public, key.public_key());
        assert_eq!(PublicKey::from_spki_der(public.spki_der()).as_ref(), Ok(&public));
        assert_eq!(public.verify(b"message", &signature), Ok(()));
        assert!(public.verify(b"messagf", &signature).is_err());
        for position in 0..signature.len() {
            let mut changed = signature.clone();
            changed[position] ^= 1;
            assert!(public.verify(b"message", &changed).is_err(), "byte {position}");
        }
    }
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("k.key.pem");
    write_secret(&path, &generate_ed25519(&[7; 32]).unwrap()).unwrap();
    assert!(FileKey::load(&path).is_ok());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(FileKey::load(&path), Err(LoadKeyError::Mode { mode: 0o640, .. })));
}

#[test]
fn a_chain_holds_only_under_its_root_and_in_its_time() {
    let (root, authority) = root();
    let leaf = leaf(&authority, Role::Executor);
    let chain = [leaf.certificate_der.clone()];
    let roots = [root.certificate_der.clone()];
    let identity = verify_chain(&chain, &roots, NOW).unwrap();
    assert_eq!(identity.spiffe_id().role(), Role::Executor);
    let key = FileKey::from_pem(&leaf.key_pem).unwrap();
    assert_eq!(key.public_key().key_id(), identity.public_key().key_id());

    let late = verify_chain(&chain, &roots, NOW.plus_ms(2 * HOUR_MS));
    assert!(matches!(late, Err(ChainError::Chain { .. })), "{late:?}");
    let other = create_root("mesh.test", NOW, HOUR_MS, [3; 20]).unwrap();
    assert!(verify_chain(&chain, &[other.certificate_der], NOW).is_err());
    assert!(verify_chain(&[], &roots, NOW).is_err());
    assert!(verify_chain(&roots, &roots, NOW).is_err(), "a root is no leaf");
    for position in (0..chain[0].len()).step_by(7) {
        let mut changed = chain[0].clone();
        changed[position] ^= 1;
        assert!(verify_chain(&[changed], &roots, NOW).is_err(), "byte {position}");
    }
}
