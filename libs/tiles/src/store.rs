//! A directory or a bucket that a log is published in.

use std::{io, path::PathBuf, sync::Arc};

use artifacts::Location;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use object_store::{
    Error as ObjectError, ObjectStore, ObjectStoreExt as _, UpdateVersion, local::LocalFileSystem,
    path::Path,
};

use crate::{
    Source, SourceError,
    disk::{Disk, SystemDisk, create_directory},
};

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The text names no place, or none that this build knows.
    #[error(transparent)]
    Location(#[from] artifacts::OpenError),
    /// The directory could not be used.
    #[error("cannot use the directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The directory could not be opened as a store.
    #[error("cannot open the directory {} as a store", path.display())]
    Store {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: ObjectError,
    },
}

/// Where a log is published: `checkpoint` and `tile/…` below a directory or a prefix.
#[derive(Debug, Clone)]
pub struct TileStore {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// The directory, for a local store.
    pub(crate) root: Option<PathBuf>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) place: String,
}

/// A file, and the state that a conditional write names.
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    pub(crate) version: UpdateVersion,
}

impl TileStore {
    /// Opens a path, `file:///path`, or (feature `s3`) `s3://bucket/prefix` for reading; a directory
    /// must be there.
    ///
    /// # Errors
    /// When it is no such place, or not there.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        match Location::parse(url)? {
            Location::Local(root) => Self::open_directory(root),
            Location::S3(bucket) => {
                let objects = artifacts::open_bucket(&bucket)?;
                let disk = Arc::new(SystemDisk);
                Ok(Self { objects, root: None, disk, place: url.to_owned() })
            }
        }
    }

    /// The same for writing: a directory is made where there is none.
    ///
    /// # Errors
    /// When it is no such place, or cannot be made.
    pub fn create(url: &str) -> Result<Self, OpenError> {
        if let Location::Local(path) = Location::parse(url)? {
            create_directory(&path).map_err(|source| OpenError::Directory { path, source })?;
        }
        Self::open(url)
    }

    fn open_directory(path: PathBuf) -> Result<Self, OpenError> {
        // Else one that is not there would look like a log with nothing in it.
        if let Err(source) = std::fs::read_dir(&path) {
            return Err(OpenError::Directory { path, source });
        }
        let objects = LocalFileSystem::new_with_prefix(&path)
            .map_err(|source| OpenError::Store { path: path.clone(), source })?;
        let place = path.display().to_string();
        let objects = Arc::new(objects.with_fsync(true).with_automatic_cleanup(true));
        Ok(Self { objects, root: Some(path), disk: Arc::new(SystemDisk), place })
    }

    /// Whether there is any tile or entry bundle.
    pub(crate) async fn has_tiles(&self) -> Result<bool, SourceError> {
        let first = self.objects.list(Some(&Path::from("tile"))).next().await.transpose();
        Ok(first.map_err(|source| self.unreadable("tile", source))?.is_some())
    }

    fn unreadable(&self, path: &str, source: ObjectError) -> SourceError {
        let (path, denied) = (path.to_owned(), is_denied(&source));
        let source = Box::new(source);
        if denied {
            SourceError::Denied { path, place: self.place.clone(), source }
        } else {
            SourceError::Read { path, source }
        }
    }

    /// A file of at most `max_bytes`, with its version.
    pub(crate) async fn find(
        &self,
        path: &str,
        max_bytes: usize,
    ) -> Result<Option<Found>, SourceError> {
        let failed = |source| self.unreadable(path, source);
        let too_long = || SourceError::TooLong { path: path.to_owned(), max_bytes };
        let got = match self.objects.get(&Path::from(path)).await {
            Ok(got) => got,
            Err(ObjectError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if got.meta.size > max_bytes as u64 {
            return Err(too_long());
        }
        let version =
            UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        let mut bytes = Vec::new();
        let mut chunks = got.into_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(failed)?;
            // What a store says of a length is no reason to believe it.
            if chunk.len() > max_bytes.saturating_sub(bytes.len()) {
                return Err(too_long());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(Found { bytes: bytes.into(), version }))
    }
}

/// Whether a bucket said that these keys may not do this.
pub(crate) const fn is_denied(error: &ObjectError) -> bool {
    matches!(error, ObjectError::PermissionDenied { .. } | ObjectError::Unauthenticated { .. })
}

#[async_trait]
impl Source for TileStore {
    async fn get(&self, path: &str, max_bytes: usize) -> Result<Option<Bytes>, SourceError> {
        Ok(self.find(path, max_bytes).await?.map(|found| found.bytes))
    }

    fn place(&self) -> &str {
        &self.place
    }
}
