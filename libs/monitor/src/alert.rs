//! What a monitor raises an alarm at; each kind has a chapter in docs/runbooks/log-alert.md.

use ids::{JobId, Sha256Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// What an entry stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[error("{what} of job {job}, for the request {request}")]
pub struct Origin {
    /// The job.
    pub job: JobId,
    /// SHA-256 of the envelope of the request that it came from, by what the mesh signed.
    pub request: Sha256Digest,
    /// `AIBoM`, or how the job ended.
    pub what: String,
}

/// An alert. Those that carry notes carry the proof: two checkpoints that one key signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    tag = "alert"
)]
pub enum Alert {
    /// The log shows fewer entries than it did.
    #[error(
        "the log had {was} entries and shows {is} now: rolled back, or served from an old copy"
    )]
    RolledBack {
        /// Entries before.
        was: u64,
        /// Entries now.
        is: u64,
        /// The checkpoint before, as it was signed.
        ours: String,
        /// The checkpoint now, as it was signed.
        theirs: String,
    },
    /// The log signed two histories.
    #[error(
        "the log signed two histories: of {was} entries, and one of {is} that does not contain it"
    )]
    Forked {
        /// Entries of the one.
        was: u64,
        /// Entries of the other.
        is: u64,
        /// The checkpoint of the one, as it was signed.
        ours: String,
        /// The checkpoint of the other, as it was signed.
        theirs: String,
    },
    /// A checkpoint that is none of the log's.
    #[error("a checkpoint that the log did not sign: {reason}")]
    Forged {
        /// Why not.
        reason: String,
    },
    /// A checkpoint that too few witnesses cosigned.
    #[error("a checkpoint that the witnesses did not cosign: {reason}")]
    NotWitnessed {
        /// Why not.
        reason: String,
    },
    /// No quorum of witnesses has cosigned for too long: what is shown may be an old copy.
    #[error("no quorum of witnesses cosigned since {since}")]
    Stale {
        /// When the last quorum had.
        since: Timestamp,
    },
    /// Witnesses' times are so far ahead of the monitor's clock that nobody knows how old what is shown
    /// is.
    #[error(
        "the witness {witness} says that it cosigned at {time}, which is to come: how old the checkpoint \
         is cannot be said"
    )]
    Ahead {
        /// One of them.
        witness: String,
        /// When it says that it cosigned.
        time: Timestamp,
    },
    /// The entries that are served are not those that were signed.
    #[error(
        "the entries up to {size} are not those under the checkpoint: changed, dropped or added"
    )]
    Changed {
        /// How many were read.
        size: u64,
    },
    /// An entry is not there.
    #[error("entry {index} is missing, entry {got} came in its place")]
    EntryMissing {
        /// The place that was due.
        index: u64,
        /// The place that came.
        got: u64,
    },
    /// An entry that is none.
    #[error("entry {index} is not one: {reason}")]
    Unreadable {
        /// Its place.
        index: u64,
        /// Why not.
        reason: String,
    },
    /// Entries' times run backwards.
    #[error("entry {index} says {is}, and one before it {was}: the ledger's clock was set back")]
    TimeBackwards {
        /// Its place.
        index: u64,
        /// The latest time before it.
        was: Timestamp,
        /// Its own time.
        is: Timestamp,
    },
    /// One document of mine is there twice.
    #[error("entries {first} and {second} are about one document of yours")]
    Duplicate {
        /// The first place.
        first: u64,
        /// The second.
        second: u64,
        /// What both name.
        commitment: Sha256Digest,
    },
    /// An entry under my identity that I know nothing of.
    #[error(
        "entry {index} of {logged_at} is under your identity and not about anything that you made{}",
        .origin.as_ref().map(|origin| format!(": {origin}")).unwrap_or_default()
    )]
    NotMine {
        /// Its place.
        index: u64,
        /// What it names.
        commitment: Sha256Digest,
        /// When the ledger took it.
        logged_at: Timestamp,
        /// What it stands for, where the mesh told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Origin>,
    },
    /// An entry under my identity of which nobody says for long what it is.
    #[error(
        "entry {index} of {logged_at} is under your identity, and the mesh does not tell what it is: \
         {reason}"
    )]
    Unexplained {
        /// Its place.
        index: u64,
        /// What it names.
        commitment: Sha256Digest,
        /// When the ledger took it.
        logged_at: Timestamp,
        /// What came of asking, the last time.
        reason: String,
    },
    /// An entry about a document of mine that is under none of my monitor keys.
    #[error(
        "entry {index} is about a document of yours and not under your monitor key: others of yours \
         may be there and not be found"
    )]
    OtherTag {
        /// Its place.
        index: u64,
        /// What it names.
        commitment: Sha256Digest,
    },
    /// The mesh gives another monitor key than before.
    #[error(
        "the mesh gives another monitor key than before (SHA-256 {was}, now {is}): entries under the old \
         one are not found any more"
    )]
    KeyChanged {
        /// SHA-256 of the key before.
        was: Sha256Digest,
        /// SHA-256 of the key now.
        is: Sha256Digest,
    },
    /// A document of mine that a proof says is in the log, and that is not there.
    #[error("a document of yours was proved to be entry {index}, and is not there")]
    Missing {
        /// The place that was proved.
        index: u64,
        /// What it names.
        commitment: Sha256Digest,
    },
}

impl Alert {
    /// One word for programs and for the chapter of the runbook.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::RolledBack { .. } => "rolled-back",
            Self::Forked { .. } => "forked",
            Self::Forged { .. } => "forged",
            Self::NotWitnessed { .. } => "not-witnessed",
            Self::Stale { .. } => "stale",
            Self::Ahead { .. } => "ahead",
            Self::Changed { .. } => "changed",
            Self::EntryMissing { .. } => "entry-missing",
            Self::Unreadable { .. } => "unreadable",
            Self::TimeBackwards { .. } => "time-backwards",
            Self::Duplicate { .. } => "duplicate",
            Self::NotMine { .. } => "not-mine",
            Self::Unexplained { .. } => "unexplained",
            Self::OtherTag { .. } => "other-tag",
            Self::KeyChanged { .. } => "key-changed",
            Self::Missing { .. } => "missing",
        }
    }

    /// Whether the log's own signatures prove that it lied, to anybody who has its key.
    #[must_use]
    pub const fn is_proof(&self) -> bool {
        matches!(self, Self::Forked { .. })
    }
}
