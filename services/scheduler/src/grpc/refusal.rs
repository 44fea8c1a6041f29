//! Why a call is refused: one closed table of codes and reasons.

use ids::{JobId, Sha256Digest};
use rpc::{Coded, status::Code};
use schedule::Refused;
use tonic::Status;

use crate::{core::ApplyError, records::RecordError};

/// Everything that a handler refuses with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{field}: {problem}")]
    Argument { field: &'static str, problem: String },
    #[error("the request is not validly signed: {0}")]
    Signature(String),
    #[error("the request is signed by {signer}, but sent by {caller}")]
    NotYours { signer: String, caller: String },
    #[error("the input {name} (sha256:{digest}) is not in your store: upload it first")]
    InputMissing { name: String, digest: String },
    #[error("the input {name} has {stored} bytes in the store, the request says {stated}")]
    InputSize { name: String, stored: u64, stated: u64 },
    #[error("the release is not validly signed: {0}")]
    ReleaseSignature(String),
    #[error("the release is signed by {signer}, but sent by {caller}")]
    NotYourRelease { signer: String, caller: String },
    #[error("the job {0} is not held and never was")]
    NoHold(JobId),
    #[error("the release names the {what} {named}, the job is held for {held}: look at it again")]
    HoldChanged { what: &'static str, named: Sha256Digest, held: Sha256Digest },
    #[error("the release leaves out {count} findings that hold the job: {first}")]
    ReleaseIncomplete { count: usize, first: String },
    #[error("{more} findings are beyond those that a release can name: mend them, or the policy")]
    TooManyFindings { more: u64 },
    #[error("no artifact sha256:{0} that you may read")]
    NoArtifact(String),
    #[error("no scan of the image sha256:{0} that you may read, or none yet")]
    NoAdvisory(String),
    #[error("no ledger entry of yours has this commitment")]
    NoEntry,
    #[error("this lease does not allow it: {0}")]
    OutsideLease(String),
    #[error("register first")]
    NotRegistered,
    #[error("the upload ended after {got} of {size} bytes: send the rest from there")]
    Incomplete { got: u64, size: u64 },
    #[error("all outputs of the job together exceed {limit} bytes")]
    Quota { limit: u64 },
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("the scheduler's state cannot be read")]
    Records(#[from] RecordError),
    #[error(transparent)]
    Begin(#[from] artifacts::BeginError),
    #[error(transparent)]
    Write(#[from] artifacts::WriteError),
    #[error(transparent)]
    Finish(#[from] artifacts::FinishError),
    #[error(transparent)]
    Read(#[from] artifacts::ReadError),
    #[error("the scheduler cannot sign the grant")]
    Seal(#[from] envelope::SealError),
    #[error("the scheduler cannot sign the link of the submit step")]
    Link(#[from] envelope::link::MetadataError),
}

impl Refusal {
    pub(crate) fn argument(field: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Argument { field, problem: problem.to_string() }
    }

    /// One place for code and reason.
    fn entry(&self) -> (Code, &'static str) {
        use artifacts::{BeginError, FinishError, ReadError, WriteError};
        match self {
            Self::Argument { .. } => (Code::InvalidArgument, "INVALID_ARGUMENT"),
            Self::Signature(_) => (Code::Unauthenticated, "REQUEST_SIGNATURE"),
            Self::NotYours { .. } => (Code::PermissionDenied, "NOT_YOUR_REQUEST"),
            Self::InputMissing { .. } => (Code::FailedPrecondition, "INPUT_MISSING"),
            Self::InputSize { .. } => (Code::InvalidArgument, "INPUT_SIZE"),
            Self::ReleaseSignature(_) => (Code::Unauthenticated, "RELEASE_SIGNATURE"),
            Self::NotYourRelease { .. } => (Code::PermissionDenied, "NOT_YOUR_RELEASE"),
            Self::NoHold(_) => (Code::NotFound, "HOLD_NOT_FOUND"),
            Self::HoldChanged { .. } => (Code::FailedPrecondition, "HOLD_CHANGED"),
            Self::ReleaseIncomplete { .. } => (Code::FailedPrecondition, "RELEASE_INCOMPLETE"),
            Self::TooManyFindings { .. } => (Code::FailedPrecondition, "TOO_MANY_FINDINGS"),
            Self::NoArtifact(_) => (Code::NotFound, "ARTIFACT_NOT_FOUND"),
            Self::NoAdvisory(_) => (Code::NotFound, "ADVISORY_NOT_FOUND"),
            Self::NoEntry => (Code::NotFound, "ENTRY_NOT_FOUND"),
            Self::OutsideLease(_) => (Code::PermissionDenied, "OUTSIDE_LEASE"),
            Self::NotRegistered => (Code::FailedPrecondition, "NOT_REGISTERED"),
            Self::Incomplete { .. } => (Code::Aborted, "UPLOAD_INCOMPLETE"),
            Self::Quota { .. } => (Code::ResourceExhausted, "OUTPUT_QUOTA"),
            Self::Apply(ApplyError::Refused(refused)) => match refused {
                Refused::UnknownJob(_) => (Code::NotFound, "JOB_NOT_FOUND"),
                Refused::KeyReused(_) => (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"),
                Refused::IdTaken(_) => (Code::Aborted, "ID_TAKEN"),
                Refused::QueueFull { .. } => (Code::ResourceExhausted, "QUEUE_FULL"),
                Refused::LeaseLost { .. } => (Code::FailedPrecondition, "LEASE_LOST"),
                Refused::WrongStage(_) => (Code::FailedPrecondition, "WRONG_STAGE"),
                Refused::NotHeld(_) => (Code::FailedPrecondition, "NOT_HELD"),
            },
            Self::Apply(ApplyError::Store(_)) => (Code::ResourceExhausted, "STORE_FULL"),
            Self::Apply(ApplyError::Stopping) => (Code::Unavailable, "STOPPING"),
            Self::Records(_) => (Code::Internal, "STATE_UNREADABLE"),
            Self::Begin(error) => match error {
                BeginError::TooLarge { .. } => (Code::InvalidArgument, "ARTIFACT_TOO_LARGE"),
                BeginError::Busy { .. } => (Code::Aborted, "UPLOAD_BUSY"),
                BeginError::Different { .. } => (Code::AlreadyExists, "UPLOAD_DIFFERENT"),
                BeginError::TooMany { .. } | BeginError::StagingFull { .. } => {
                    (Code::ResourceExhausted, "UPLOADS_FULL")
                }
                BeginError::Full(_) => (Code::ResourceExhausted, "STORE_FULL"),
                BeginError::Io(_) => (Code::Unavailable, "STORE_FAILED"),
            },
            Self::Write(error) => match error {
                WriteError::TooLong { .. } => (Code::InvalidArgument, "UPLOAD_TOO_LONG"),
                WriteError::Full(_) => (Code::ResourceExhausted, "STORE_FULL"),
                WriteError::Io(_) | WriteError::Stopped => (Code::Unavailable, "STORE_FAILED"),
            },
            Self::Finish(error) => match error {
                FinishError::Size { .. } => (Code::InvalidArgument, "UPLOAD_SIZE"),
                FinishError::Digest { .. } => (Code::InvalidArgument, "UPLOAD_DIGEST"),
                FinishError::Full(_) => (Code::ResourceExhausted, "STORE_FULL"),
                FinishError::Write(_) | FinishError::Io(_) | FinishError::Backend(_) => {
                    (Code::Unavailable, "STORE_FAILED")
                }
            },
            Self::Read(error) => match error {
                ReadError::NotFound { .. } => (Code::NotFound, "ARTIFACT_NOT_FOUND"),
                ReadError::Offset { .. } => (Code::OutOfRange, "OFFSET"),
                ReadError::TooLarge { .. } => (Code::ResourceExhausted, "ARTIFACT_TOO_LARGE"),
                ReadError::Mismatch { .. } | ReadError::Short { .. } => {
                    (Code::DataLoss, "ARTIFACT_DAMAGED")
                }
                ReadError::Io(_) | ReadError::Backend(_) => (Code::Unavailable, "STORE_FAILED"),
            },
            Self::Seal(_) => (Code::Internal, "GRANT_UNSIGNED"),
            Self::Link(_) => (Code::Internal, "LINK_UNSIGNED"),
        }
    }
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        self.entry().0
    }

    fn reason(&self) -> &'static str {
        self.entry().1
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::Apply(refused.into())
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        rpc::to_status(&refusal)
    }
}

/// A job id out of a message.
pub(crate) fn job_id(text: &str) -> Result<JobId, Refusal> {
    text.parse().map_err(|e| Refusal::argument("id", e))
}
