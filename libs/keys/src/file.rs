//! Keys kept in PKCS#8 PEM files that only their owner may read.

use std::{
    fmt,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use zeroize::Zeroizing;

use crate::{
    PublicKey, SignError, SigningKey,
    encrypted::{DecryptError, decrypt_pem, is_encrypted},
    secret::{ReadSecretError, read_secret},
};

const MAX_KEY_FILE_BYTES: usize = 16 * 1024;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadKeyError {
    /// The file cannot be read.
    #[error("cannot read the key file {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read the file.
    #[error("the key file {path} has mode {mode:04o}: run 'chmod 600' on it")]
    Mode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is no key that we take.
    #[error("{path} holds no Ed25519 or P-256 private key in PKCS#8 PEM")]
    Format {
        /// Which file.
        path: PathBuf,
    },
    /// The key is encrypted, and no passphrase was given.
    #[error("the key file {path} is encrypted: name the file that holds its passphrase")]
    Encrypted {
        /// Which file.
        path: PathBuf,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the key file {path}")]
    Passphrase {
        /// Which file.
        path: PathBuf,
    },
}

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

/// A private key read from a file.
pub struct FileKey {
    secret: Secret,
    public: PublicKey,
}

impl FileKey {
    /// Reads the PKCS#8 PEM key at `path`, which must be readable by its owner only.
    ///
    /// # Errors
    /// When the file is missing, too open, encrypted, or not a key.
    pub fn load(path: &Path) -> Result<Self, LoadKeyError> {
        let pem = read_pem(path)?;
        if is_encrypted(&pem) {
            return Err(LoadKeyError::Encrypted { path: path.to_owned() });
        }
        Self::from_pem(&pem).ok_or_else(|| LoadKeyError::Format { path: path.to_owned() })
    }

    /// Reads the encrypted PKCS#8 PEM key at `path` (PBES2 with scrypt or PBKDF2).
    ///
    /// # Errors
    /// When the file is missing, too open, not an encrypted key, or the passphrase is wrong.
    pub fn load_encrypted(path: &Path, passphrase: &str) -> Result<Self, LoadKeyError> {
        let format = || LoadKeyError::Format { path: path.to_owned() };
        let pem = decrypt_pem(&read_pem(path)?, passphrase).map_err(|error| match error {
            DecryptError::Format => format(),
            DecryptError::Passphrase => LoadKeyError::Passphrase { path: path.to_owned() },
        })?;
        Self::from_pem(&pem).ok_or_else(format)
    }

    /// Reads a PKCS#8 PEM key from text.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_pem(pem) {
            let public = PublicKey::from_ed25519(key.verifying_key()).ok()?;
            return Some(Self { secret: Secret::Ed25519(key), public });
        }
        let key = p256::ecdsa::SigningKey::from_pkcs8_pem(pem).ok()?;
        let public = PublicKey::from_p256(*key.verifying_key()).ok()?;
        Some(Self { secret: Secret::P256(key), public })
    }

    /// The Ed25519 key itself, for formats that sign with it directly (checkpoints).
    #[must_use]
    pub const fn as_ed25519(&self) -> Option<&ed25519_dalek::SigningKey> {
        match &self.secret {
            Secret::Ed25519(key) => Some(key),
            Secret::P256(_) => None,
        }
    }
}

fn read_pem(path: &Path) -> Result<Zeroizing<String>, LoadKeyError> {
    match read_secret(path, MAX_KEY_FILE_BYTES) {
        Ok(secret) => Ok(secret.text),
        Err(ReadSecretError::Read { path, source }) => Err(LoadKeyError::Read { path, source }),
        Err(ReadSecretError::Mode { path, mode }) => Err(LoadKeyError::Mode { path, mode }),
        Err(ReadSecretError::TooLong { path, .. } | ReadSecretError::NoText { path }) => {
            Err(LoadKeyError::Format { path })
        }
    }
}

impl SigningKey for FileKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let error = |e: p256::ecdsa::signature::Error| SignError {
            key_id: self.public.key_id(),
            reason: e.to_string(),
        };
        match &self.secret {
            Secret::Ed25519(key) => Ok(key.try_sign(message).map_err(error)?.to_bytes().to_vec()),
            Secret::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.try_sign(message).map_err(error)?;
                Ok(signature.as_bytes().to_vec())
            }
        }
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A fresh Ed25519 key from 32 random bytes, as PKCS#8 PEM.
#[must_use]
pub fn generate_ed25519(seed: &[u8; 32]) -> Option<Zeroizing<String>> {
    ed25519_dalek::SigningKey::from_bytes(seed).to_pkcs8_pem(LineEnding::LF).ok()
}

/// A fresh P-256 key from 32 random bytes, as PKCS#8 PEM; `None` for the rare unusable scalar.
#[must_use]
pub fn generate_p256(seed: &[u8; 32]) -> Option<Zeroizing<String>> {
    p256::ecdsa::SigningKey::from_slice(seed).ok()?.to_pkcs8_pem(LineEnding::LF).ok()
}

/// Writes a secret to a new file of mode 0600, replacing an older one atomically.
///
/// # Errors
/// When the file cannot be written.
pub fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    replace_file(path, text.as_bytes(), 0o600)
}

/// Writes a file of `mode`, replacing an older one atomically and durably: after a crash there is the
/// old file or the new one, and after the return there is the new one.
///
/// # Errors
/// When the file cannot be written, or its directory cannot be synced.
pub fn replace_file(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = Path::new(&temporary);
    // A leftover could have another mode, or be a link.
    let _ = std::fs::remove_file(temporary);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    std::fs::File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
