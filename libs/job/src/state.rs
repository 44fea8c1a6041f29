//! The states of a job and the reasons for the unhappy ones.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job is. The last four are terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for an executor.
    Queued,
    /// An executor holds the lease.
    Training,
    /// The scanner looks at what ran.
    Scanning,
    /// The signer derives and signs.
    Signing,
    /// The release policy holds it: an approver releases it, or its user gives it up.
    Held,
    /// The ledger makes it public.
    Logging,
    /// The bundle is written.
    Publishing,
    /// There is a signed, logged AIBoM.
    Completed,
    /// The run failed.
    Failed,
    /// The user stopped it.
    Cancelled,
    /// An input was refused before anything ran.
    Refused,
}

impl JobState {
    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Refused)
    }
}

/// Why a job is not where its user wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// The trainer ended with an error.
    TrainingFailed,
    /// The trainer's output broke its contract.
    ContractBroken,
    /// Killed at the memory limit.
    MemoryLimit,
    /// Ran into the limit of processes.
    PidsLimit,
    /// Killed at the wall-clock limit.
    WallClockLimit,
    /// Wrote more than the output limit.
    OutputLimit,
    /// Printed more than the log limit.
    LogLimit,
    /// The model file was refused unread by Python.
    ModelRefused,
    /// The dataset or its definition was refused.
    DatasetRefused,
    /// An input is not what the request names.
    InputMismatch,
    /// The image is not on any executor.
    ImageUnavailable,
    /// No GPU to be had.
    GpuUnavailable,
    /// The executor or its engine failed; tried again up to the limit of attempts.
    Infrastructure,
    /// The lease ended without a word from its holder.
    LeaseExpired,
    /// The user cancelled.
    Cancelled,
    /// The scanner could not finish.
    ScanFailed,
    /// The signer refused the evidence.
    EvidenceRefused,
    /// The service of the current stage is away; tried again.
    StageUnavailable,
    /// What the ledger answers does not prove what it says; tried again.
    LedgerLies,
    /// The ledger has less than it had, or something else; tried again.
    LedgerRolledBack,
    /// The release policy holds the job.
    PolicyHold,
    /// Nobody released the job in time.
    HoldExpired,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 22] = [
        Self::TrainingFailed,
        Self::ContractBroken,
        Self::MemoryLimit,
        Self::PidsLimit,
        Self::WallClockLimit,
        Self::OutputLimit,
        Self::LogLimit,
        Self::ModelRefused,
        Self::DatasetRefused,
        Self::InputMismatch,
        Self::ImageUnavailable,
        Self::GpuUnavailable,
        Self::Infrastructure,
        Self::LeaseExpired,
        Self::Cancelled,
        Self::ScanFailed,
        Self::EvidenceRefused,
        Self::StageUnavailable,
        Self::LedgerLies,
        Self::LedgerRolledBack,
        Self::PolicyHold,
        Self::HoldExpired,
    ];

    /// The machine-readable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrainingFailed => "TRAINING_FAILED",
            Self::ContractBroken => "CONTRACT_BROKEN",
            Self::MemoryLimit => "MEMORY_LIMIT",
            Self::PidsLimit => "PIDS_LIMIT",
            Self::WallClockLimit => "WALL_CLOCK_LIMIT",
            Self::OutputLimit => "OUTPUT_LIMIT",
            Self::LogLimit => "LOG_LIMIT",
            Self::ModelRefused => "MODEL_REFUSED",
            Self::DatasetRefused => "DATASET_REFUSED",
            Self::InputMismatch => "INPUT_MISMATCH",
            Self::ImageUnavailable => "IMAGE_UNAVAILABLE",
            Self::GpuUnavailable => "GPU_UNAVAILABLE",
            Self::Infrastructure => "INFRASTRUCTURE",
            Self::LeaseExpired => "LEASE_EXPIRED",
            Self::Cancelled => "CANCELLED",
            Self::ScanFailed => "SCAN_FAILED",
            Self::EvidenceRefused => "EVIDENCE_REFUSED",
            Self::StageUnavailable => "STAGE_UNAVAILABLE",
            Self::LedgerLies => "LEDGER_LIES",
            Self::LedgerRolledBack => "LEDGER_ROLLED_BACK",
            Self::PolicyHold => "POLICY_HOLD",
            Self::HoldExpired => "HOLD_EXPIRED",
        }
    }

    /// Reads the machine-readable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
