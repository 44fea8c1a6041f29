//! The store: begins uploads, answers for artifacts by digest, keeps the staging directory tidy.

use std::{
    error::Error as _,
    fs::{File, OpenOptions},
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ids::{Digests, Sha256Digest};
use object_store::{ObjectStoreExt as _, PutPayload};

use crate::{
    backend::{Backend, make_directory},
    config::{Location, OpenError, StoreConfig},
    download::{Blocks, Download, Hashing, ReadError},
    names::{Promise, UploadId, key},
    publish::put,
    registry::{BeginError, Registry},
    upload::Upload,
};

/// The largest document that [`ArtifactStore::put_bytes`] takes, in bytes.
pub const PUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An artifact that is stored durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// The digests of its bytes; the SHA-256 is its name.
    pub digests: Digests,
    /// Its length in bytes.
    pub size: u64,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Abandoned uploads.
    pub uploads: u64,
    /// Bytes that they had staged.
    pub bytes: u64,
}

/// Why small bytes were not stored.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// Larger than [`PUT_BYTES_MAX`] or than the store's own limit.
    #[error("a document of {size} bytes; the limit is {limit}")]
    TooLarge {
        /// The document's size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The disk is full.
    #[error("the store is full")]
    Full(#[source] object_store::Error),
    /// The store did not take it.
    #[error("the object store did not take the document")]
    Backend(#[source] object_store::Error),
}

/// The staging directory could not be swept in full; what could be removed is gone.
#[derive(Debug, thiserror::Error)]
#[error("cannot sweep the staging directory")]
pub struct SweepError(#[source] io::Error);

/// What every upload of a store shares.
pub(crate) struct Shared {
    pub(crate) backend: Backend,
    pub(crate) hashed: AtomicU64,
    registry: Arc<Registry>,
    artifact_bytes_max: u64,
    // Held as long as the staging directory is ours.
    _lock: File,
}

/// Artifacts by digest. Clones share the one store.
#[derive(Clone)]
pub struct ArtifactStore(Arc<Shared>);

impl std::fmt::Debug for ArtifactStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ArtifactStore").field(&self.0.backend.objects.to_string()).finish()
    }
}

impl ArtifactStore {
    /// Opens the store, making its directories (mode 0700) where there are none. Blocks.
    ///
    /// The staging directory is released when the store, its clones, uploads and the block that
    /// is just being written are gone: not quite at the moment of the last drop.
    ///
    /// # Errors
    /// When the configuration names no usable place, or another process stages there.
    pub fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        let location = Location::parse(&config.url)?;
        Self::open_with(config, |staging| Backend::open(location, staging))
    }

    pub(crate) fn open_with(
        config: &StoreConfig,
        backend: impl FnOnce(&std::path::Path) -> Result<Backend, OpenError>,
    ) -> Result<Self, OpenError> {
        let staging: &PathBuf = &config.staging_dir;
        let failed = |source| OpenError::Io { path: staging.clone(), source };
        make_directory(staging).map_err(failed)?;
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).open(staging.join("lock"));
        let lock = lock.map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => OpenError::StagingInUse { path: staging.clone() },
            std::fs::TryLockError::Error(source) => failed(source),
        })?;
        let backend = backend(staging)?;
        let registry = Registry::open(staging.clone(), config.limits).map_err(failed)?;
        Ok(Self(Arc::new(Shared {
            backend,
            hashed: AtomicU64::new(0),
            registry: Arc::new(registry),
            artifact_bytes_max: config.limits.artifact_bytes_max,
            _lock: lock,
        })))
    }

    /// Begins the upload `id`, or resumes it where [`Upload::offset`] says.
    ///
    /// Within one process nothing is hashed twice; after a restart the staged bytes are, once.
    ///
    /// # Errors
    /// When the promise breaks a bound or differs from the one before, the upload has a writer
    /// already, or the staging file cannot be used.
    pub async fn begin(
        &self,
        id: UploadId,
        expected: Sha256Digest,
        size: u64,
    ) -> Result<Upload, BeginError> {
        let lease = self.0.registry.lease(id, Promise { expected, size })?;
        Upload::open(Arc::clone(&self.0), lease).await
    }

    /// Stores a small document durably under its digest.
    ///
    /// # Errors
    /// When it is too large or the store does not take it.
    pub async fn put_bytes(&self, bytes: &[u8]) -> Result<Stored, PutError> {
        let size = bytes.len() as u64;
        let limit = self.0.artifact_bytes_max.min(PUT_BYTES_MAX as u64);
        if size > limit {
            return Err(PutError::TooLarge { size, limit });
        }
        let failed = |error| {
            if full(&error) { PutError::Full(error) } else { PutError::Backend(error) }
        };
        let bytes = Bytes::copy_from_slice(bytes);
        let hashed = bytes.clone();
        let digests = blocking(move || Ok(Digests::of(&hashed))).await.map_err(|error| {
            failed(object_store::Error::Generic { store: "hashing", source: error.into() })
        })?;
        let created = put(&self.0.backend, &digests.sha256, bytes.clone()).await.map_err(failed)?;
        // What was there before may have rotted; these bytes have not.
        if !created && self.get_bytes(&digests.sha256, size).await.is_err() {
            let payload = PutPayload::from_bytes(bytes);
            let location = key(&digests.sha256);
            self.0.backend.objects.put(&location, payload).await.map_err(failed)?;
        }
        Ok(Stored { digests, size })
    }

    /// The size of an artifact in bytes; `None` when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn stat(&self, digest: &Sha256Digest) -> Result<Option<u64>, ReadError> {
        match self.0.backend.objects.head(&key(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(ReadError::Backend(error)),
        }
    }

    /// The size of an artifact and its bytes from `offset` on, **not verified**: whoever reads
    /// from an offset checks the digest over the whole.
    ///
    /// # Errors
    /// When there is no such artifact, the offset is past its end, or the store does not answer.
    pub async fn read(
        &self,
        digest: &Sha256Digest,
        offset: u64,
    ) -> Result<(u64, Download), ReadError> {
        let (size, blocks) =
            Blocks::open(&self.0.backend, digest, offset, Hashing::Nothing).await?;
        Ok((size, Download::new(blocks)))
    }

    /// The size of an artifact and its bytes, hashed on the way. When they are not the artifact,
    /// the stream ends in [`ReadError::Mismatch`] and whatever it gave before is void.
    ///
    /// # Errors
    /// When there is no such artifact, or the store does not answer.
    pub async fn read_verified(&self, digest: &Sha256Digest) -> Result<(u64, Download), ReadError> {
        let (size, blocks) = Blocks::open(&self.0.backend, digest, 0, Hashing::sha256()).await?;
        Ok((size, Download::new(blocks)))
    }

    /// A small artifact, verified.
    ///
    /// # Errors
    /// As for reading; also when it is larger than `limit` bytes or not what its digest says.
    pub async fn get_bytes(&self, digest: &Sha256Digest, limit: u64) -> Result<Bytes, ReadError> {
        let (size, mut blocks) =
            Blocks::open(&self.0.backend, digest, 0, Hashing::sha256()).await?;
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        let mut whole = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        while let (Some(block), rest) = blocks.next().await? {
            whole.extend_from_slice(&block);
            blocks = rest;
        }
        Ok(whole.into())
    }

    /// Reads an artifact from end to end and gives both its digests, off the async threads.
    ///
    /// # Errors
    /// As for reading; [`ReadError::Mismatch`] when the stored bytes are not the artifact.
    pub async fn rehash(&self, digest: &Sha256Digest) -> Result<Digests, ReadError> {
        let (_, mut blocks) = Blocks::open(&self.0.backend, digest, 0, Hashing::both()).await?;
        loop {
            let (block, rest) = blocks.next().await?;
            blocks = rest;
            if block.is_none() {
                return blocks.digests().ok_or(ReadError::Short { digest: *digest });
            }
        }
    }

    /// Removes staged uploads that nobody writes and nobody wrote to for `older_than`.
    ///
    /// # Errors
    /// When a file could not be removed; the others are.
    pub async fn sweep_staging(&self, older_than: Duration) -> Result<Swept, SweepError> {
        let registry = Arc::clone(&self.0.registry);
        let swept = blocking(move || registry.sweep(older_than)).await;
        swept.map(|(uploads, bytes)| Swept { uploads, bytes }).map_err(SweepError)
    }

    /// How many bytes were hashed for uploads since the store was opened.
    #[must_use]
    pub fn hashed_bytes(&self) -> u64 {
        self.0.hashed.load(Ordering::Relaxed)
    }
}

/// Runs `work` on a thread that may block; a panic there is an error here.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Whether the file system, or the user's share of it, has no room left.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn full(error: &object_store::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(is_full) {
            return true;
        }
        cause = error.source();
    }
    false
}
