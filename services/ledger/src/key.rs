//! The key that signs checkpoints, under the log's name.

use ids::Sha256Digest;
use keys::FileKey;
use merkle::{
    Checkpoint,
    checkpoint::{self, CheckpointError, VerifierKey},
};

/// The key file is no key for checkpoints, or the origin no name for a log.
#[derive(Debug, thiserror::Error)]
pub enum SignKeyError {
    /// Checkpoints are signed with Ed25519 only.
    #[error("the ledger key is not an Ed25519 key")]
    Algorithm,
    /// The origin cannot stand in a checkpoint.
    #[error("the origin {origin:?} cannot name a log")]
    Origin {
        /// The text given.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: checkpoint::KeyError,
    },
}

/// The key that signs checkpoints, and the name that it signs under.
#[derive(Debug)]
pub struct SignKey {
    key: FileKey,
    verifier: VerifierKey,
}

impl SignKey {
    /// Names `key` after the log's `origin`.
    ///
    /// # Errors
    /// When the key is not Ed25519, or the origin is not a legal name.
    pub fn new(key: FileKey, origin: &str) -> Result<Self, SignKeyError> {
        let public = key.as_ed25519().ok_or(SignKeyError::Algorithm)?.verifying_key();
        let verifier = VerifierKey::new(origin, public)
            .map_err(|source| SignKeyError::Origin { origin: origin.to_owned(), source })?;
        Ok(Self { key, verifier })
    }

    /// What verifiers pin.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// A signed note over the tree; its signature was checked.
    pub(crate) fn sign(&self, size: u64, root: Sha256Digest) -> Result<String, CheckpointError> {
        let origin = self.verifier.name().to_owned();
        let key = self.key.as_ed25519().ok_or(CheckpointError::KeyName)?;
        let name = origin.clone();
        checkpoint::sign(&Checkpoint { origin, size, root }, key, &name)
    }
}
