//! `metadata.json`: which schema, and how old.

use ids::Timestamp;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::METADATA_BYTES_MAX;

/// What `metadata.json` says, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// The schema of the database.
    pub version: u32,
    /// When its content was last updated.
    pub updated_at: Timestamp,
}

/// Why `metadata.json` is not understood.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Longer than [`METADATA_BYTES_MAX`].
    #[error("metadata.json has more than {METADATA_BYTES_MAX} bytes")]
    TooLong,
    /// No JSON, or without a version and a time.
    #[error("metadata.json is not Trivy's: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A time that is none.
    #[error("metadata.json has no valid UpdatedAt")]
    UpdatedAt,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: u32,
    updated_at: String,
}

impl Metadata {
    /// Reads the bytes of a `metadata.json`. Members that are not needed may be of any kind: Trivy adds
    /// some now and then.
    ///
    /// # Errors
    /// When they are too many, are no such document, or the time is no RFC 3339 time.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() as u64 > METADATA_BYTES_MAX {
            return Err(MetadataError::TooLong);
        }
        let document: Document = serde_json::from_slice(bytes)?;
        let updated_at = instant(&document.updated_at).ok_or(MetadataError::UpdatedAt)?;
        Ok(Self { version: document.version, updated_at })
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp::from_unix_ms)
}
