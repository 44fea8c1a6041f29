//! The configured vulnerability database, and its digest.

use std::path::{Path, PathBuf};

use ids::{Sha256Digest, Timestamp};
use scandb::Unusable;

use crate::fingerprint::{Fingerprint, Print};

/// A database that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// A URN with the operator's label, such as `urn:aibom:trivy-db:test-subset`.
    pub uri: String,
    /// Its schema version.
    pub version: u32,
    /// When its content was last updated.
    pub updated_at: Timestamp,
    /// SHA-256 of `trivy.db`.
    pub sha256: Sha256Digest,
    print: Print,
}

/// The configured database directory.
#[derive(Debug)]
pub(crate) struct Databases {
    directory: PathBuf,
    file: Fingerprint,
    max_age_days: u32,
    uri: String,
}

impl Databases {
    pub(crate) fn new(config: &scandb::Config) -> Self {
        Self {
            directory: config.directory.clone(),
            file: Fingerprint::new(config.directory.join("db/trivy.db")),
            max_age_days: config.max_age_days,
            uri: format!("urn:aibom:trivy-db:{}", config.label.replace(' ', "-")),
        }
    }

    /// What `TRIVY_CACHE_DIR` must be for this database.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The database, when it may be used at `now`.
    pub(crate) async fn usable(&self, now: Timestamp) -> Result<Database, Unusable> {
        let found = scandb::look(&self.directory)?;
        metrics::gauge!("scan_database_age_seconds").set(seconds(found.age_ms(now)));
        found.usable(now, self.max_age_days)?;
        // Of the file that was looked at: another may be in its place by now.
        let print = self.file.print_of(found.file).await;
        let print = print.map_err(|error| Unusable::Missing(format!("trivy.db: {error}")))?;
        let scandb::Metadata { version, updated_at } = found.metadata;
        Ok(Database { uri: self.uri.clone(), version, updated_at, sha256: print.sha256, print })
    }

    /// Whether the file is still the one that `database` was made from.
    pub(crate) async fn still(&self, database: &Database) -> bool {
        self.file.print().await.is_ok_and(|print| print == database.print)
    }
}

#[expect(clippy::cast_precision_loss, reason = "an age for a graph")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
