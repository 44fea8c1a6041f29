//! Records: what became of a job that has no AIBoM, with the proof that it was logged.

use bundle::{Inclusion, Logged};
use evidence::{Checks, Document, Record, TrustRoot, VerifiedRecord, check_record};
use ids::canonical;
use keys::Identity;
use serde::{Deserialize, Serialize};

use crate::log_proof;

/// The value of `schema`.
pub const RECORD_FILE_SCHEMA: &str = "aibom.logged-record.v1";
/// The longest record file, in bytes.
pub const MAX_RECORD_FILE_BYTES: usize = 256 * 1024;

/// A record with its proof in a file of its own, canonical JSON (docs/formats/record.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecordFile {
    /// Always [`RECORD_FILE_SCHEMA`].
    pub schema: String,
    /// The signed record.
    pub record: Document,
    /// The proof that it was logged.
    pub inclusion: Inclusion,
}

/// Why bytes are no record file.
#[derive(Debug, thiserror::Error)]
pub enum RecordFileError {
    /// Not canonical JSON of this form.
    #[error("not a logged record: {0}")]
    Malformed(#[from] canonical::Error),
    /// Another schema.
    #[error("the schema is {0:?}, this program reads {RECORD_FILE_SCHEMA:?}")]
    Schema(String),
}

impl RecordFile {
    /// The file of a record and its proof.
    #[must_use]
    pub fn new(record: Document, inclusion: Inclusion) -> Self {
        Self { schema: RECORD_FILE_SCHEMA.to_owned(), record, inclusion }
    }

    /// Reads a file; nothing in it is verified yet.
    ///
    /// # Errors
    /// When it is too long, not canonical, or of another schema.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordFileError> {
        let file: Self = canonical::from_slice(bytes, MAX_RECORD_FILE_BYTES)?;
        if file.schema != RECORD_FILE_SCHEMA {
            return Err(RecordFileError::Schema(file.schema.chars().take(64).collect()));
        }
        Ok(file)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Never for what was parsed; writing JSON may fail in general.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }
}

/// A record of which everything held; only [`verify_record`] makes one.
#[derive(Debug, Clone)]
pub struct LoggedRecord {
    record: VerifiedRecord,
    logged: Logged,
}

impl LoggedRecord {
    /// What it says.
    #[must_use]
    pub const fn record(&self) -> &Record {
        self.record.record()
    }

    /// Which scheduler says so.
    #[must_use]
    pub const fn signer(&self) -> &Identity {
        self.record.signer()
    }

    /// Where it is in the ledger, and since when.
    #[must_use]
    pub const fn logged(&self) -> &Logged {
        &self.logged
    }
}

/// Every check that was made on a record, and what it proves when all of them held.
#[derive(Debug, Clone)]
pub struct RecordVerdict {
    /// The checks, in the order they were made.
    pub checks: Checks,
    /// What it proves; there only when every check held.
    pub record: Option<LoggedRecord>,
}

/// Checks that a scheduler of the mesh of `root` signed `document`, and that it is in the ledger.
///
/// The names of the checks are stable. In their order: `ledger.checkpoint`, `ledger.witnesses`,
/// `ledger.entry`, `ledger.inclusion`; then, at the instant that the ledger proves, `record.size`,
/// `.certificate`, `.signature`, `.role`, `.content`, `.schema`, `.bounds`, `.time`, `.certificates`.
#[must_use]
pub fn verify_record(
    document: &Document,
    inclusion: &Inclusion,
    root: &TrustRoot,
) -> RecordVerdict {
    let mut checks = Checks::new();
    let logged = log_proof::check_document(inclusion, &document.envelope, root, &mut checks);
    let record = logged.and_then(|logged| {
        let record = check_record(document, root, logged.logged_at(), &mut checks)?;
        Some(LoggedRecord { record, logged })
    });
    RecordVerdict { checks, record }
}
