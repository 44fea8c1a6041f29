//! Why there is no scan.

use std::{path::PathBuf, sync::Arc};

use crate::{
    archive::ArchiveError, child::ChildError, engine::EngineError, files::FilesError,
    programs::ProgramsError, report::ReportError, tool::ToolMissing,
};

/// Why there is no scan.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The own program cannot be read.
    #[error("cannot read the scanner's own program")]
    Program(#[source] std::io::Error),
    /// Trivy is not installed.
    #[error(transparent)]
    ToolMissing(#[from] ToolMissing),
    /// The engine did not name or give the image.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The image could not be saved, or is another one.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The engine did not give the whole image in time.
    #[error("the engine did not export the image within {limit_ms} ms")]
    ExportTimedOut {
        /// The bound.
        limit_ms: u64,
    },
    /// The run of Trivy failed.
    #[error(transparent)]
    Tool(#[from] ChildError),
    /// What Trivy wrote is no report on the image.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The files of a job are not what was announced, or cannot be looked into.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The image of one of the mesh's programs could not be scanned.
    #[error("the image of {program} was not scanned: {error}")]
    Image {
        /// Which program.
        program: String,
        /// Why.
        error: Arc<Self>,
    },
    /// The programs of the mesh cannot be scanned.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// The binary or the database was replaced while the scan ran.
    #[error("the scan tool or its database was replaced during the scan")]
    Replaced,
    /// No scratch directory.
    #[error("cannot make a scratch directory in {}", path.display())]
    Scratch {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
