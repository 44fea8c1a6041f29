//! What a witness remembers: of each log the last checkpoint that it cosigned, with its cosignature.
//!
//! Every note carries the witness's own cosignature, and the state names the witness's key, so that of
//! another witness, an empty one too, is not taken for it; a digest tells of rot in the rest. Whoever
//! can write the file can put an older state there: only the disk's owner keeps it new. Canonical
//! JSON: one state has one spelling.

use std::collections::BTreeMap;

use ids::{Sha256Digest, canonical};
use merkle::{Checkpoint, CosignerKey, SignedCheckpoint, checkpoint::CheckpointError};
use serde::{Deserialize, Serialize};

use crate::{Cosignable, Logs, Refusal, Request, decide};

/// The format's name.
const SCHEMA: &str = "aibom.witness-state.v1";
/// The most logs that one witness watches.
pub const MAX_LOGS: usize = 64;
/// The longest state, in bytes.
pub const MAX_STATE_BYTES: usize = 2 * 1024 * 1024;

/// Why bytes are no state of this witness.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Not the format, or not its one spelling.
    #[error("it is no state of a witness")]
    Form(#[from] canonical::Error),
    /// Another format, or a later one.
    #[error("its schema is {0:?}, not {SCHEMA:?}")]
    Schema(String),
    /// It is of another witness.
    #[error("it is the state of the witness {0}")]
    Witness(String),
    /// The notes are not those that were written.
    #[error("its notes are not those that were written: their digest is another")]
    Digest,
    /// More than [`MAX_LOGS`].
    #[error("it has {0} logs, more than the limit of {MAX_LOGS}")]
    TooMany(usize),
    /// A note that this witness did not cosign.
    #[error("note {index} is not what this witness cosigned")]
    Note {
        /// Its place, from 1.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// Two notes of one log, or notes out of order.
    #[error("note {0} is not after the one before it")]
    Order(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    /// The witness's cosigner key.
    witness: String,
    notes: Vec<String>,
    /// Of the witness's key and the notes, one after another.
    sha256: Sha256Digest,
}

fn digest(witness: &str, notes: &[String]) -> Sha256Digest {
    Sha256Digest::of((witness.to_owned() + &notes.concat()).as_bytes())
}

/// Why a state does not take a cosignature in; nothing of it may leave.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// More logs than [`MAX_LOGS`].
    #[error("the state has {MAX_LOGS} logs already: take another witness for more")]
    Full,
    /// Not the witness's cosignature over that checkpoint.
    #[error(transparent)]
    Line(#[from] CheckpointError),
}

/// A checkpoint that was cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The tree head.
    pub checkpoint: Checkpoint,
    /// When it was cosigned, in seconds since the epoch.
    pub time: u64,
    /// The note: the log's signature is proof against it, should it sign another history.
    pub note: String,
}

impl Remembered {
    /// The witness's own line of the note, with its newline.
    #[must_use]
    pub fn line(&self) -> &str {
        // It is the last: a state takes no other note.
        self.note.split_inclusive('\n').next_back().unwrap_or_default()
    }
}

/// The last checkpoint cosigned of each log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State(BTreeMap<String, Remembered>);

impl State {
    /// Of a witness that never cosigned.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what [`Self::to_bytes`] wrote; every note must carry a good cosignature of `key`.
    ///
    /// # Errors
    /// When a byte is not as it was written.
    pub fn parse(bytes: &[u8], key: &CosignerKey) -> Result<Self, StateError> {
        let document: Document = canonical::from_slice(bytes, MAX_STATE_BYTES)?;
        if document.schema != SCHEMA {
            return Err(StateError::Schema(document.schema.chars().take(64).collect()));
        }
        if document.notes.len() > MAX_LOGS {
            return Err(StateError::TooMany(document.notes.len()));
        }
        if document.sha256 != digest(&document.witness, &document.notes) {
            return Err(StateError::Digest);
        }
        if document.witness != key.to_string() {
            return Err(StateError::Witness(document.witness.chars().take(400).collect()));
        }
        let mut state = BTreeMap::<String, Remembered>::new();
        for (index, note) in (1..).zip(document.notes) {
            let remembered =
                remember(note, key).map_err(|source| StateError::Note { index, source })?;
            let origin = remembered.checkpoint.origin.clone();
            if state.last_key_value().is_some_and(|(last, _)| *last >= origin) {
                return Err(StateError::Order(index));
            }
            state.insert(origin, remembered);
        }
        Ok(Self(state))
    }

    /// The bytes that the witness of `key` keeps.
    ///
    /// # Errors
    /// Never for a state of at most [`MAX_LOGS`] logs; what writes JSON may say otherwise.
    pub fn to_bytes(&self, key: &CosignerKey) -> Result<Vec<u8>, canonical::Error> {
        let notes: Vec<_> = self.0.values().map(|remembered| remembered.note.clone()).collect();
        let (schema, witness) = (SCHEMA.to_owned(), key.to_string());
        let sha256 = digest(&witness, &notes);
        canonical::to_vec(&Document { schema, witness, notes, sha256 })
    }

    /// Decides on `request`, as [`decide`] does.
    ///
    /// # Errors
    /// When the request is not to be cosigned.
    pub fn decide(&self, request: &Request, logs: &Logs) -> Result<Cosignable, Refusal> {
        let cosigned = self.0.get(request.origin()).map(|remembered| &remembered.checkpoint);
        decide(cosigned, request, logs)
    }

    /// The state once `line`, the cosignature of `key` over `cosignable`, may leave.
    ///
    /// # Errors
    /// When `line` is not the key's cosignature over that checkpoint, or there are [`MAX_LOGS`]
    /// other logs: a state that would not be read again is not made.
    pub fn with(
        &self,
        cosignable: &Cosignable,
        line: &str,
        key: &CosignerKey,
    ) -> Result<Self, KeepError> {
        let checkpoint = cosignable.checkpoint();
        if self.0.len() >= MAX_LOGS && !self.0.contains_key(&checkpoint.origin) {
            return Err(KeepError::Full);
        }
        let note = format!("{}{line}", cosignable.note());
        let remembered = remember(note, key)?;
        let mut state = self.0.clone();
        state.insert(checkpoint.origin.clone(), remembered);
        Ok(Self(state))
    }

    /// What was cosigned last of the log of that origin.
    #[must_use]
    pub fn of(&self, origin: &str) -> Option<&Remembered> {
        self.0.get(origin)
    }

    /// What was cosigned last of each log, in the order of their origins.
    pub fn remembered(&self) -> impl Iterator<Item = &Remembered> {
        self.0.values()
    }
}

fn remember(note: String, key: &CosignerKey) -> Result<Remembered, CheckpointError> {
    let parsed = SignedCheckpoint::parse(&note)?;
    let time = parsed.cosigned(key)?;
    let last = parsed.signatures().last();
    if !last.is_some_and(|line| line.name == key.name() && line.key_id == key.id()) {
        return Err(CheckpointError::NotSigned(key.to_string()));
    }
    Ok(Remembered { checkpoint: parsed.unverified().clone(), time, note })
}
