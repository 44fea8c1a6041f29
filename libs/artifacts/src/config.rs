//! Where the artifacts are, and how much of everything is allowed.

use std::{io, path::PathBuf};

use url::Url;

/// The bounds of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest artifact, in bytes.
    pub artifact_bytes_max: u64,
    /// The most uploads that are being written at one time. Each holds up to 4 MiB in memory.
    pub uploads_max: usize,
    /// The most bytes promised by all staged uploads together, interrupted ones included.
    pub staging_bytes_max: u64,
}

impl Default for Limits {
    /// 64 GiB an artifact, 64 uploads, 256 GiB staged.
    fn default() -> Self {
        Self { artifact_bytes_max: 64 << 30, uploads_max: 64, staging_bytes_max: 256 << 30 }
    }
}

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// A path, `file:///path`, or (feature `s3`) `s3://bucket/prefix`.
    pub url: String,
    /// Where uploads gather until they are complete. For a local store: on the same file system.
    pub staging_dir: PathBuf,
    /// The bounds.
    pub limits: Limits,
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The text is neither a path nor a URL of a kind that this build knows.
    #[error("cannot use {url:?} as a store: {reason}")]
    Url {
        /// The text given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A directory could not be used.
    #[error("cannot use the directory {}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Another process (or another handle of this one) stages uploads there.
    #[error("the staging directory {} is in use by another process", path.display())]
    StagingInUse {
        /// The staging directory.
        path: PathBuf,
    },
    /// A finished upload could not be renamed into the store.
    #[error("the staging directory {} is not on the store's file system", path.display())]
    StagingElsewhere {
        /// The staging directory.
        path: PathBuf,
    },
    /// The object store refused its configuration.
    #[error("cannot set up the object store")]
    Backend(#[source] object_store::Error),
}

/// A parsed `url`: what every store of the mesh that is named by one understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A local directory.
    Local(PathBuf),
    /// A bucket and a prefix in it.
    S3(Url),
}

impl Location {
    /// Reads a path, `file:///path` or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// [`OpenError::Url`].
    pub fn parse(text: &str) -> Result<Self, OpenError> {
        let refuse = |reason| OpenError::Url { url: text.to_owned(), reason };
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        if !text.contains("://") {
            return Ok(Self::Local(PathBuf::from(text)));
        }
        let url = Url::parse(text).map_err(|_| refuse("it is no URL"))?;
        match url.scheme() {
            "file" => {
                let path = url.to_file_path();
                path.map(Self::Local).map_err(|()| refuse("a file URL is file:///path"))
            }
            // Before anything else: this URL is shown in messages.
            "s3" if !url.username().is_empty() || url.password().is_some() => Err(OpenError::Url {
                url: format!("s3://…@{}{}", url.host_str().unwrap_or_default(), url.path()),
                reason: "keys do not belong in it, but in the environment (AWS_ACCESS_KEY_ID, \
                         AWS_SECRET_ACCESS_KEY)",
            }),
            "s3" if url.query().is_some() || url.fragment().is_some() => {
                Err(refuse("a bucket's URL is s3://bucket/prefix and nothing more"))
            }
            "s3" => Ok(Self::S3(url)),
            _ => Err(refuse("the scheme is neither file nor s3")),
        }
    }
}
