//! Job ids (UUIDv7), attempts and fencing tokens.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not a hyphenated lower-case UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job id is a lower-case hyphenated UUID, got {0:?}")]
pub struct ParseJobIdError(String);

/// One job; UUIDv7 (RFC 9562), so ids sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(Uuid);

impl JobId {
    /// Builds an id from a time and randomness that the caller supplies.
    #[must_use]
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// The sixteen bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for JobId {
    type Err = ParseJobIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseJobIdError(text.chars().take(64).collect());
        let id = Uuid::try_parse(text).map_err(|_| error())?;
        if id.hyphenated().to_string() == text { Ok(Self(id)) } else { Err(error()) }
    }
}

impl TryFrom<String> for JobId {
    type Error = ParseJobIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The n-th time a job is tried, from 1.
pub type Attempt = u32;

/// Grows with every lease that the scheduler gives; the holder of an older one is refused.
pub type FencingToken = u64;
