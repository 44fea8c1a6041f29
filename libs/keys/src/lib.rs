//! Signing keys behind one trait, certificates and their chains, and the mesh CA.
//!
//! `SigningKey` is the seam for key backends (file today, PKCS#11 beside it); nothing outside this
//! crate sees private key material.

pub mod ca;
mod certificate;
mod file;
mod public;

pub use certificate::{
    Certificate, CertificateError, ChainError, Identity, MAX_CERTIFICATE_BYTES, MAX_CHAIN,
    carries_idle, verify_chain,
};
pub use file::{FileKey, LoadKeyError, generate_ed25519, generate_p256, write_secret};
pub use public::{Algorithm, KeyId, PublicKey, PublicKeyError, SignatureInvalid};

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

#[cfg(test)]
mod tests;
