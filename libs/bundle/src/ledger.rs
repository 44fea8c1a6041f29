//! What the ledger says of an attestation: the entry, its proof, and the check of both.

use ids::{Sha256Digest, Timestamp, canonical};
use merkle::checkpoint::{Checkpoint, SignedCheckpoint, VerifierKey};
use serde::{Deserialize, Serialize};

/// The value of an entry's `schema`.
pub const ENTRY_SCHEMA: &str = "aibom.ledger-entry.v1";
/// The longest entry, in bytes.
pub const MAX_ENTRY_BYTES: usize = 1024;
/// The length of a salt, in bytes.
pub const SALT_BYTES: usize = 32;

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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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

impl LoggedError {
    /// Why, without the name of the check that failed.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Checkpoint(detail) | Self::Entry(detail) | Self::Inclusion(detail) => detail,
        }
    }
}

/// An attestation whose place in the ledger was proved; only [`Inclusion::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    entry: LedgerEntry,
    index: u64,
    size: u64,
}

impl Logged {
    /// When the ledger took it.
    #[must_use]
    pub const fn logged_at(&self) -> Timestamp {
        self.entry.logged_at
    }

    /// The leaf's place, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The size of the tree that proves it.
    #[must_use]
    pub const fn tree_size(&self) -> u64 {
        self.size
    }
}

impl Inclusion {
    /// Checks the checkpoint alone: exactly one signature, by `key`, over a tree of its own log.
    ///
    /// # Errors
    /// [`LoggedError::Checkpoint`]; a signature line of another key counts as one, for nothing in
    /// a bundle may go unchecked.
    pub fn check_checkpoint(&self, key: &VerifierKey) -> Result<Checkpoint, LoggedError> {
        let refused = |detail: String| LoggedError::Checkpoint(detail);
        let note = SignedCheckpoint::parse(&self.checkpoint).map_err(|e| refused(e.to_string()))?;
        let lines = note.signatures().len();
        if lines != 1 {
            return Err(refused(format!("{lines} signature lines, exactly one is taken")));
        }
        let checkpoint = note.verify(key).map_err(|e| refused(e.to_string()))?;
        if checkpoint.origin != key.name() {
            let (origin, name) = (&checkpoint.origin, key.name());
            return Err(refused(format!("the origin is {origin:?}, the pinned log is {name:?}")));
        }
        Ok(checkpoint)
    }

    /// Checks the entry alone: that it commits to `attestation` (exact envelope bytes).
    ///
    /// # Errors
    /// [`LoggedError::Entry`].
    pub fn check_entry(&self, attestation: &[u8]) -> Result<LedgerEntry, LoggedError> {
        let refused = |detail: String| LoggedError::Entry(detail);
        let entry: LedgerEntry = canonical::from_slice(&self.entry, MAX_ENTRY_BYTES)
            .map_err(|e| refused(e.to_string()))?;
        if entry.schema != ENTRY_SCHEMA {
            let schema: String = entry.schema.chars().take(64).collect();
            return Err(refused(format!("the schema is {schema:?}, not {ENTRY_SCHEMA:?}")));
        }
        if self.salt.len() != SALT_BYTES {
            return Err(refused(format!("salt of {} bytes, not {SALT_BYTES}", self.salt.len())));
        }
        if entry.commitment != commitment(&self.salt, attestation) {
            return Err(refused("commits to another attestation".to_owned()));
        }
        Ok(entry)
    }

    /// Checks the proof alone: that the entry's bytes are a leaf of the tree of `checkpoint`.
    ///
    /// # Errors
    /// [`LoggedError::Inclusion`].
    pub fn check_proof(&self, checkpoint: &Checkpoint) -> Result<(), LoggedError> {
        let leaf = merkle::leaf_hash(&self.entry);
        let (size, root) = (checkpoint.size, &checkpoint.root);
        merkle::verify_inclusion(&leaf, self.index, size, &self.proof, root)
            .map_err(|e| LoggedError::Inclusion(e.to_string()))
    }

    /// Checks that `attestation` (exact envelope bytes) is in the ledger of `key`.
    ///
    /// # Errors
    /// The first of checkpoint, entry and inclusion that does not hold.
    pub fn check(&self, attestation: &[u8], key: &VerifierKey) -> Result<Logged, LoggedError> {
        let checkpoint = self.check_checkpoint(key)?;
        let entry = self.check_entry(attestation)?;
        self.check_proof(&checkpoint)?;
        Ok(Logged { entry, index: self.index, size: checkpoint.size })
    }
}
