//! Everything that can happen to the scheduler, as one enum, and what follows from it.

use evidence::{GRANT_SCHEMA, Grant, Grantee, Operator, Program};
use ids::{Attempt, FencingToken, JobId, Sha256Digest, SpiffeId, Timestamp};
use job::{Image, JobSpec, Reason};
use keys::KeyId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Done, Due, Held, OutputFile, Stage};

/// Names the holder of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseKey {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: Attempt,
    /// The fencing token.
    pub token: FencingToken,
    /// Who says so: the caller's certificate.
    pub executor: SpiffeId,
}

/// Who has to act on a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The request's own doing: final.
    Job,
    /// An input was refused before anything ran: final.
    Refused,
    /// The platform's doing: tried again.
    Infrastructure,
    /// The user's wish: final.
    Cancelled,
}

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Who has to act.
    pub kind: FailureKind,
    /// Why.
    pub reason: Reason,
    /// The same for people.
    pub message: String,
}

/// What a good attempt left; documents by their digests in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trained {
    /// The grant that the evidence names.
    pub grant: Sha256Digest,
    /// The training evidence.
    pub training: Sha256Digest,
    /// The link of the submit step.
    pub submission: Sha256Digest,
    /// The files.
    pub outputs: Vec<OutputFile>,
}

/// A request whose signature and bounds were checked by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// A fresh id, used when the request is new.
    pub id: JobId,
    /// Whose it is.
    pub user: SpiffeId,
    /// The client's key.
    pub idempotency_key: Uuid,
    /// SHA-256 of the canonical specification.
    pub payload: Sha256Digest,
    /// SHA-256 of the envelope, under which the document is stored.
    pub request: Sha256Digest,
    /// What is asked for.
    pub spec: JobSpec,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A user asked for a job.
    Submitted {
        /// The request.
        submission: Box<Submission>,
    },
    /// A user asked for a job to be stopped.
    CancelAsked {
        /// The job.
        job: JobId,
        /// Who asks.
        user: SpiffeId,
    },
    /// An executor asked for work.
    LeaseAsked {
        /// Who asks, and with which key.
        executor: Grantee,
        /// The images that it has.
        images: Vec<Image>,
        /// The GPUs that it has.
        gpus: u32,
        /// Fresh randomness for the grant.
        nonce: Sha256Digest,
    },
    /// An executor keeps its lease.
    Renewed {
        /// Which.
        lease: LeaseKey,
        /// The key that the holder has now: certificates are renewed while jobs run.
        key: KeyId,
    },
    /// An attempt went well.
    Trained {
        /// Which.
        lease: LeaseKey,
        /// What it left.
        result: Trained,
    },
    /// An attempt failed.
    AttemptFailed {
        /// Which.
        lease: LeaseKey,
        /// How.
        failure: Failure,
    },
    /// A stage is done.
    StageDone {
        /// The job.
        job: JobId,
        /// Which, and what it made.
        done: Done,
    },
    /// The signer's policy holds the job.
    Held {
        /// The job.
        job: JobId,
        /// The hold: its digest in the store.
        hold: Sha256Digest,
        /// How many findings, and until when the evidence can be signed as far as its
        /// certificates go.
        held: Held,
        /// The same for people.
        message: String,
    },
    /// An approver released a held job; the signer checks the release.
    Released {
        /// The job.
        job: JobId,
        /// The signed release: its digest in the store.
        release: Sha256Digest,
    },
    /// A stage failed.
    StageFailed {
        /// The job.
        job: JobId,
        /// Which stage.
        stage: Stage,
        /// Why.
        reason: Reason,
        /// The same for people.
        message: String,
        /// Whether the same call may be made again.
        again: bool,
    },
    /// Time went by: leases end, waits are over.
    Tick,
}

/// Why an event was not taken. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such job, or not the caller's.
    #[error("no job {0}")]
    UnknownJob(JobId),
    /// The idempotency key was used for another request.
    #[error("the idempotency key {0} was used for another request")]
    KeyReused(Uuid),
    /// The fresh id is not fresh.
    #[error("the job id {0} is taken")]
    IdTaken(JobId),
    /// The queue is full.
    #[error("{live} jobs are waiting or running, the limit is {limit}: try again later")]
    QueueFull {
        /// Jobs that are not in a terminal state.
        live: usize,
        /// The bound.
        limit: usize,
    },
    /// The caller does not hold the lease.
    #[error("the lease on job {job} attempt {attempt} is not held by {executor}")]
    LeaseLost {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: Attempt,
        /// Who asked.
        executor: SpiffeId,
    },
    /// The job is not in that stage.
    #[error("job {0} is not in that stage")]
    WrongStage(JobId),
    /// The job is not held.
    #[error("job {0} is not held")]
    NotHeld(JobId),
}

/// What follows from an event; the caller stores `changed` and `due` in one commit, before it acts
/// on the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Jobs whose records changed.
    pub changed: Vec<JobId>,
    /// Jobs that made a transition.
    pub moved: Vec<JobId>,
    /// Records that these transitions make due.
    pub due: Vec<Due>,
    /// Stages to start.
    pub start: Vec<(JobId, Stage)>,
    /// The job that a submission made or found, and whether it was there before.
    pub job: Option<(JobId, bool)>,
    /// The grant to sign.
    pub grant: Option<Granted>,
    /// Whether the holder of a renewed lease must stop.
    pub cancel: bool,
    /// When the next tick is due, in milliseconds since the epoch; `None` when nothing waits.
    pub wake_at: Option<Timestamp>,
}

/// A lease that was given or renewed; with what the service says of itself it becomes a [`Grant`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The job.
    pub job: JobId,
    /// From 1.
    pub attempt: Attempt,
    /// SHA-256 of the request's envelope.
    pub request: Sha256Digest,
    /// To whom.
    pub executor: Grantee,
    /// Random: this lease and no other.
    pub nonce: Sha256Digest,
    /// Grows with every lease.
    pub fencing_token: FencingToken,
    /// When the lease began.
    pub issued_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
}

impl Granted {
    /// The grant that the scheduler `scheduler` of the mesh of `operator` signs.
    #[must_use]
    pub fn by(self, scheduler: Program, operator: Option<Operator>) -> Grant {
        Grant {
            schema: GRANT_SCHEMA.to_owned(),
            job: self.job,
            attempt: self.attempt,
            request: self.request,
            executor: self.executor,
            nonce: self.nonce,
            fencing_token: self.fencing_token,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            scheduler,
            operator,
        }
    }
}
