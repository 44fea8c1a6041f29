//! The vulnerability database: whether there is one, how old it is, and its digest.

use std::{
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};

use ids::{Sha256Digest, Timestamp};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    config::DatabaseConfig,
    fingerprint::{Fingerprint, Print},
};

/// The schema of the database that Trivy reads.
const SCHEMA_VERSION: u32 = 2;
/// The longest `metadata.json`, in bytes.
const METADATA_BYTES_MAX: u64 = 64 * 1024;
/// How far in the future a database may say it was updated, in milliseconds: clocks differ.
const SKEW_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

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

/// Why vulnerabilities are not looked up; ends in the evidence, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// None, or not readable.
    Missing(String),
    /// Of another schema.
    Schema(u32),
    /// Older than allowed.
    TooOld {
        /// When it was updated.
        updated_at: Timestamp,
        /// The bound, in days.
        max_age_days: u32,
    },
    /// Updated in the future: a wrong clock, or a false claim.
    InTheFuture(Timestamp),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("vulnerabilities were not looked up: ")?;
        match self {
            Self::Missing(detail) => write!(f, "no usable database ({detail})"),
            Self::Schema(version) => {
                write!(f, "the database has schema {version}, expected {SCHEMA_VERSION}")
            }
            Self::TooOld { updated_at, max_age_days } => write!(
                f,
                "the database was last updated {updated_at}, more than {max_age_days} days ago"
            ),
            Self::InTheFuture(at) => {
                write!(f, "the database says that it was updated {at}, which is in the future")
            }
        }
    }
}

/// `metadata.json`, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    version: u32,
    updated_at: String,
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
    pub(crate) fn new(config: &DatabaseConfig) -> Self {
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
        let metadata = self.metadata()?;
        if metadata.version != SCHEMA_VERSION {
            return Err(Unusable::Schema(metadata.version));
        }
        let updated_at = updated_at(&metadata.updated_at)
            .ok_or_else(|| Unusable::Missing("metadata.json has no valid UpdatedAt".into()))?;
        let age_ms = now.since_ms(updated_at);
        metrics::gauge!("scan_database_age_seconds").set(seconds(age_ms));
        if age_ms < -SKEW_MS {
            return Err(Unusable::InTheFuture(updated_at));
        }
        if age_ms > i64::from(self.max_age_days).saturating_mul(DAY_MS) {
            return Err(Unusable::TooOld { updated_at, max_age_days: self.max_age_days });
        }
        let print = self.file.print().await;
        let print = print.map_err(|error| Unusable::Missing(format!("trivy.db: {error}")))?;
        let (uri, version) = (self.uri.clone(), metadata.version);
        Ok(Database { uri, version, updated_at, sha256: print.sha256, print })
    }

    /// Whether the file is still the one that `database` was made from.
    pub(crate) async fn still(&self, database: &Database) -> bool {
        self.file.print().await.is_ok_and(|print| print == database.print)
    }

    fn metadata(&self) -> Result<Metadata, Unusable> {
        let missing = |detail: String| Unusable::Missing(format!("metadata.json: {detail}"));
        let mut bytes = Vec::new();
        let file = std::fs::File::open(self.directory.join("db/metadata.json"));
        file.and_then(|file| file.take(METADATA_BYTES_MAX).read_to_end(&mut bytes))
            .map_err(|error| missing(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| missing(error.to_string()))
    }
}

fn updated_at(text: &str) -> Option<Timestamp> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp::from_unix_ms)
}

#[expect(clippy::cast_precision_loss, reason = "an age for a graph")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
