//! Encrypted private keys: PKCS#8 (RFC 5958) under PBES2 (RFC 8018) with scrypt (RFC 7914).

use pkcs8::{
    EncryptedPrivateKeyInfoOwned, LineEnding, SecretDocument,
    der::Decode as _,
    pkcs5::{
        EncryptionScheme,
        pbes2::{EncryptionScheme as Cipher, Kdf, Parameters, Salt, ScryptParams},
    },
};
use zeroize::Zeroizing;

const PLAIN_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// scrypt's N, r and p for new files. As costly to guess as OWASP's first choice, within the
/// 32 MiB beyond which OpenSSL refuses to read a key.
const COST: (u64, u16, u16) = (1 << 14, 8, 5);
/// The most work, N·r·p, and memory, N·r, that a file may ask for.
const MAX_WORK: u64 = 1 << 22;
/// The most PBKDF2 rounds that a file may ask for.
const MAX_ROUNDS: u32 = 10_000_000;
const SALT_BYTES: usize = 16;

/// Why an encrypted key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecryptError {
    /// It is no encrypted PKCS#8 PEM, or asks for an unreasonable amount of work.
    Format,
    /// The passphrase is not the one that it was encrypted with.
    Passphrase,
}

/// Whether the text says that it is an encrypted key.
pub(crate) fn is_encrypted(pem: &str) -> bool {
    pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
}

fn is_reasonable(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(parameters) = scheme else { return false };
    match &parameters.kdf {
        Kdf::Scrypt(scrypt) => scrypt
            .cost_parameter
            .checked_mul(u64::from(scrypt.block_size))
            .and_then(|memory| memory.checked_mul(u64::from(scrypt.parallelization)))
            .is_some_and(|work| work <= MAX_WORK),
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_ROUNDS,
        _ => false,
    }
}

/// The `PRIVATE KEY` PEM block inside an `ENCRYPTED PRIVATE KEY` one.
pub(crate) fn decrypt_pem(pem: &str, passphrase: &str) -> Result<Zeroizing<String>, DecryptError> {
    let (label, document) = SecretDocument::from_pem(pem).map_err(|_| DecryptError::Format)?;
    if label != ENCRYPTED_LABEL {
        return Err(DecryptError::Format);
    }
    let info = EncryptedPrivateKeyInfoOwned::from_der(document.as_bytes())
        .map_err(|_| DecryptError::Format)?;
    if !is_reasonable(&info.encryption_algorithm) {
        return Err(DecryptError::Format);
    }
    // A wrong passphrase shows in the padding, or in what comes out being no key.
    let plain = info.decrypt(passphrase).map_err(|_| DecryptError::Passphrase)?;
    plain.to_pem(PLAIN_LABEL, LineEnding::LF).map_err(|_| DecryptError::Passphrase)
}

/// A `PRIVATE KEY` PEM block (PKCS#8), encrypted with a passphrase and 32 random bytes.
///
/// scrypt and AES-256-CBC: `openssl pkey` reads it. `None` when `pem` is no such block.
#[must_use]
pub fn encrypt_pem(pem: &str, passphrase: &str, random: &[u8; 32]) -> Option<Zeroizing<String>> {
    let (label, plain) = SecretDocument::from_pem(pem).ok()?;
    if label != PLAIN_LABEL {
        return None;
    }
    let (salt, iv) = random.split_at_checked(SALT_BYTES)?;
    let (cost_parameter, block_size, parallelization) = COST;
    let salt = Salt::new(salt).ok()?;
    let scrypt =
        ScryptParams { salt, cost_parameter, block_size, parallelization, key_length: None };
    let encryption = Cipher::Aes256Cbc { iv: iv.try_into().ok()? };
    let parameters = Parameters { kdf: Kdf::Scrypt(scrypt), encryption };
    let encrypted_data = parameters.encrypt(passphrase, plain.as_bytes()).ok()?;
    let info = EncryptedPrivateKeyInfoOwned {
        encryption_algorithm: parameters.into(),
        encrypted_data: pkcs8::der::asn1::OctetString::new(encrypted_data).ok()?,
    };
    SecretDocument::try_from(info).ok()?.to_pem(ENCRYPTED_LABEL, LineEnding::LF).ok()
}

#[cfg(test)]
mod tests;
