//! What is kept of a job: enough to go on after a crash at any point.

use evidence::Grantee;
use ids::{Attempt, FencingToken, JobId, Sha256Digest, SpiffeId, Timestamp};
use job::{JobSpec, JobState, Reason};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most transitions that are kept of one job; the oldest go first.
pub const MAX_HISTORY: usize = 64;

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRecord {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub user: SpiffeId,
    /// The client's key for this request.
    pub idempotency_key: Uuid,
    /// SHA-256 of the canonical specification: what "the same request" means.
    pub payload: Sha256Digest,
    /// What is asked for.
    pub spec: JobSpec,
    /// Where it is.
    pub state: JobState,
    /// How often training was started.
    pub attempt: Attempt,
    /// Why it is not where its user wants it.
    pub reason: Option<Reason>,
    /// The same for people.
    pub message: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Not before then is it leased or its stage tried again.
    pub not_before: Timestamp,
    /// Failures of the current stage in a row.
    pub stage_failures: u32,
    /// Whether its user wants it stopped.
    pub cancel_requested: bool,
    /// Who trains it now.
    pub lease: Option<Lease>,
    /// Who trained it last.
    pub last_executor: Option<SpiffeId>,
    /// The newest hold, once there was one.
    #[serde(default)]
    pub held: Option<Held>,
    /// What was signed so far, by digest.
    pub documents: Documents,
    /// What training left.
    pub outputs: Vec<OutputFile>,
    /// The bundle, once there is one.
    pub bundle: Option<Sha256Digest>,
    /// Every transition, the newest last.
    pub history: Vec<TransitionRecord>,
    /// The number of the newest transition, from 1.
    pub sequence: u32,
}

/// A lease on one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Who holds it.
    pub executor: Grantee,
    /// Refuses every older holder.
    pub token: FencingToken,
    /// Random, names this lease.
    pub nonce: Sha256Digest,
    /// When it began.
    pub issued_at: Timestamp,
    /// When it ends unless renewed.
    pub deadline: Timestamp,
}

/// What the scheduler knows of a hold, beside its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// How many findings hold the job.
    pub findings: u64,
    /// The last instant at which it can be released.
    pub until: Timestamp,
    /// The policy that holds it; holds of before it was kept lack it.
    #[serde(default)]
    pub policy: Option<Sha256Digest>,
}

/// Digests of the documents in the store; absent until the stage that makes them is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The user's request.
    pub request: Option<Sha256Digest>,
    /// The grant that the training evidence names.
    pub grant: Option<Sha256Digest>,
    /// The training evidence.
    pub training: Option<Sha256Digest>,
    /// The link of the submit step; records of before it was asked for lack it.
    #[serde(default)]
    pub submission: Option<Sha256Digest>,
    /// The scans.
    pub scans: Vec<Sha256Digest>,
    /// Why the policy holds the job, or last held it.
    #[serde(default)]
    pub hold: Option<Sha256Digest>,
    /// The approver's release; gone when the job is held again.
    #[serde(default)]
    pub release: Option<Sha256Digest>,
    /// The release that the signer refused last; gone when the job is released or held anew.
    #[serde(default)]
    pub refused_release: Option<Sha256Digest>,
    /// The signer's answer.
    pub signed: Option<Sha256Digest>,
    /// The ledger's answer.
    pub inclusion: Option<Sha256Digest>,
}

/// A file that training left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputFile {
    /// A label.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// Length in bytes.
    pub size: u64,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitionRecord {
    /// From 1, without gaps.
    pub sequence: u32,
    /// When.
    pub at: Timestamp,
    /// To where.
    pub state: JobState,
    /// In which attempt.
    pub attempt: Attempt,
    /// Why.
    pub reason: Option<Reason>,
    /// The same for people.
    pub message: String,
}

impl JobRecord {
    /// The last instant at which the job can be released, when it is held.
    pub(crate) fn held_until(&self) -> Timestamp {
        self.held.map_or(self.updated_at, |held| held.until)
    }

    /// When the report of its training came; a record tells it until its first hold at least.
    pub(crate) fn trained_at(&self) -> Timestamp {
        let scanning = self.history.iter().rfind(|past| past.state == JobState::Scanning);
        scanning.map_or(self.created_at, |past| past.at)
    }

    /// Moves the job and writes the move down.
    pub(crate) fn transition(
        &mut self,
        at: Timestamp,
        state: JobState,
        reason: Option<Reason>,
        message: impl Into<String>,
    ) {
        self.state = state;
        self.reason = reason;
        self.message = message.into().chars().take(4096).collect();
        self.updated_at = self.updated_at.max(at);
        self.stage_failures = 0;
        self.not_before = at;
        self.sequence = self.sequence.saturating_add(1);
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(0);
        }
        self.history.push(TransitionRecord {
            sequence: self.sequence,
            at: self.updated_at,
            state,
            attempt: self.attempt,
            reason,
            message: self.message.clone(),
        });
    }
}
