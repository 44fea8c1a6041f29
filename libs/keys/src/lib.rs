//! Signing keys behind one trait, certificates and their chains, and the mesh CA.
//!
//! `SigningKey` is the seam for key backends (file today, PKCS#11 beside it); nothing outside this
//! crate sees private key material.

pub mod ca;
mod certificate;
mod code_signing;
mod directory;
mod encrypted;
mod file;
mod public;
mod secret;

pub use certificate::{
    Certificate, CertificateError, ChainError, Identity, MAX_CERTIFICATE_BYTES, MAX_CHAIN,
    carries_idle, verify_chain,
};
pub use code_signing::{
    CodeSigner, CodeSigningError, MAX_CODE_SIGNING_CHAIN, MAX_ROOTS, certificates_from_pem,
    verify_code_signing_chain,
};
pub use directory::DirectoryStore;
pub use encrypted::encrypt_pem;
pub use file::{
    FileKey, LoadKeyError, generate_ed25519, generate_p256, replace_file, write_secret,
};
pub use public::{Algorithm, KeyId, PublicKey, PublicKeyError, SignatureInvalid, low_s};
pub use secret::{FileStamp, ReadSecretError, SecretFile, read_secret};

/// A private key could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the key {key_id} could not sign: {reason}")]
pub struct SignError {
    /// Which key.
    pub key_id: KeyId,
    /// What the backend said; never key material.
    pub reason: String,
}

/// A key that signs without showing itself.
pub trait SigningKey: Send + Sync + std::fmt::Debug {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message`: Ed25519 (RFC 8032, 64 bytes) or ECDSA P-256 with SHA-256 (DER).
    ///
    /// # Errors
    /// When the backend is away or refuses.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why a store does not give a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindKeyError {
    /// The store works, and has no such key.
    #[error("{store} has no key {key_id}")]
    Missing {
        /// Which key.
        key_id: KeyId,
        /// Which store.
        store: String,
    },
    /// The store has the key, but it is not kept as a signing key must be.
    #[error("{store} has the key {key_id}, which is not used: {reason}")]
    Unfit {
        /// Which key.
        key_id: KeyId,
        /// Which store.
        store: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The store does not answer now; it may later.
    #[error("{store} is away: {reason}")]
    Away {
        /// Which store.
        store: String,
        /// What it said; never a secret.
        reason: String,
    },
}

/// Where private keys are. Which of them is used for what, the trust root says.
pub trait KeyStore: Send + Sync + std::fmt::Debug {
    /// The key of that id. May block for a bounded time.
    ///
    /// # Errors
    /// When the store does not have it, or does not answer.
    fn find(&self, key_id: KeyId) -> Result<std::sync::Arc<dyn SigningKey>, FindKeyError>;

    /// Why the store cannot sign now, for people; `Ok` when it can. Returns at once.
    ///
    /// # Errors
    /// [`FindKeyError::Away`].
    fn ready(&self) -> Result<(), FindKeyError>;

    /// Since when the store itself, outside every call to it, has been in foreign code that may
    /// hang; `None` when it is not. Returns at once.
    fn busy_since(&self) -> Option<std::time::Instant> {
        None
    }
}

#[cfg(test)]
mod tests;
