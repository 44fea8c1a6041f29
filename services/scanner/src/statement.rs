//! From a scan to signed evidence: the in-toto statement, sealed with the scanner's key.

use std::sync::{Arc, Mutex, PoisonError};

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, SealError, StatementType};
use evidence::{
    Completeness, Document, MAX_DOCUMENT_BYTES, SCAN_PREDICATE_TYPE, ScanExtension, ScanMetadata,
    ScanPredicate, ScanStatement, ScannedRun, Scanner, ScannerDatabase,
};
use ids::{JobId, Sha256Digest, canonical};
use keys::SigningKey;

use crate::scan::Scanned;

/// Why a scan could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The statement cannot be written.
    #[error("the scan statement cannot be written")]
    Write(#[source] canonical::Error),
    /// The statement is not of the shape that it has had so far.
    #[error("the scan statement has no place for its run")]
    Shape,
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

/// The statement about `scanned`, made for `run`, or for the scan's own sake; pure.
#[must_use]
pub fn statement(run: Option<ScannedRun>, scanned: &Scanned) -> ScanStatement {
    let record = &scanned.record;
    let inventory = &record.inventory;
    let database = scanned.database.as_ref().ok().and_then(Option::as_ref);
    let reasons = scanned.reasons();
    let version = &inventory.tool_version;
    ScanStatement {
        kind: StatementType::V1,
        subject: scanned.subject.clone(),
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
                result: inventory.vulnerabilities.clone(),
            },
            metadata: ScanMetadata {
                scan_started_on: record.started,
                scan_finished_on: record.finished,
            },
            aibom: ScanExtension {
                target: scanned.target,
                run,
                completeness: if reasons.is_empty() {
                    Completeness::Complete
                } else {
                    Completeness::Incomplete
                },
                reason: reasons.join("; "),
                tool_sha256: scanned.tool_sha256,
                database_sha256: database.map(|database| database.sha256),
                report_sha256: record.report_sha256,
                packages: inventory.packages.clone(),
                secrets: inventory.secrets.clone(),
                misconfigurations: inventory.misconfigurations.clone(),
                files: record.files.clone(),
                operating_system: inventory.operating_system.clone(),
                scanner: scanned.scanner.clone(),
            },
        },
    }
}

/// The canonical statement, cut where the run goes in: many runs share the rest of it.
#[derive(Debug)]
struct Body {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Body {
    fn of(scanned: &Scanned) -> Result<Self, SignError> {
        // A run of no job marks the place. Quotes within texts are escaped, and no other object has
        // these members: the mark is there once.
        let mark =
            ScannedRun { job: JobId::new(0, [0; 10]), training: Sha256Digest::from_bytes([0; 32]) };
        let whole =
            canonical::rewrite(&statement(Some(mark), scanned)).map_err(SignError::Write)?;
        let mark = Self::member(mark)?;
        let at = whole.windows(mark.len()).position(|window| window == mark);
        let (before, rest) = whole.split_at(at.ok_or(SignError::Shape)?);
        let after = rest.get(mark.len()..).ok_or(SignError::Shape)?;
        Ok(Self { before: before.to_vec(), after: after.to_vec() })
    }

    /// `"run":{…},`: another member always follows it.
    fn member(run: ScannedRun) -> Result<Vec<u8>, SignError> {
        let run = canonical::rewrite(&run).map_err(SignError::Write)?;
        Ok([b"\"run\":".as_slice(), &run, b","].concat())
    }

    fn with(&self, run: Option<ScannedRun>) -> Result<Vec<u8>, SignError> {
        let run = run.map(Self::member).transpose()?.unwrap_or_default();
        Ok([self.before.as_slice(), &run, &self.after].concat())
    }
}

/// The statement of the last answer from a record, without its run.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<Option<(String, Arc<Body>)>>);

impl Memo {
    fn body(&self, scanned: &Scanned) -> Result<Arc<Body>, SignError> {
        let variant = scanned.variant();
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, body)) = last.filter(|(known, _)| *known == variant) {
            return Ok(body);
        }
        let body = Arc::new(Body::of(scanned)?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((variant, Arc::clone(&body)));
        Ok(body)
    }
}

/// Signs the statement about `scanned` with the scanner's key and attaches its certificate chain
/// (leaf first, DER).
///
/// # Errors
/// When it cannot be written or signed, or is larger than verifiers take.
pub fn seal(
    run: Option<ScannedRun>,
    scanned: &Scanned,
    key: &dyn SigningKey,
    chain: &[Vec<u8>],
) -> Result<Document, SignError> {
    let payload = scanned.memo.body(scanned)?.with(run)?;
    let envelope = Envelope::seal(IN_TOTO_PAYLOAD_TYPE, payload, key)?;
    let got = envelope.as_bytes().len();
    if got > MAX_DOCUMENT_BYTES {
        return Err(SignError::TooLarge { got });
    }
    Ok(Document { envelope: envelope.as_bytes().to_vec(), certificates: chain.to_vec() })
}
