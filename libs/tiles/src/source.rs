//! Where static files are read from.

use async_trait::async_trait;
use bytes::Bytes;

/// Why a file could not be read; that it is not there is no error.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file is longer than it can be.
    #[error("{path} is longer than {max_bytes} bytes")]
    TooLong {
        /// Below the log's prefix.
        path: String,
        /// The bound, in bytes.
        max_bytes: usize,
    },
    /// A bucket does not let these keys read it.
    #[error(
        "{place} does not let {path} be read: the keys are wrong, or may not; AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY must be those of somebody who may s3:GetObject and s3:ListBucket there"
    )]
    Denied {
        /// Below the log's prefix.
        path: String,
        /// The bucket and the log's prefix.
        place: String,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The place did not answer, or refused.
    #[error("cannot read {path}")]
    Read {
        /// Below the log's prefix.
        path: String,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Files below a log's prefix: a directory, a bucket, a web server.
#[async_trait]
pub trait Source: std::fmt::Debug + Send + Sync {
    /// The file at `path`, such as `tile/0/000`; `None` when it is not there.
    ///
    /// # Errors
    /// When the file is longer than `max_bytes`, of which no more are read, or cannot be read.
    async fn get(&self, path: &str, max_bytes: usize) -> Result<Option<Bytes>, SourceError>;

    /// Where the files are, for people.
    fn place(&self) -> &str;
}
