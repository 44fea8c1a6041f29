//! What the ledger says of a document: the entry, its proof, and the check of both.

use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, LogPolicy, SignedCheckpoint, TlogProof, checkpoint::Cosigned};
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

/// What each check of an [`Inclusion`] says; only [`Inclusion::parts`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedParts {
    checkpoint: Result<Checkpoint, LoggedError>,
    cosigned: Result<Vec<Cosigned>, LoggedError>,
    entry: Result<LedgerEntry, LoggedError>,
    index: Result<u64, LoggedError>,
}

impl LoggedParts {
    /// The tree head.
    ///
    /// # Errors
    /// When it has not one signature by the log, over a tree of its own.
    pub const fn checkpoint(&self) -> Result<&Checkpoint, &LoggedError> {
        self.checkpoint.as_ref()
    }

    /// Which witnesses cosigned it.
    ///
    /// # Errors
    /// When a signature is by none that the policy names, or too few count.
    pub const fn cosigned(&self) -> Result<&Vec<Cosigned>, &LoggedError> {
        self.cosigned.as_ref()
    }

    /// The entry.
    ///
    /// # Errors
    /// When it does not commit to the document.
    pub const fn entry(&self) -> Result<&LedgerEntry, &LoggedError> {
        self.entry.as_ref()
    }

    /// The entry's place, from 0.
    ///
    /// # Errors
    /// When the proof does not lead from it to the tree head.
    pub const fn index(&self) -> Result<&u64, &LoggedError> {
        self.index.as_ref()
    }

    /// What they prove together.
    ///
    /// # Errors
    /// The first of checkpoint, witnesses, entry and inclusion that does not hold.
    pub fn logged(self) -> Result<Logged, LoggedError> {
        let Self { checkpoint, cosigned, entry, index } = self;
        let (checkpoint, cosigned, entry) = (checkpoint?, cosigned?, entry?);
        Ok(Logged { entry, index: index?, checkpoint, cosigned })
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
        self.leads(&self.tlog_proof()?, checkpoint)
    }

    /// Checks that `document` (exact envelope bytes) is in the ledger of `policy`, under a
    /// checkpoint that enough witnesses cosigned.
    ///
    /// # Errors
    /// The first of checkpoint, witnesses, entry and inclusion that does not hold.
    pub fn check(&self, document: &[u8], policy: &LogPolicy) -> Result<Logged, LoggedError> {
        self.parts(document, policy).logged()
    }

    /// The same, each of the four checks for itself: none hides what another would say.
    #[must_use]
    pub fn parts(&self, document: &[u8], policy: &LogPolicy) -> LoggedParts {
        let proof = self.tlog_proof();
        let note = match &proof {
            Ok(proof) => signed(proof),
            Err(error) => Err(error.clone()),
        };
        let checkpoint = note.as_ref().map_err(Clone::clone).and_then(|note| {
            policy.check_log(note).map_err(|e| LoggedError::Checkpoint(e.to_string()))
        });
        let cosigned = note.and_then(|note| {
            policy.check_witnesses(&note).map_err(|e| LoggedError::Witnesses(e.to_string()))
        });
        let index = match (proof, &checkpoint) {
            (Ok(proof), Ok(checkpoint)) => self.leads(&proof, checkpoint),
            (Ok(_), Err(_)) => Err(LoggedError::Inclusion(
                "not checked: there is no checkpoint to lead to".to_owned(),
            )),
            (Err(error), _) => Err(error),
        };
        LoggedParts { checkpoint, cosigned, entry: self.check_entry(document), index }
    }

    fn leads(&self, proof: &TlogProof, checkpoint: &Checkpoint) -> Result<u64, LoggedError> {
        let leaf = merkle::leaf_hash(&self.entry);
        let (size, root) = (checkpoint.size, &checkpoint.root);
        merkle::verify_inclusion(&leaf, proof.index, size, &proof.hashes, root)
            .map(|()| proof.index)
            .map_err(|e| LoggedError::Inclusion(e.to_string()))
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
