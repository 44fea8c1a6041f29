//! The only names that reach a disk or a bucket, each made from a digest, an id and a number.

use std::{fmt, path::PathBuf, str::FromStr as _};

use ids::Sha256Digest;
use object_store::path::Path as ObjectPath;
use uuid::Uuid;

/// Names one upload, so that it can be resumed. The caller draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub Uuid);

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The key of an object: `sha256/<2 hex>/<64 hex>`.
pub(crate) fn key(digest: &Sha256Digest) -> ObjectPath {
    let hex = digest.to_hex();
    ObjectPath::from_iter(["sha256", &hex[..2], &hex])
}

/// The same key as a path below the root of a local store.
pub(crate) fn relative_path(digest: &Sha256Digest) -> PathBuf {
    let hex = digest.to_hex();
    ["sha256", &hex[..2], &hex].iter().collect()
}

/// What an upload is to become; with its id, the name of its staging file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) expected: Sha256Digest,
    pub(crate) size: u64,
}

/// `<uuid>.<64 hex>.<size>.part`: everything that a restart must know.
pub(crate) fn staging_name(id: UploadId, promise: &Promise) -> String {
    format!("{id}.{}.{}.part", promise.expected, promise.size)
}

/// The inverse of [`staging_name`]; `None` for any other spelling.
pub(crate) fn parse_staging_name(name: &str) -> Option<(UploadId, Promise)> {
    let mut parts = name.strip_suffix(".part")?.split('.');
    let id = UploadId(Uuid::try_parse(parts.next()?).ok()?);
    let expected = Sha256Digest::from_str(parts.next()?).ok()?;
    let promise = Promise { expected, size: parts.next()?.parse().ok()? };
    (staging_name(id, &promise) == name).then_some((id, promise))
}
