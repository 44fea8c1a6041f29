//! What a monitor remembers between rounds, and how it is kept in a file.

use std::collections::BTreeMap;

use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, Frontier, LogPolicy, SignedCheckpoint};
use serde::{Deserialize, Serialize};

use crate::Alert;

/// The value of `schema`.
pub const MONITOR_SCHEMA: &str = "aibom.monitor-state.v1";
/// The longest state, in bytes.
pub const MAX_STATE_BYTES: usize = 64 * 1024 * 1024;
/// The most own entries that are remembered; of more, the oldest are forgotten.
pub const MAX_OWN: usize = 100_000;
/// The most alerts about entries that are remembered; of more, the oldest are forgotten.
pub const MAX_FINDINGS: usize = 1_000;

/// Why bytes are no state of a monitor of this log.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Not the format, or not its one spelling.
    #[error("it is no state of a monitor: {0}")]
    Form(#[from] canonical::Error),
    /// Another format, or a later one.
    #[error("its schema is {0:?}, not {MONITOR_SCHEMA:?}")]
    Schema(String),
    /// Its checkpoint is none that this log signed: the state of another log's monitor, or rot.
    #[error("its checkpoint is not this log's: {0}")]
    Checkpoint(String),
    /// Its parts contradict each other.
    #[error("its {0} does not fit the rest: the file is damaged")]
    Damaged(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    schema: String,
    note: Option<String>,
    read: u64,
    edge: Vec<Sha256Digest>,
    newest: Option<Timestamp>,
    own: BTreeMap<Sha256Digest, OwnEntry>,
    findings: Vec<Alert>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitor_key: Option<Sha256Digest>,
}

/// An own entry that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct OwnEntry {
    pub(crate) index: u64,
    pub(crate) logged_at: Timestamp,
    pub(crate) standing: Standing,
}

/// Whether it is known who made an own entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Standing {
    /// Not yet.
    Open,
    /// Not yet, and an alert says so.
    Unexplained,
    /// I made it, or an alert says that I did not.
    Settled,
}

/// A checkpoint that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: String,
}

/// What is known of the log so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    pub(crate) accepted: Option<Accepted>,
    /// The right edge over every entry that was read.
    pub(crate) read: Frontier,
    pub(crate) newest: Option<Timestamp>,
    pub(crate) own: BTreeMap<Sha256Digest, OwnEntry>,
    pub(crate) findings: Vec<Alert>,
    /// SHA-256 of the monitor key that the mesh gave.
    pub(crate) monitor_key: Option<Sha256Digest>,
}

impl State {
    /// Of a monitor that has seen nothing yet: it believes the first checkpoint that counts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what [`Self::to_bytes`] wrote; the log of `policy` must have signed its checkpoint.
    ///
    /// # Errors
    /// When it is no state of a monitor of that log.
    pub fn parse(bytes: &[u8], policy: &LogPolicy) -> Result<Self, StateError> {
        let document: Document = canonical::from_slice(bytes, MAX_STATE_BYTES)?;
        if document.schema != MONITOR_SCHEMA {
            return Err(StateError::Schema(document.schema.chars().take(64).collect()));
        }
        let accepted = document.note.map(|note| accepted(note, policy)).transpose()?;
        let read = Frontier::from_parts(document.read, document.edge);
        let read = read.ok_or(StateError::Damaged("edge"))?;
        let size = accepted.as_ref().map_or(0, |accepted| accepted.checkpoint.size);
        if read.len() > size || document.own.values().any(|entry| entry.index >= read.len()) {
            return Err(StateError::Damaged("size"));
        }
        let root = accepted.as_ref().map(|accepted| accepted.checkpoint.root);
        if read.len() == size && root.is_some_and(|root| root != read.root()) {
            return Err(StateError::Damaged("root"));
        }
        let Document { newest, own, findings, monitor_key, .. } = document;
        if own.len() > MAX_OWN || findings.len() > MAX_FINDINGS {
            return Err(StateError::Damaged("length"));
        }
        Ok(Self { accepted, read, newest, own, findings, monitor_key })
    }

    /// The bytes to keep: canonical JSON.
    ///
    /// # Errors
    /// When a number is beyond what JSON can hold, 2^53.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(&Document {
            schema: MONITOR_SCHEMA.to_owned(),
            note: self.accepted.as_ref().map(|accepted| accepted.note.clone()),
            read: self.read.len(),
            edge: self.read.edge().to_vec(),
            newest: self.newest,
            own: self.own.clone(),
            findings: self.findings.clone(),
            monitor_key: self.monitor_key,
        })
    }

    /// The last checkpoint that counted.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.accepted.as_ref().map(|accepted| &accepted.checkpoint)
    }

    /// How many entries were read.
    #[must_use]
    pub const fn entries_read(&self) -> u64 {
        self.read.len()
    }

    /// The alerts about entries so far, oldest first.
    #[must_use]
    pub fn findings(&self) -> &[Alert] {
        &self.findings
    }
}

fn accepted(note: String, policy: &LogPolicy) -> Result<Accepted, StateError> {
    let refused = |why: String| StateError::Checkpoint(why);
    let parsed = SignedCheckpoint::parse(&note).map_err(|e| refused(e.to_string()))?;
    // Whether enough cosigned was judged when it was taken; witnesses come and go since.
    let checkpoint = policy.check_log(&parsed).map_err(|e| refused(e.to_string()))?;
    Ok(Accepted { checkpoint, note })
}
