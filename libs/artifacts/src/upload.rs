//! One upload: chunks in, one pass of hashing and writing off the async threads, a stored artifact out.

use std::{fs::File, io, path::Path, sync::Arc};

use bytes::Bytes;
use ids::{Digests, Sha256Digest};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    names::UploadId,
    publish::{publish_local, publish_remote},
    registry::{BeginError, Lease, Slot, lock},
    staged::Staged,
    store::{Shared, Stored, blocking, is_full},
};

/// Chunks are gathered into blocks of at least this size before they are written, in bytes.
const BLOCK_BYTES: usize = 2 * 1024 * 1024;

/// The most chunks in one block, so that tiny ones do not cost more than their bytes.
const BLOCK_CHUNKS: usize = 1024;

/// Why bytes were not taken.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// More bytes came than were promised. What was staged is discarded.
    #[error("the upload is longer than the {size} bytes promised")]
    TooLong {
        /// Bytes promised.
        size: u64,
    },
    /// The disk is full. What was staged stays; drop the upload and resume it when there is room.
    #[error("the staging disk is full")]
    Full(#[source] io::Error),
    /// The disk failed. What was staged stays; drop the upload and resume it.
    #[error("cannot write the staged bytes")]
    Io(#[source] io::Error),
    /// An earlier call failed: drop the upload and resume it.
    #[error("the upload stopped at an earlier error")]
    Stopped,
}

/// Why an upload did not become an artifact.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// Fewer bytes came than were promised. What was staged is discarded.
    #[error("expected {expected} bytes, got {got}")]
    Size {
        /// Bytes promised.
        expected: u64,
        /// Bytes that came.
        got: u64,
    },
    /// The bytes are others than were promised. What was staged is discarded.
    #[error("expected SHA-256 {expected}, got {got}")]
    Digest {
        /// The digest promised.
        expected: Sha256Digest,
        /// The digest of what came.
        got: Sha256Digest,
    },
    /// The last bytes could not be written. What was staged before stays, to be resumed.
    #[error("the last bytes could not be written")]
    Write(#[source] WriteError),
    /// The store's disk is full. What was staged stays, to be resumed.
    #[error("the store is full")]
    Full(#[source] io::Error),
    /// The staged bytes could not be made durable, and are discarded.
    #[error("cannot make the artifact durable")]
    Io(#[source] io::Error),
    /// The bucket did not take the bytes. What was staged stays, to be resumed.
    #[error("the object store did not take the artifact")]
    Backend(#[source] object_store::Error),
}

/// The one writer of an upload. Dropping it keeps what was written, to be resumed under its id.
///
/// It holds at most two blocks of 2 MiB (and one chunk): one that gathers, one that is written.
pub struct Upload {
    store: Arc<Shared>,
    lease: Option<Lease>,
    writer: u64,
    promised: u64,
    offset: u64,
    block: Vec<Bytes>,
    block_bytes: usize,
    writing: Option<JoinHandle<io::Result<bool>>>,
    syncing: Option<JoinHandle<io::Result<()>>>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Upload {
    /// Opens what is staged under the lease; hashes it if this process has not.
    pub(crate) async fn open(store: Arc<Shared>, lease: Lease) -> Result<Self, BeginError> {
        let shared = Arc::clone(&store);
        let opened = blocking(move || {
            // Waits here for a block that the writer before left behind.
            let mut slot = lock(&lease.slot);
            let size = lease.promise.size;
            let mut staged = match slot.take() {
                Some(staged) => staged,
                None => Staged::open(lease.path.clone(), size, &shared.hashed)?,
            };
            let (offset, writer) = (staged.written(), staged.take_over());
            *slot = Some(staged);
            drop(slot);
            Ok((lease, offset, writer))
        });
        let (lease, offset, writer) = opened.await.map_err(|error| {
            if is_full(&error) { BeginError::Full(error) } else { BeginError::Io(error) }
        })?;
        Ok(Self {
            store,
            promised: lease.promise.size,
            lease: Some(lease),
            writer,
            offset,
            block: Vec::new(),
            block_bytes: 0,
            writing: None,
            syncing: None,
        })
    }

    /// How many bytes were taken so far: right after `begin`, where the sender continues.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes were promised.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.promised
    }

    /// The id under which the upload can be resumed; `None` once it has failed.
    #[must_use]
    pub fn id(&self) -> Option<UploadId> {
        self.lease.as_ref().map(|lease| lease.id)
    }

    /// Takes the next bytes. Waits while the disk is behind.
    ///
    /// # Errors
    /// When there are more than promised, or the disk is full or fails. The upload is then over;
    /// what the variant says about the staged bytes holds.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), WriteError> {
        if self.lease.is_none() {
            return Err(WriteError::Stopped);
        }
        if chunk.is_empty() {
            return Ok(());
        }
        let offset = self.offset.saturating_add(chunk.len() as u64);
        if offset > self.promised {
            self.discard().await;
            return Err(WriteError::TooLong { size: self.promised });
        }
        self.offset = offset;
        self.block_bytes = self.block_bytes.saturating_add(chunk.len());
        self.block.push(chunk);
        if self.block_bytes >= BLOCK_BYTES || self.block.len() >= BLOCK_CHUNKS {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes what is gathered so far, so that the sender goes on from the offset returned.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub async fn suspend(mut self) -> Result<u64, WriteError> {
        self.flush().await?;
        self.settle().await?;
        Ok(self.offset)
    }

    /// Verifies length and digest and stores the artifact durably under its digest.
    ///
    /// Once the bytes are verified, dropping the future does not undo it.
    ///
    /// # Errors
    /// When the bytes are not those promised, or cannot be stored.
    pub async fn finish(mut self) -> Result<Stored, FinishError> {
        self.flush().await.map_err(FinishError::Write)?;
        self.settle().await.map_err(FinishError::Write)?;
        let stopped = || FinishError::Write(WriteError::Stopped);
        let lease = self.lease.take().ok_or_else(stopped)?;
        let root = self.store.backend.root.clone();
        let finish = move || Ok(finish_staged(lease, root.as_deref()));
        match blocking(finish).await.map_err(FinishError::Io)?? {
            Finished::Stored(stored) => Ok(stored),
            Finished::Verified { lease, file, stored } => {
                publish_remote(&self.store.backend, file, &stored.digests.sha256, stored.size)
                    .await
                    .map_err(FinishError::Backend)?;
                remove(lease).await;
                Ok(stored)
            }
        }
    }

    /// Hands the gathered block over to a blocking thread, after the one before it.
    async fn flush(&mut self) -> Result<(), WriteError> {
        self.settle().await?;
        let slot = self.slot()?;
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.block);
        self.block_bytes = 0;
        let (store, writer) = (Arc::clone(&self.store), self.writer);
        self.writing = Some(spawn_blocking(move || match lock(&slot).as_mut() {
            Some(staged) if staged.is_writer(writer) => staged.append(&block, &store.hashed),
            _ => Err(io::Error::other("another writer took over")),
        }));
        Ok(())
    }

    /// Waits for the block that is being written, and begins a sync now and then, so that the disk
    /// works while bytes still come and the last sync is short.
    async fn settle(&mut self) -> Result<(), WriteError> {
        let Some(writing) = self.writing.as_mut() else {
            return Ok(());
        };
        let written = writing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        self.writing = None;
        match written {
            Ok(true) => self.begin_sync().await,
            Ok(false) => Ok(()),
            Err(error) => Err(self.stop(error)),
        }
    }

    async fn begin_sync(&mut self) -> Result<(), WriteError> {
        if let Some(syncing) = self.syncing.as_mut() {
            let synced = syncing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
            self.syncing = None;
            synced.map_err(|error| self.stop(error))?;
        }
        let slot = self.slot()?;
        self.syncing = Some(spawn_blocking(move || {
            let syncer = lock(&slot).as_ref().map(Staged::syncer);
            syncer.map_or(Ok(()), |syncer| syncer.sync())
        }));
        Ok(())
    }

    fn slot(&self) -> Result<Slot, WriteError> {
        self.lease.as_ref().map(|lease| Arc::clone(&lease.slot)).ok_or(WriteError::Stopped)
    }

    fn stop(&mut self, error: io::Error) -> WriteError {
        self.lease = None;
        if is_full(&error) { WriteError::Full(error) } else { WriteError::Io(error) }
    }

    async fn discard(&mut self) {
        // Whatever the block in flight says, it goes too.
        let _settled = self.settle().await;
        if let Some(lease) = self.lease.take() {
            remove(lease).await;
        }
    }
}

/// Removes what was staged; a file that cannot be removed is logged, and swept later.
async fn remove(lease: Lease) {
    let discard = move || {
        lease.discard();
        Ok(())
    };
    let _logged = blocking(discard).await;
}

enum Finished {
    Stored(Stored),
    /// Verified, and still to be sent to the bucket.
    Verified {
        lease: Lease,
        file: Arc<File>,
        stored: Stored,
    },
}

/// Verifies the staged bytes and, in a local store, publishes them. Blocks.
fn finish_staged(lease: Lease, root: Option<&Path>) -> Result<Finished, FinishError> {
    let Some(staged) = lock(&lease.slot).take() else {
        return Err(FinishError::Write(WriteError::Stopped));
    };
    let digests: Digests = staged.digests();
    let (expected, promised) = (lease.promise.expected, lease.promise.size);
    let got = staged.written();
    if got != promised {
        lease.discard();
        return Err(FinishError::Size { expected: promised, got });
    }
    if digests.sha256 != expected {
        lease.discard();
        return Err(FinishError::Digest { expected, got: digests.sha256 });
    }
    let stored = Stored { digests, size: promised };
    let Some(root) = root else {
        return Ok(Finished::Verified { lease, file: Arc::clone(staged.file()), stored });
    };
    match publish_local(&staged, root, &expected) {
        Ok(()) => {
            lease.moved();
            Ok(Finished::Stored(stored))
        }
        Err(error) if is_full(&error) => {
            *lock(&lease.slot) = Some(staged);
            Err(FinishError::Full(error))
        }
        Err(error) => {
            lease.discard();
            Err(FinishError::Io(error))
        }
    }
}
