//! The one writer of a published log.
//!
//! Tiles and entry bundles are durable before the checkpoint that needs them is written, so a crash
//! leaves files that nobody was told of, and never a checkpoint without its files. A local directory
//! is locked for as long as the writer is; a bucket cannot be, so there the checkpoint is written
//! only over the one that this writer wrote or found (`If-Match`), and the loser of a race knows.
//!
//! In a directory a write that failed, or that nobody waited for, leaves it unknown what is on the
//! disk: the writer is broken then, and only another one, which begins with what is there, goes on.

mod fenced;

use std::{collections::BTreeSet, io, path::PathBuf, sync::Arc};

use ids::Sha256Digest;

use merkle::{
    Checkpoint, SignedCheckpoint, VerifierKey,
    checkpoint::{CheckpointError, MAX_NOTE_BYTES, MAX_SIGNATURES, SignatureLine},
    tile::{CHECKPOINT_PATH, Question},
};
use object_store::{Error as ObjectError, ObjectStoreExt as _, UpdateVersion, path::Path};

use crate::{
    Content, PublishError, Published, TileStore, WriterError,
    disk::take_over,
    lock::{Lock, LockError},
    publish::{publish, sweep},
};

/// Says, beside tiles without a checkpoint, that the first publication was cut short; else somebody
/// took the checkpoint away.
const FIRST_PATH: &str = ".first-publication";
/// The most bytes that are read of it.
const FIRST_BYTES_MAX: usize = 64;
/// The most partial files that one sweep deletes.
const SWEPT_MAX: usize = 4096;
/// How far back a new writer looks for partial files to sweep, in entries.
const SWEEP_BACK: u64 = 1 << 16;

/// The published checkpoint, as the writer knows it.
#[derive(Debug)]
struct Head {
    note: String,
    checkpoint: Checkpoint,
    version: UpdateVersion,
}

/// The one writer.
#[derive(Debug)]
pub struct Writer {
    store: TileStore,
    key: VerifierKey,
    head: Option<Head>,
    /// Up to which size partial files were swept.
    swept: u64,
    /// Of a directory; a write that goes on when nobody waits for it holds it too.
    lock: Option<Arc<Lock>>,
    /// Digests of the notes that a bucket may have got though its answer did not come.
    attempted: BTreeSet<Sha256Digest>,
    /// Whether it is known what is in the directory.
    broken: bool,
    /// Whether the mark of a first publication is there.
    marked: bool,
}

impl Writer {
    /// Takes up what is published in `store` by the log of `key`; `who` is told to a second writer.
    ///
    /// # Errors
    /// When another writer has the directory, or what is published there is not by `key`.
    pub async fn open(store: TileStore, key: VerifierKey, who: &str) -> Result<Self, WriterError> {
        let lock = store.root.as_deref().map(|root| Lock::take(root, who)).transpose();
        let lock = lock.map_err(|error| match error {
            LockError::Held { holder } => WriterError::Held { place: store.place.clone(), holder },
            LockError::Io { path, source } => WriterError::Lock { path, source },
        })?;
        if let Some(path) = store.root.clone() {
            let root = path.clone();
            let taken = tokio::task::spawn_blocking(move || take_over(&root)).await;
            let taken = taken.map_err(io::Error::from).flatten();
            let deleted = taken.map_err(|source| WriterError::Directory { path, source })?;
            if deleted > 0 {
                tracing::info!(deleted, place = store.place, "unfinished files were deleted");
            }
        }
        let head = match store.find(CHECKPOINT_PATH, MAX_NOTE_BYTES).await? {
            None => None,
            Some(found) => {
                let note = String::from_utf8_lossy(&found.bytes).into_owned();
                let checkpoint = verify(&note, &key).map_err(|source| WriterError::Foreign {
                    place: store.place.clone(),
                    key: key.to_string(),
                    source,
                })?;
                Some(Head { note, checkpoint, version: found.version })
            }
        };
        let marked = store.find(FIRST_PATH, FIRST_BYTES_MAX).await?.is_some();
        if head.is_none() && !marked && store.has_tiles().await? {
            return Err(WriterError::NoCheckpoint { place: store.place });
        }
        let published = head.as_ref().map_or(0, |head| head.checkpoint.size);
        let swept = published.saturating_sub(SWEEP_BACK);
        let (lock, attempted, broken) = (lock.map(Arc::new), BTreeSet::new(), false);
        Ok(Self { store, key, head, swept, lock, attempted, broken, marked })
    }

    /// The directory that it writes, without links and relative parts; `None` for a bucket.
    #[must_use]
    pub fn directory(&self) -> Option<PathBuf> {
        self.store.root.as_deref().and_then(|root| std::fs::canonicalize(root).ok())
    }

    /// The checkpoint that is published: a log that has less was rolled back.
    #[must_use]
    pub fn published(&self) -> Option<&Checkpoint> {
        self.head.as_ref().map(|head| &head.checkpoint)
    }

