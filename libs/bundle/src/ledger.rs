//! What the ledger says of a document: the entry, its proof, and the check of both.

use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{
    Checkpoint, LogPolicy, SignedCheckpoint, TlogProof,
    checkpoint::{Cosigned, LogPolicyError},
};
use serde::{Deserialize, Serialize};

use crate::Tag;

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
    /// Whose it is, to those who have the owner's monitor key; noise to everybody else.
    pub tag: Tag,
    /// When it was taken, by the ledger's clock.
    pub logged_at: Timestamp,
}

/// SHA-256(salt ‖ envelope): names a signed document without telling what is in it.
#[must_use]
pub fn commitment(salt: &[u8], envelope: &[u8]) -> Sha256Digest {
    let mut bytes = Vec::with_capacity(salt.len().saturating_add(envelope.len()));
    bytes.extend_from_slice(salt);
    bytes.extend_from_slice(envelope);
    Sha256Digest::of(&bytes)
}

/// The proof that a signed document is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Inclusion {
    /// 32 bytes that blind the commitment.
    #[serde(with = "envelope::b64")]
    pub salt: Vec<u8>,
    /// The entry as it was hashed.
    #[serde(with = "envelope::b64")]
    pub entry: Vec<u8>,
    /// The C2SP tlog-proof of the entry, without extra data: its place, the inclusion proof, the
    /// signed and cosigned checkpoint.
    pub proof: String,
}

/// Why a document does not count as logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoggedError {
    /// The checkpoint is not the ledger's.
    #[error("ledger.checkpoint: {0}")]
    Checkpoint(String),
    /// The witnesses did not cosign it.
    #[error("ledger.witnesses: {0}")]
    Witnesses(String),
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
            Self::Checkpoint(detail)
            | Self::Witnesses(detail)
            | Self::Entry(detail)
            | Self::Inclusion(detail) => detail,
        }
    }
}

/// A document whose place in the ledger was proved; only [`Inclusion::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    entry: LedgerEntry,
    index: u64,
    checkpoint: Checkpoint,
    cosigned: Vec<Cosigned>,
}

impl Logged {
    /// When the ledger took it.
    #[must_use]
    pub const fn logged_at(&self) -> Timestamp {
        self.entry.logged_at
    }

    /// The entry.
    #[must_use]
    pub const fn entry(&self) -> &LedgerEntry {
        &self.entry
    }

    /// The leaf's place, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The tree head that proves it.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The size of the tree that proves it.
    #[must_use]
    pub const fn tree_size(&self) -> u64 {
        self.checkpoint.size
    }

    /// Which witnesses cosigned that tree head, and when.
    #[must_use]
    pub fn cosigned(&self) -> &[Cosigned] {
        &self.cosigned
    }
}

impl Inclusion {
    /// Reads the proof; nothing in it is verified yet.
    ///
    /// # Errors
    /// [`LoggedError::Inclusion`] when it is no tlog-proof, or has extra data: nothing vouches for
    /// them.
    pub fn tlog_proof(&self) -> Result<TlogProof, LoggedError> {
        let refused = |detail: String| LoggedError::Inclusion(detail);
        let proof = TlogProof::parse(&self.proof).map_err(|e| refused(e.to_string()))?;
        if proof.extra.is_some() {
            return Err(refused("the proof has extra data, which nothing vouches for".to_owned()));
        }
        Ok(proof)
    }

    /// Checks the checkpoint alone: one signature by the log, over a tree of its own.
    ///
    /// # Errors
    /// [`LoggedError::Checkpoint`], or that of [`tlog_proof`](Self::tlog_proof).
    pub fn check_checkpoint(&self, policy: &LogPolicy) -> Result<Checkpoint, LoggedError> {
        let refused = |detail: String| LoggedError::Checkpoint(detail);
        let note = signed(&self.tlog_proof()?)?;
        policy.check_log(&note).map_err(|e| refused(e.to_string()))
    }

    /// Checks the other signatures on the checkpoint alone: each by a witness that the policy
    /// names, and enough of them.
    ///
    /// # Errors
    /// [`LoggedError::Witnesses`], or that of [`tlog_proof`](Self::tlog_proof).
    pub fn check_witnesses(&self, policy: &LogPolicy) -> Result<Vec<Cosigned>, LoggedError> {
        let note = signed(&self.tlog_proof()?)?;
        let refused = |e: LogPolicyError| LoggedError::Witnesses(e.to_string());
        policy.check_witnesses(&note).map_err(refused)
    }

    /// Checks the entry alone: that it commits to `document` (exact envelope bytes).
    ///
    /// # Errors
    /// [`LoggedError::Entry`].
    pub fn check_entry(&self, document: &[u8]) -> Result<LedgerEntry, LoggedError> {
        let refused = |detail: String| LoggedError::Entry(detail);
        let entry = LedgerEntry::parse(&self.entry).map_err(refused)?;
        if self.salt.len() != SALT_BYTES {
            return Err(refused(format!("salt of {} bytes, not {SALT_BYTES}", self.salt.len())));
        }
        if entry.commitment != commitment(&self.salt, document) {
            return Err(refused("commits to another document".to_owned()));
        }
        Ok(entry)
    }

    /// Checks the proof alone: that the entry's bytes are a leaf of the tree of `checkpoint`.
    /// Gives the leaf's place.
    ///
    /// # Errors
    /// [`LoggedError::Inclusion`].
    pub fn check_proof(&self, checkpoint: &Checkpoint) -> Result<u64, LoggedError> {
        let proof = self.tlog_proof()?;
        let leaf = merkle::leaf_hash(&self.entry);
        let (size, root) = (checkpoint.size, &checkpoint.root);
        merkle::verify_inclusion(&leaf, proof.index, size, &proof.hashes, root)
            .map(|()| proof.index)
            .map_err(|e| LoggedError::Inclusion(e.to_string()))
    }

    /// Checks that `document` (exact envelope bytes) is in the ledger of `policy`, under a
    /// checkpoint that enough witnesses cosigned.
    ///
    /// # Errors
    /// The first of checkpoint, witnesses, entry and inclusion that does not hold.
    pub fn check(&self, document: &[u8], policy: &LogPolicy) -> Result<Logged, LoggedError> {
        let checkpoint = self.check_checkpoint(policy)?;
        let cosigned = self.check_witnesses(policy)?;
        let entry = self.check_entry(document)?;
        let index = self.check_proof(&checkpoint)?;
        Ok(Logged { entry, index, checkpoint, cosigned })
    }
}

impl LedgerEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// When the bytes are too long, not canonical, or of another schema; says which.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let entry: Self =
            canonical::from_slice(bytes, MAX_ENTRY_BYTES).map_err(|e| e.to_string())?;
        if entry.schema == ENTRY_SCHEMA {
            return Ok(entry);
        }
        let schema: String = entry.schema.chars().take(64).collect();
        Err(format!("the schema is {schema:?}, not {ENTRY_SCHEMA:?}"))
    }
}

fn signed(proof: &TlogProof) -> Result<SignedCheckpoint, LoggedError> {
    SignedCheckpoint::parse(&proof.checkpoint).map_err(|e| LoggedError::Checkpoint(e.to_string()))
}
