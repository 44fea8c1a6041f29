//! The one writer of a published log.
//!
//! Tiles and entry bundles are durable before the checkpoint that needs them is written, so a crash
//! leaves files that nobody was told of, and never a checkpoint without its files. A local directory
//! is locked for as long as the writer is; a bucket cannot be, so there the checkpoint is written
//! only over the one that this writer wrote or found (`If-Match`), and the loser of a race knows.

use std::{io, path::PathBuf};

use merkle::{
    Checkpoint, SignedCheckpoint, VerifierKey,
    checkpoint::{CheckpointError, MAX_NOTE_BYTES},
    tile::{CHECKPOINT_PATH, Question},
};
use object_store::{Error as ObjectError, PutMode, PutPayload, UpdateVersion, path::Path};

use crate::{
    Content, Published, SourceError, TileStore,
    lock::{Lock, LockError},
    publish::{publish, sweep},
};

/// The most partial files that one sweep deletes.
const SWEPT_MAX: usize = 4096;
/// How far back a new writer looks for partial files to sweep, in entries.
const SWEEP_BACK: u64 = 1 << 16;

/// Why there is no writer.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// Another writer has the directory.
    #[error("the log at {place} is being written by {holder}: stop it first")]
    Held {
        /// The directory.
        place: String,
        /// Who has it, as it named itself.
        holder: String,
    },
    /// The lock's file cannot be used.
    #[error("cannot use the lock file {}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// What is published cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What is published is not this log's.
    #[error("the checkpoint that is published at {place} is not by {key}")]
    Foreign {
        /// Where.
        place: String,
        /// The log's verifier key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
}

/// Why something was not published; nobody was told of anything new.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The new checkpoint is not by the log's key, or of another origin.
    #[error("the checkpoint to be published is not by the log's key")]
    Checkpoint(#[source] CheckpointError),
    /// The new checkpoint covers less than what is published.
    #[error("{published} entries are published, the new checkpoint has {offered}: it goes back")]
    Back {
        /// Entries under the published checkpoint.
        published: u64,
        /// Entries under the new one.
        offered: u64,
    },
    /// What the log has does not lead to the published or to the new checkpoint.
    #[error(
        "the log does not have the root of the checkpoint of {size} entries: it was rolled back or forked"
    )]
    Root {
        /// The checkpoint's size, in entries.
        size: u64,
    },
    /// A file is there with other bytes.
    #[error("{path} at {place} has other bytes than this log: another log was published there")]
    Diverged {
        /// The file.
        path: String,
        /// Where.
        place: String,
    },
    /// Another writer published in between.
    #[error("another writer published {found} at {place}: only one may run")]
    Superseded {
        /// Its checkpoint: origin and size, or what there is instead.
        found: String,
        /// Where.
        place: String,
    },
    /// The log could not say what to publish.
    #[error("the log cannot provide {path}")]
    Content {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is there could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file could not be written or deleted.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: String,
        /// What the store said.
        #[source]
        source: ObjectError,
    },
}

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
    _lock: Option<Lock>,
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
        let published = head.as_ref().map_or(0, |head| head.checkpoint.size);
        let swept = published.saturating_sub(SWEEP_BACK);
        Ok(Self { store, key, head, swept, _lock: lock })
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
    /// published size may have other signature lines; nothing else of it changes.
    ///
    /// # Errors
    /// When the note would go back, the log does not have the published or the new root, a file is
    /// there with other bytes, another writer was there, or the store fails. Asking again is safe.
    pub async fn publish(
        &mut self,
        content: &dyn Content,
        note: &str,
    ) -> Result<Published, PublishError> {
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
        if self.note() == Some(note) {
            return Ok(Published::default());
        }
        let written = publish(&self.store, content, published, checkpoint.size).await?;
        let version = self.put_checkpoint(note).await?;
        self.head = Some(Head { note: note.to_owned(), checkpoint, version });
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

    /// Writes the checkpoint over the one that this writer knows, and nothing else.
    async fn put_checkpoint(&self, note: &str) -> Result<UpdateVersion, PublishError> {
        let mode = match (&self.head, &self.store.root) {
            // Under the lock; the file is replaced by a rename, so readers see one or the other.
            (_, Some(_)) => PutMode::Overwrite,
            (None, None) => PutMode::Create,
            (Some(head), None) => PutMode::Update(head.version.clone()),
        };
        let payload = PutPayload::from(note.to_owned());
        let path = Path::from(CHECKPOINT_PATH);
        match self.store.objects.put_opts(&path, payload, mode.into()).await {
            Ok(put) => Ok(put.into()),
            Err(ObjectError::Precondition { .. } | ObjectError::AlreadyExists { .. }) => {
                let found = self.store.find(CHECKPOINT_PATH, MAX_NOTE_BYTES).await?;
                match found {
                    // Ours: it was written, and the answer was lost.
                    Some(found) if found.bytes == note.as_bytes() => Ok(found.version),
                    found => Err(self.superseded(found.map(|found| found.bytes.to_vec()))),
                }
            }
            Err(source) => Err(PublishError::Write { path: CHECKPOINT_PATH.to_owned(), source }),
        }
    }

    fn superseded(&self, found: Option<Vec<u8>>) -> PublishError {
        let note = found.and_then(|bytes| String::from_utf8(bytes).ok());
        let head = note.and_then(|note| SignedCheckpoint::parse(&note).ok());
        let found = head.map_or_else(
            || "no checkpoint".to_owned(),
            |head| format!("{} of {} entries", head.unverified().origin, head.unverified().size),
        );
        PublishError::Superseded { found, place: self.store.place.clone() }
    }
}

/// The checkpoint, when it is by this log's key and of its origin.
pub(crate) fn verify(note: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
    let checkpoint = merkle::checkpoint::verify(note, key)?;
    if checkpoint.origin == key.name() { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
}
