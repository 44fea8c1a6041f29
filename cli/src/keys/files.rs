//! Private keys in files of their own: made, written, read; encrypted when there is a passphrase.

use std::path::Path;

use ::keys::{Algorithm, FileKey, generate_ed25519, generate_p256};
use zeroize::Zeroizing;

use crate::{certs::write_secret, failure::Failure};

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
    not_yet(passphrase)?;
    write_secret(path, pem)
}

/// Reads a key that only its owner may read.
pub(crate) fn load(path: &Path, passphrase: Option<&Path>) -> Result<FileKey, Failure> {
    not_yet(passphrase)?;
    FileKey::load(path).map_err(|error| Failure::cannot("the key cannot be used").caused_by(&error))
}

/// The one place that waits for encrypted PKCS#8 in `libs/keys`.
fn not_yet(passphrase: Option<&Path>) -> Result<(), Failure> {
    match passphrase {
        None => Ok(()),
        Some(_) => Err(Failure::cannot("this build reads and writes no encrypted key files")
            .remedy("leave --passphrase-file out, and keep the key on a machine of its own")),
    }
}
