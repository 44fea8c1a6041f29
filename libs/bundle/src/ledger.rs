//! What the ledger says of an attestation: the entry, its proof, and the check of both.

use ids::{Sha256Digest, Timestamp, canonical};
use merkle::checkpoint::{self, VerifierKey};
use serde::{Deserialize, Serialize};

/// The value of an entry's `schema`.
pub const ENTRY_SCHEMA: &str = "aibom.ledger-entry.v1";
/// The longest entry, in bytes.
pub const MAX_ENTRY_BYTES: usize = 1024;

/// What is hashed into a leaf: canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Always [`ENTRY_SCHEMA`].
    pub schema: String,
    /// See [`commitment`].
    pub commitment: Sha256Digest,
    /// When it was taken, by the ledger's clock.
    pub logged_at: Timestamp,
}

/// SHA-256(salt ‖ envelope): names an attestation without telling what is in it.
#[must_use]
pub fn commitment(salt: &[u8], envelope: &[u8]) -> Sha256Digest {
    let mut bytes = Vec::with_capacity(salt.len().saturating_add(envelope.len()));
    bytes.extend_from_slice(salt);
    bytes.extend_from_slice(envelope);
    Sha256Digest::of(&bytes)
}

/// The proof that an attestation is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Inclusion {
    /// 32 bytes that blind the commitment.
    #[serde(with = "envelope::b64")]
    pub salt: Vec<u8>,
    /// The entry as it was hashed.
    #[serde(with = "envelope::b64")]
    pub entry: Vec<u8>,
    /// The leaf's place, from 0.
    pub index: u64,
    /// Sibling hashes, leaf to root.
    pub proof: Vec<Sha256Digest>,
    /// The signed checkpoint that the proof leads to.
    pub checkpoint: String,
}

/// Why an attestation does not count as logged.
#[derive(Debug, thiserror::Error)]
pub enum LoggedError {
    /// The checkpoint is not the ledger's.
    #[error("ledger.checkpoint: {0}")]
    Checkpoint(String),
    /// The entry is not one, or is about something else.
    #[error("ledger.entry: {0}")]
    Entry(String),
    /// The proof does not lead from the entry to the checkpoint.
    #[error("ledger.inclusion: {0}")]
    Inclusion(String),
}

/// An attestation whose place in the ledger was proved; only [`Inclusion::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    entry: LedgerEntry,
    size: u64,
}

impl Logged {
    /// When the ledger took it.
    #[must_use]
    pub const fn logged_at(&self) -> Timestamp {
        self.entry.logged_at
    }

    /// The size of the tree that proves it.
    #[must_use]
    pub const fn tree_size(&self) -> u64 {
        self.size
    }
}

impl Inclusion {
    /// Checks that `attestation` (exact envelope bytes) is in the ledger of `key`.
    ///
    /// # Errors
    /// The first of checkpoint, entry and inclusion that does not hold.
    pub fn check(&self, attestation: &[u8], key: &VerifierKey) -> Result<Logged, LoggedError> {
        let checkpoint = checkpoint::verify(&self.checkpoint, key)
            .map_err(|e| LoggedError::Checkpoint(e.to_string()))?;
        let entry: LedgerEntry = canonical::from_slice(&self.entry, MAX_ENTRY_BYTES)
            .map_err(|e| LoggedError::Entry(e.to_string()))?;
        if entry.schema != ENTRY_SCHEMA {
            return Err(LoggedError::Entry(format!("schema {:?}", entry.schema)));
        }
        if self.salt.len() != 32 {
            return Err(LoggedError::Entry(format!("salt of {} bytes, not 32", self.salt.len())));
        }
        if entry.commitment != commitment(&self.salt, attestation) {
            return Err(LoggedError::Entry("commits to another attestation".to_owned()));
        }
        merkle::verify_inclusion(
            &merkle::leaf_hash(&self.entry),
            self.index,
            checkpoint.size,
            &self.proof,
            &checkpoint.root,
        )
        .map_err(|e| LoggedError::Inclusion(e.to_string()))?;
        Ok(Logged { entry, size: checkpoint.size })
    }
}
