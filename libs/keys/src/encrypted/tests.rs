//! Keys under a passphrase: what opens, and what must not.

use super::*;
use crate::{
    FileKey, LoadKeyError, SigningKey as _, generate_ed25519, generate_p256, write_secret,
};

const RANDOM: [u8; 32] = [5; 32];

#[test]
fn both_algorithms_open_with_their_passphrase_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("k.key.pem");
    for plain in [generate_ed25519(&[7; 32]).unwrap(), generate_p256(&[7; 32]).unwrap()] {
        let encrypted = encrypt_pem(&plain, "correct horse", &RANDOM).unwrap();
        write_secret(&path, &encrypted).unwrap();
        let key = FileKey::load_encrypted(&path, "correct horse").unwrap();
        assert_eq!(key.public_key(), FileKey::from_pem(&plain).unwrap().public_key());

        let clear = FileKey::load(&path);
        assert!(matches!(clear, Err(LoadKeyError::Encrypted { .. })), "{clear:?}");
        for wrong in ["", "correct horsf", "Correct horse"] {
            let opened = FileKey::load_encrypted(&path, wrong);
            assert!(matches!(opened, Err(LoadKeyError::Passphrase { .. })), "{opened:?}");
        }
        write_secret(&path, &plain).unwrap();
        let opened = FileKey::load_encrypted(&path, "correct horse");
        assert!(matches!(opened, Err(LoadKeyError::Format { .. })), "{opened:?}");
    }
}

#[test]
fn what_is_no_encrypted_key_is_refused() {
    let plain = generate_ed25519(&[7; 32]).unwrap();
    let encrypted = encrypt_pem(&plain, "p", &RANDOM).unwrap();
    assert!(encrypt_pem(&encrypted, "p", &RANDOM).is_none(), "it is encrypted already");
    assert!(encrypt_pem("no key", "p", &RANDOM).is_none());
    for text in ["", "no key", &plain, &encrypted[..200]] {
        assert_eq!(decrypt_pem(text, "p").unwrap_err(), DecryptError::Format);
    }
}

#[test]
fn a_file_cannot_ask_for_unbounded_work() {
    let scheme = |cost_parameter, block_size, parallelization| {
        let salt = Salt::new([1; 16]).unwrap();
        let scrypt =
            ScryptParams { salt, cost_parameter, block_size, parallelization, key_length: None };
        let encryption = Cipher::Aes256Cbc { iv: [0; 16] };
        EncryptionScheme::from(Parameters { kdf: Kdf::Scrypt(scrypt), encryption })
    };
    assert!(is_reasonable(&scheme(1 << 17, 8, 1)));
    assert!(!is_reasonable(&scheme(1 << 24, 8, 1)));
    assert!(!is_reasonable(&scheme(1 << 14, 8, u16::MAX)));
    assert!(!is_reasonable(&scheme(u64::MAX, 8, 1)));
}
