//! What each party signs, the trust root, and the rules an evidence set must satisfy.
//!
//! The chain: request (user) → grant (scheduler) → training (executor) → scan (scanner). Each
//! names the one before by the SHA-256 of its exact envelope bytes. Beside it stands the submission:
//! the request once more, as the in-toto link that a scheduler signs. A job that a policy held has
//! an approver's release, too. [`check`] is the one place
//! that turns an [`EvidenceSet`] into [`VerifiedEvidence`]; signer and verifier both call it.
//! What has no AIBoM leaves a [`Record`], which [`check_record`] checks.

mod check;
mod document;
mod grant;
mod isolation;
mod metric;
#[cfg(feature = "proto")]
mod proto;
mod record;
mod release;
mod report;
mod scan;
mod scanned_files;
mod submission;
mod training;
mod trust_root;

pub use check::{
    CLOCK_SKEW_MS, MAX_COPIES, MAX_CWES, MAX_EVIDENCE_AGE_MS, MAX_FILE_FINDINGS, MAX_FILE_HAZARDS,
    MAX_FINDINGS, MAX_OUTPUTS, MAX_PACKAGES, MAX_PLACES, MAX_SCANS, MAX_SERIES, MAX_SERIES_POINTS,
    MAX_STATISTICS, VerifiedAdvisory, VerifiedEvidence, VerifiedRecord, check, check_advisory,
    check_record, inputs_match, within_limits,
};
pub use document::{Document, EvidenceSet, MAX_DOCUMENT_BYTES};
pub use grant::{
    GRANT_PAYLOAD_TYPE, GRANT_SCHEMA, Grant, Grantee, InvalidOperator, Operator, Program,
};
pub use isolation::{Isolation, IsolationBreach, IsolationRule, check_isolation, isolation_rules};
pub use metric::{Direction, direction};
#[cfg(feature = "proto")]
pub use proto::MissingDocument;
pub use record::{
    About, JobOutcome, MAX_RECORD_BYTES, Outcome, RECORD_PAYLOAD_TYPE, RECORD_SCHEMA, Record,
};
pub use release::{
    MAX_RELEASE_REASON, MAX_VIOLATIONS, RELEASE_PAYLOAD_TYPE, RELEASE_SCHEMA, Release,
};
pub use report::{Check, Checks};
pub use scan::{
    Completeness, Finding, Metadata as ScanMetadata, OperatingSystem, Package, PackageCopy,
    SCAN_PREDICATE_TYPE, ScanExtension, ScanPredicate, ScanStatement, ScanTarget, ScannedRun,
    Scanner, ScannerDatabase, Severity, SourcePackage, VulnerabilityResult,
};
pub use scanned_files::{FileHazard, InspectedFile, Level, Misconfiguration, SecretFinding};
pub use submission::{SUBMIT_STEP, submit_link, submitted};
pub use training::{
    BUILD_TYPE, BuildDefinition, Builder, Container, Dataset, Energy, Engine, ExternalParameters,
    Firmware, Gpu, Host, ImageFacts, InternalParameters, Layer, Limits, Model, Mount, Observed,
    PROVENANCE_PREDICATE_TYPE, PeakMemory, Point, Provenance, Reported, RunDetails, RunMetadata,
    Split, Tensor, Trained, TrainingStatement, Usage,
};
pub use trust_root::{
    Environment, KeyEntry, KeyRefused, KeyUse, LogPinError, MAX_LOG_DELAY_MS, MAX_TRUST_ROOT_BYTES,
    Revocation, RevokedIdentity, TRUST_ROOT_PAYLOAD_TYPE, TRUST_ROOT_SCHEMA, TrustRoot,
    TrustRootError, UpdateError, WitnessEntry,
};

#[cfg(test)]
mod tests;
