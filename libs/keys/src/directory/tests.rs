//! A directory with plain and encrypted keys.

use super::*;
use crate::{encrypt_pem, generate_ed25519, generate_p256, write_secret};

#[test]
fn plain_and_encrypted_keys_lie_side_by_side() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    let passphrase = directory.path().join("passphrase");
    std::fs::create_dir(&keys).unwrap();
    let plain = generate_ed25519(&[1; 32]).unwrap();
    let encrypted = generate_p256(&[2; 32]).unwrap();
    let id = |pem: &str| FileKey::from_pem(pem).unwrap().public_key().key_id();
    let (plain_id, encrypted_id) = (id(&plain), id(&encrypted));
    write_secret(&keys.join("a.key.pem"), &plain).unwrap();
    let text = encrypt_pem(&encrypted, "open sesame", &[9; 32]).unwrap();
    write_secret(&keys.join("b.key.pem"), &text).unwrap();

    // A file that cannot be used is in the way of nobody who wants another one.
    let without = DirectoryStore::new(keys.clone(), None);
    assert!(without.find(plain_id).is_ok());
    let error = without.find(encrypted_id).unwrap_err();
    assert!(error.to_string().contains("is encrypted: name the file"), "{error}");

    write_secret(&passphrase, "open sesami\n").unwrap();
    let store = DirectoryStore::new(keys.clone(), Some(passphrase.clone()));
    let wrong = store.find(encrypted_id).unwrap_err();
    assert!(wrong.to_string().contains("the passphrase does not open"), "{wrong}");

    write_secret(&passphrase, "open sesame\n").unwrap();
    for key_id in [plain_id, encrypted_id] {
        let key = store.find(key_id).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
    }
    // What was opened is not opened again, and what is gone is gone.
    std::fs::remove_file(&passphrase).unwrap();
    assert!(store.find(encrypted_id).is_ok());
    std::fs::remove_file(keys.join("b.key.pem")).unwrap();
    assert!(matches!(store.find(encrypted_id), Err(FindKeyError::Missing { .. })));
}
