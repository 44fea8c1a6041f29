//! Offline verification: re-derive the AIBoM from the evidence, compare byte for byte, and report
//! every check.
//!
//! Pure: a bundle's bytes and a pinned trust root go in, a [`Verdict`] comes out. Everything that
//! can still be checked after a failure is checked and reported; [`Verified`] exists only when
//! every check held, and is made in exactly one place. Advisories, which are in no bundle, are
//! checked by the same rules on scans; records, of what has no bundle, by the same rules on the log.

mod advisory;
mod artifact;
mod attestation;
mod bundle_file;
mod difference;
mod disclosed;
mod gate;
mod log_proof;
mod record;
mod rederive;
mod signatures;
mod subject;

pub use advisory::{
    ADVISORY_SCHEMA, AdvisoryFile, AdvisoryFileError, AdvisoryName, AdvisoryNameError,
    AdvisoryVerdict, MAX_ADVISORY_BYTES, verify_advisory,
};
pub use artifact::{Part, RecordedFile, verify_artifact};
pub use bundle_file::{Verdict, verify_bundle};
pub use disclosed::{NotTraced, Traced, verify_disclosed};
pub use evidence::MAX_LOG_DELAY_MS;
pub use record::{
    LoggedRecord, MAX_RECORD_FILE_BYTES, RECORD_FILE_SCHEMA, RecordFile, RecordFileError,
    RecordVerdict, verify_record,
};
pub use subject::Verified;

#[cfg(test)]
mod tests;
