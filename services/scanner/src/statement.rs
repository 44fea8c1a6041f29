//! From a scan to signed evidence: the in-toto statement, sealed with the scanner's key.

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, ResourceDescriptor, SealError, StatementType};
use evidence::{
    Completeness, Document, MAX_DOCUMENT_BYTES, SCAN_PREDICATE_TYPE, ScanExtension, ScanMetadata,
    ScanPredicate, ScanStatement, ScanTarget, ScannedRun, Scanner, ScannerDatabase,
};
use ids::canonical;
use job::Image;
use keys::SigningKey;

use crate::scan::Scanned;

/// What the scan is for; all of it is in the evidence.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The run whose image it is; none for a scan of an image for its own sake.
    pub run: Option<ScannedRun>,
    /// The image, as the job names it.
    pub image: Image,
}

/// Why a scan could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The statement cannot be written.
    #[error("the scan statement cannot be written")]
    Write(#[source] canonical::Error),
    /// The key could not sign.
    #[error("the scan statement cannot be signed")]
    Seal(#[from] SealError),
    /// The evidence is larger than verifiers take.
    #[error("the scan evidence has {got} bytes, verifiers take at most {MAX_DOCUMENT_BYTES}")]
    TooLarge {
        /// Its length in bytes.
        got: usize,
    },
}

/// The statement about `scanned`; pure.
#[must_use]
pub fn statement(subject: &Subject, scanned: &Scanned) -> ScanStatement {
    let record = &scanned.record;
    let database = scanned.database.as_ref().ok();
    let mut reasons = record.inventory.gaps.clone();
    reasons.extend(scanned.database.as_ref().err().map(ToString::to_string));
    let version = &record.inventory.tool_version;
    let image = subject.image.to_string();
    ScanStatement {
        kind: StatementType::V1,
        subject: vec![ResourceDescriptor::sha256(&image, subject.image.digest())],
        predicate_type: SCAN_PREDICATE_TYPE.to_owned(),
        predicate: ScanPredicate {
            scanner: Scanner {
                uri: format!("pkg:github/aquasecurity/trivy@v{version}"),
                version: version.clone(),
                db: database.map(|database| ScannerDatabase {
                    uri: database.uri.clone(),
                    version: database.version.to_string(),
                    last_update: database.updated_at,
                }),
                result: record.inventory.vulnerabilities.clone(),
            },
            metadata: ScanMetadata {
                scan_started_on: record.started,
                scan_finished_on: record.finished,
            },
            aibom: ScanExtension {
                target: ScanTarget::Image,
                run: subject.run,
                completeness: if reasons.is_empty() {
                    Completeness::Complete
                } else {
                    Completeness::Incomplete
                },
                reason: reasons.join("; "),
                tool_sha256: scanned.tool_sha256,
                database_sha256: database.map(|database| database.sha256),
                report_sha256: record.report_sha256,
                packages: record.inventory.packages.clone(),
                secrets: Vec::new(),
                misconfigurations: Vec::new(),
                files: Vec::new(),
                operating_system: record.inventory.operating_system.clone(),
                scanner: scanned.scanner.clone(),
            },
        },
    }
}

/// Signs `statement` with the scanner's key and attaches its certificate chain (leaf first, DER).
///
/// # Errors
/// When it cannot be written or signed, or is larger than verifiers take.
pub fn seal(
    statement: &ScanStatement,
    key: &dyn SigningKey,
    chain: &[Vec<u8>],
) -> Result<Document, SignError> {
    let payload = canonical::to_vec(statement).map_err(SignError::Write)?;
    let envelope = Envelope::seal(IN_TOTO_PAYLOAD_TYPE, payload, key)?;
    let got = envelope.as_bytes().len();
    if got > MAX_DOCUMENT_BYTES {
        return Err(SignError::TooLarge { got });
    }
    Ok(Document { envelope: envelope.as_bytes().to_vec(), certificates: chain.to_vec() })
}
