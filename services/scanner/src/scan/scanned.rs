//! What a run found, and what a request is answered.

use std::sync::Arc;

use envelope::ResourceDescriptor;
use evidence::{InspectedFile, Program, ScanTarget};
use ids::{Sha256Digest, Timestamp};
use scandb::Unusable;
use serde::{Deserialize, Serialize};

use crate::{database::Database, inventory::Inventory, statement::Memo};

/// What one run found; kept in the cache as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What the report says.
    pub inventory: Inventory,
    /// SHA-256 of the report's exact bytes.
    pub report_sha256: Sha256Digest,
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Each subject, when they are files.
    pub files: Vec<InspectedFile>,
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct Scanned {
    /// What was looked at.
    pub target: ScanTarget,
    /// The same, by name and digest.
    pub subject: Vec<ResourceDescriptor>,
    /// What was found.
    pub record: Arc<Record>,
    /// SHA-256 of the tool's binary.
    pub tool_sha256: Sha256Digest,
    /// The database that was used, or why none was; no database is for files.
    pub database: Result<Option<Database>, Unusable>,
    /// Whether no run was needed for it.
    pub cached: bool,
    /// The scanner service's own program.
    pub scanner: Program,
    pub(crate) memo: Arc<Memo>,
}

impl Scanned {
    /// Why it is incomplete; nothing when it is complete.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = self.record.inventory.gaps.clone();
        let unread = self.record.files.iter().filter(|file| !file.unread.is_empty());
        reasons.extend(unread.map(|file| format!("{}: {}", file.name, file.unread)));
        reasons.extend(self.database.as_ref().err().map(ToString::to_string));
        reasons
    }

    /// What may differ between two answers from one record, beside the run.
    pub(crate) fn variant(&self) -> String {
        let names = self.subject.iter().filter_map(|subject| subject.name.as_deref());
        let mut variant: Vec<&str> = names.collect();
        let database = match &self.database {
            Ok(Some(Database { uri, version, updated_at, .. })) => {
                format!("{uri} {version} {updated_at}")
            }
            Ok(None) => String::new(),
            Err(missing) => missing.to_string(),
        };
        variant.push(&database);
        variant.join("\n")
    }
}
