//! What is behind the keys: a local directory or a bucket.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::{ObjectStore, local::LocalFileSystem};

use crate::config::{Location, OpenError};

/// The object store, and its root when that is a local directory.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) root: Option<PathBuf>,
}

impl Backend {
    /// Opens what `location` names. `staging` exists already.
    pub(crate) fn open(location: Location, staging: &Path) -> Result<Self, OpenError> {
        match location {
            Location::Local(root) => Self::open_local(root, staging),
            Location::S3(url) => Ok(Self { objects: open_bucket(&url)?, root: None }),
        }
    }

    fn open_local(root: PathBuf, staging: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: root.clone(), source };
        make_directories(&root).map_err(failed)?;
        let device = |path: &Path| std::fs::metadata(path).map(|data| data.dev()).map_err(failed);
        if device(&root)? != device(staging)? {
            return Err(OpenError::StagingElsewhere { path: staging.to_path_buf() });
        }
        let objects = LocalFileSystem::new_with_prefix(&root).map_err(OpenError::Backend)?;
        Ok(Self { objects: Arc::new(objects.with_fsync(true)), root: Some(root) })
    }
}

/// How long a request to a bucket is tried again before whoever made it hears, in seconds: a bucket
/// that is away is told of while somebody waits, and what writes for long tries again by itself.
#[cfg(feature = "s3")]
const RETRIED_S: u64 = 20;

/// The bucket and prefix of an `s3://` URL; keys, region and endpoint come from the environment
/// (`AWS_ACCESS_KEY_ID` and the like).
///
/// # Errors
/// When the prefix has an empty or a dotted segment, or the environment does not say enough.
#[cfg(feature = "s3")]
pub fn open_bucket(url: &url::Url) -> Result<Arc<dyn ObjectStore>, OpenError> {
    use object_store::{RetryConfig, aws::AmazonS3Builder, prefix::PrefixStore};
    let retry_timeout = std::time::Duration::from_secs(RETRIED_S);
    let retry = RetryConfig { retry_timeout, ..RetryConfig::default() };
    let bucket = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry).build();
    let bucket = bucket.map_err(OpenError::Backend)?;
    let prefix = object_store::path::Path::from_url_path(url.path());
    let prefix = prefix.map_err(|_| OpenError::Url {
        url: url.to_string(),
        reason: "the prefix has an empty or a dotted segment",
    })?;
    Ok(Arc::new(PrefixStore::new(bucket, prefix)))
}

/// This build has no S3.
///
/// # Errors
/// Always.
#[cfg(not(feature = "s3"))]
pub fn open_bucket(url: &url::Url) -> Result<Arc<dyn ObjectStore>, OpenError> {
    Err(OpenError::Url {
        url: url.to_string(),
        reason: "this program was built without S3 (feature s3, which is on by default)",
    })
}

/// Makes a directory that only its owner may enter, with its parents.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes every directory that an object can be in, durably, so that publishing makes none.
fn make_directories(root: &Path) -> io::Result<()> {
    make_directory(root)?;
    let objects = root.join("sha256");
    for first in 0..=u8::MAX {
        make_directory(&objects.join(format!("{first:02x}")))?;
    }
    sync_directory(&objects)?;
    sync_directory(root)?;
    root.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_directory)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
