//! The stages after training, each one call to another service.

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