    /// The published checkpoint with all its signature lines.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.head.as_ref().map(|head| head.note.as_str())
    }

    /// Publishes what `content` has up to the signed checkpoint `note`, and the note last. One of the
    /// published size may have more signature lines; one that lacks a published line is not written,
    /// unless it is full of others.
    ///
    /// # Errors
    /// When the note would go back, the log does not have the published or the new root, a file is
    /// there with other bytes, another writer was there, or the store fails. Asking again is safe. In
    /// a directory a failed write is `Broke`, and after it, or when this was not waited for, every
    /// answer is `Broken`.
    pub async fn publish(
        &mut self,
        content: &dyn Content,
        note: &str,
    ) -> Result<Published, PublishError> {
        if self.broken {
            return Err(PublishError::Broken { place: self.store.place.clone() });
        }
        let checkpoint = verify(note, &self.key).map_err(PublishError::Checkpoint)?;
        let published = self.published().map_or(0, |head| head.size);
        if checkpoint.size < published {
            return Err(PublishError::Back { published, offered: checkpoint.size });
        }
        for known in self.published().into_iter().chain([&checkpoint]) {
            let root = Question::root(known.size)
                .answer_from_nodes(|level, index| content.node(level, index));
            if root.as_deref() != Some(&[known.root]) {
                return Err(PublishError::Root { size: known.size });
            }
        }
        if self.head.as_ref().is_some_and(|head| {
            head.note == note || (checkpoint.size == published && lacks_a_line(note, &head.note))
        }) {
            return Ok(Published::default());
        }
        // From here to the end it is not known what is in a directory.
        self.broken = self.lock.is_some();
        match self.write(content, published, note, checkpoint).await {
            Err(PublishError::Write { path, source }) if self.broken => {
                Err(PublishError::Broke { path, source })
            }
            ended => {
                self.broken = false;
                ended
            }
        }
    }

    async fn write(
        &mut self,
        content: &dyn Content,
        published: u64,
        note: &str,
        checkpoint: Checkpoint,
    ) -> Result<Published, PublishError> {
        if self.head.is_none() {
            self.begin().await?;
        }
        let written = publish(&self.store, content, published, checkpoint.size).await?;
        let version = match (&self.lock, &self.store.root) {
            (Some(lock), Some(root)) => {
                self.replace_checkpoint(Arc::clone(lock), root.join(CHECKPOINT_PATH), note).await?
            }
            _ => self.put_checkpoint(note, &checkpoint).await?,
        };
        self.head = Some(Head { note: note.to_owned(), checkpoint, version });
        if self.marked {
            // It only matters without a checkpoint; the next publication tries again.
            self.marked = self.store.objects.delete(&Path::from(FIRST_PATH)).await.is_err();
        }
        Ok(written)
    }

    /// Deletes partial files whose full ones are published, at most 4,096; gives how many. Readers of
    /// an older checkpoint take the full ones.
    ///
    /// # Errors
    /// When the store cannot list or delete.
    pub async fn sweep(&mut self) -> Result<usize, PublishError> {
        let published = self.published().map_or(0, |head| head.size);
        let swept = sweep(&self.store, self.swept, published, SWEPT_MAX).await?;
        if swept < SWEPT_MAX {
            self.swept = published;
        }
        Ok(swept)
    }

    /// Exchanges the checkpoint in a directory. What writes it holds the lock for as long as it
    /// writes, whether this is waited for or not.
    async fn replace_checkpoint(
        &self,
        lock: Arc<Lock>,
        path: PathBuf,
        note: &str,
    ) -> Result<UpdateVersion, PublishError> {
        let (disk, bytes) = (Arc::clone(&self.store.disk), note.to_owned());
        let writing = tokio::task::spawn_blocking(move || {
            let written = disk.replace(&path, bytes.as_bytes());
            drop(lock);
            written
        });
        let written = writing.await.map_err(io::Error::from).flatten();
        written.map_err(|source| PublishError::Write {
            path: CHECKPOINT_PATH.to_owned(),
            source: ObjectError::Generic { store: "directory", source: Box::new(source) },
        })?;
        Ok(UpdateVersion { e_tag: None, version: None })
    }
}

/// The checkpoint, when it is by this log's key and of its origin.
pub(crate) fn verify(note: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
    let checkpoint = merkle::checkpoint::verify(note, key)?;
    if checkpoint.origin == key.name() { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
}

/// Whether a signer of `published` did not sign `note`, for no better reason than that it has no room
/// for more lines, and one that is new.
fn lacks_a_line(note: &str, published: &str) -> bool {
    let (Ok(note), Ok(published)) =
        (SignedCheckpoint::parse(note), SignedCheckpoint::parse(published))
    else {
        return false;
    };
    let lacks = |one: &SignedCheckpoint, other: &SignedCheckpoint| {
        let has = |wanted: &SignatureLine| {
            let signer =
                |line: &SignatureLine| (&line.name, line.key_id) == (&wanted.name, wanted.key_id);
            one.signatures().iter().any(signer)
        };
        other.signatures().iter().any(|line| !has(line))
    };
    let gains = note.signatures().len() == MAX_SIGNATURES && lacks(&published, &note);
    lacks(&note, &published) && !gains
}
