//! What each failure is on the wire: a code, and a reason that machines read.

use rpc::{Coded, status::Code};

use crate::{
    archive::ArchiveError, child::ChildError, engine::EngineError, files::FilesError,
    programs::ProgramsError, scan::ScanError, statement::SignError, tool::ToolMissing,
};

/// A request that names something badly.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub(super) struct InvalidRequest {
    pub(super) field: &'static str,
    pub(super) reason: String,
}

impl InvalidRequest {
    pub(super) fn new(field: &'static str, reason: impl std::fmt::Display) -> Self {
        Self { field, reason: reason.to_string() }
    }
}

impl Coded for InvalidRequest {
    fn code(&self) -> Code {
        Code::InvalidArgument
    }

    fn reason(&self) -> &'static str {
        "INVALID_REQUEST"
    }
}

/// A report that is not, or no longer, kept.
#[derive(Debug, thiserror::Error)]
#[error("the scanner does not have the report {0} (any more)")]
pub(super) struct NoReport(pub(super) ids::Sha256Digest);

impl Coded for NoReport {
    fn code(&self) -> Code {
        Code::NotFound
    }

    fn reason(&self) -> &'static str {
        "REPORT_NOT_FOUND"
    }
}

impl Coded for ScanError {
    fn code(&self) -> Code {
        match self {
            Self::ToolMissing(_) => Code::Unavailable,
            Self::Engine(error) | Self::Archive(ArchiveError::Engine(error)) => match error {
                EngineError::NotFound(_) => Code::NotFound,
                EngineError::OtherDigest(_) => Code::FailedPrecondition,
                EngineError::Engine { .. } => Code::Unavailable,
            },
            Self::Archive(ArchiveError::TooLarge { .. }) => Code::ResourceExhausted,
            Self::Archive(ArchiveError::Save { .. } | ArchiveError::Broken { .. })
            | Self::Scratch { .. }
            | Self::Program(_) => Code::Unavailable,
            Self::Archive(ArchiveError::Binding(_)) => Code::DataLoss,
            Self::ExportTimedOut { .. } => Code::DeadlineExceeded,
            Self::Tool(error) => match error {
                ChildError::TimedOut { .. } => Code::DeadlineExceeded,
                ChildError::TooMuch { .. } | ChildError::Scratch { .. } => Code::ResourceExhausted,
                ChildError::Start(_)
                | ChildError::Read(_)
                | ChildError::NotConfined { .. }
                | ChildError::Engine(_) => Code::Unavailable,
                ChildError::Failed { .. } => Code::Internal,
            },
            Self::Report(_) => Code::Internal,
            Self::Image { error, .. } => error.code(),
            Self::Files(error) => match error {
                FilesError::Count(_) | FilesError::Name(_) | FilesError::Piece(_) => {
                    Code::InvalidArgument
                }
                FilesError::Surplus => Code::InvalidArgument,
                FilesError::TooLarge { .. } => Code::ResourceExhausted,
                FilesError::Short { .. } => Code::Cancelled,
                FilesError::Stalled(_) => Code::DeadlineExceeded,
                FilesError::Digest { .. } => Code::DataLoss,
                FilesError::Scratch(_) | FilesError::ReportLost => Code::Unavailable,
                FilesError::Look { .. } => Code::Internal,
            },
            Self::Programs(error) => match error {
                ProgramsError::None => Code::FailedPrecondition,
                ProgramsError::Unreadable { .. } | ProgramsError::ReportLost(_) => {
                    Code::Unavailable
                }
            },
            Self::Replaced => Code::Aborted,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::ToolMissing(error) => match error {
                ToolMissing::Binary { .. } | ToolMissing::Image { .. } => "TRIVY_MISSING",
                ToolMissing::Sandbox(_) => "TRIVY_NOT_CONFINED",
                ToolMissing::Engine(_) => "ENGINE_UNAVAILABLE",
            },
            Self::Engine(error) | Self::Archive(ArchiveError::Engine(error)) => match error {
                EngineError::NotFound(_) => "IMAGE_NOT_FOUND",
                EngineError::OtherDigest(_) => "IMAGE_DIGEST_UNKNOWN",
                EngineError::Engine { .. } => "ENGINE_UNAVAILABLE",
            },
            Self::Archive(ArchiveError::TooLarge { .. }) => "IMAGE_TOO_LARGE",
            Self::Archive(ArchiveError::Save { .. }) | Self::Scratch { .. } => "SCRATCH_FAILED",
            Self::Archive(ArchiveError::Broken { .. }) => "EXPORT_BROKEN",
            Self::Program(_) => "PROGRAM_UNREADABLE",
            Self::Archive(ArchiveError::Binding(_)) => "IMAGE_MISMATCH",
            Self::ExportTimedOut { .. } => "EXPORT_TIMED_OUT",
            Self::Tool(error) => match error {
                ChildError::TimedOut { .. } => "TRIVY_TIMED_OUT",
                ChildError::TooMuch { .. } => "REPORT_TOO_LARGE",
                ChildError::Scratch { .. } => "SCRATCH_TOO_LARGE",
                ChildError::Start(_) | ChildError::Read(_) => "TRIVY_NOT_STARTED",
                ChildError::NotConfined { .. } => "TRIVY_NOT_CONFINED",
                ChildError::Engine(_) => "ENGINE_UNAVAILABLE",
                ChildError::Failed { .. } => "TRIVY_FAILED",
            },
            Self::Report(_) => "REPORT_INVALID",
            Self::Image { error, .. } => error.reason(),
            Self::Files(error) => match error {
                FilesError::Count(_)
                | FilesError::Name(_)
                | FilesError::Piece(_)
                | FilesError::Surplus => "INVALID_FILES",
                FilesError::TooLarge { .. } => "FILES_TOO_LARGE",
                FilesError::Short { .. } | FilesError::Stalled(_) => "FILES_CUT_SHORT",
                FilesError::Digest { .. } => "FILE_MISMATCH",
                FilesError::Scratch(_) => "SCRATCH_FAILED",
                FilesError::Look { .. } => "FILE_UNREADABLE",
                FilesError::ReportLost => "REPORT_LOST",
            },
            Self::Programs(error) => match error {
                ProgramsError::None => "NO_PROGRAMS",
                ProgramsError::Unreadable { .. } => "PROGRAM_UNREADABLE",
                ProgramsError::ReportLost(_) => "REPORT_LOST",
            },
            Self::Replaced => "REPLACED_DURING_SCAN",
        }
    }
}

impl Coded for SignError {
    fn code(&self) -> Code {
        match self {
            Self::Write(_) | Self::Shape | Self::Seal(_) => Code::Internal,
            Self::TooLarge { .. } => Code::ResourceExhausted,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Write(_) | Self::Shape | Self::Seal(_) => "SCAN_NOT_SIGNED",
            Self::TooLarge { .. } => "SCAN_TOO_LARGE",
        }
    }
}
