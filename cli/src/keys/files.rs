//! Private keys in files of their own: made, written, read; encrypted when there is a passphrase.

use std::path::Path;

use ::keys::{
    Algorithm, FileKey, LoadKeyError, encrypt_pem, generate_ed25519, generate_p256, read_secret,
};
use zeroize::Zeroizing;

use crate::{certs::write_secret, failure::Failure};

/// The longest passphrase, in bytes.
const MAX_PASSPHRASE_BYTES: usize = 1024;
/// How often a P-256 key is tried; one try in 2³² gives no key.
const TRIES: usize = 4;

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::cannot("the system gives no randomness").because(error))?;
    Ok(bytes)
}

/// A key that nobody has yet, as PKCS#8 PEM and ready to sign.
pub(crate) fn fresh(algorithm: Algorithm) -> Result<(Zeroizing<String>, FileKey), Failure> {
    for _ in 0..TRIES {
        let seed = Zeroizing::new(random()?);
        let pem = match algorithm {
            Algorithm::Ed25519 => generate_ed25519(&seed),
            Algorithm::EcdsaP256Sha256 => generate_p256(&seed),
        };
        if let Some(pem) = pem
            && let Some(key) = FileKey::from_pem(&pem)
        {
            return Ok((pem, key));
        }
    }
    Err(Failure::cannot("cannot make a key"))
}

/// Writes a key for its owner only.
pub(crate) fn write(path: &Path, pem: &str, passphrase: Option<&Path>) -> Result<(), Failure> {
    let Some(passphrase) = passphrase else { return write_secret(path, pem) };
    let passphrase = self::passphrase(passphrase)?;
    let encrypted = encrypt_pem(pem, &passphrase, &random()?);
    let encrypted = encrypted.ok_or_else(|| Failure::cannot("the key cannot be encrypted"))?;
    write_secret(path, &encrypted)
}

/// Reads a key that only its owner may read; one that is not encrypted needs no passphrase.
pub(crate) fn load(path: &Path, passphrase: Option<&Path>) -> Result<FileKey, Failure> {
    let loaded = match (FileKey::load(path), passphrase) {
        (Err(LoadKeyError::Encrypted { .. }), Some(file)) => {
            FileKey::load_encrypted(path, &self::passphrase(file)?)
        }
        (loaded, _) => loaded,
    };
    loaded.map_err(|error| Failure::cannot("the key cannot be used").caused_by(&error))
}

fn passphrase(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let secret = read_secret(file, MAX_PASSPHRASE_BYTES)
        .map_err(|error| Failure::cannot("the passphrase cannot be used").caused_by(&error))?;
    Ok(secret.text)
}
