//! The stages after training, each one call to another service.

use ids::Sha256Digest;
use job::JobState;
use serde::{Deserialize, Serialize};

/// A stage that the scheduler itself drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Ask the scanner.
    Scan,
    /// Ask the signer.
    Sign,
    /// Ask the ledger.
    Log,
    /// Write the bundle.
    Publish,
}

impl Stage {
    /// The stage that a job in `state` is in.
    #[must_use]
    pub const fn of(state: JobState) -> Option<Self> {
        match state {
            JobState::Scanning => Some(Self::Scan),
            JobState::Signing => Some(Self::Sign),
            JobState::Logging => Some(Self::Log),
            JobState::Publishing => Some(Self::Publish),
            JobState::Queued
            | JobState::Training
            | JobState::Held
            | JobState::Completed
            | JobState::Failed
            | JobState::Cancelled
            | JobState::Refused => None,
        }
    }

    /// Where a job goes when the stage is done.
    #[must_use]
    pub const fn next(self) -> JobState {
        match self {
            Self::Scan => JobState::Signing,
            Self::Sign => JobState::Logging,
            Self::Log => JobState::Publishing,
            Self::Publish => JobState::Completed,
        }
    }
}

/// What a stage that is done made; documents by their digests in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// The scans, in their order.
    Scanned(Vec<Sha256Digest>),
    /// The signer's answer.
    Signed(Sha256Digest),
    /// The ledger's answer.
    Logged(Sha256Digest),
    /// The bundle.
    Published(Sha256Digest),
}

impl Done {
    /// Which stage it is.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Scanned(_) => Stage::Scan,
            Self::Signed(_) => Stage::Sign,
            Self::Logged(_) => Stage::Log,
            Self::Published(_) => Stage::Publish,
        }
    }
}
