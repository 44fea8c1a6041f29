//! Why a log cannot be written.

use std::{io, path::PathBuf};

use merkle::checkpoint::CheckpointError;
use object_store::Error as ObjectError;

use crate::{SourceError, store::is_denied};

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
    /// What an earlier writer left in the directory cannot be taken over.
    #[error("cannot make the files in {} durable", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Tiles are there, and no checkpoint: how much was published cannot be told.
    #[error(
        "{place} has tiles but no checkpoint, so nothing tells how much was published: restore the \
         file 'checkpoint', or publish to an empty place"
    )]
    NoCheckpoint {
        /// Where.
        place: String,
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

/// Why something was not published. Nobody was told of anything new; only after `Write` or `Broke` of
/// the checkpoint readers may see it already. [`PublishError::is_broken`] says whether the writer
/// survived.
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
    #[error(
        "{path} at {place} has other bytes than this log: another log was published there, or the file \
         is damaged; check with 'aibom ledger fsck', and if no other ledger writes there and the file \
         is beyond the published checkpoint, delete it"
    )]
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
    /// A file could not be written into a directory, and what is on the disk is not known: this
    /// writer is broken.
    #[error("cannot write {path}")]
    Broke {
        /// The file.
        path: String,
        /// What the store said.
        #[source]
        source: ObjectError,
    },
    /// An earlier write of this writer failed, or was not waited for.
    #[error("an earlier write to {place} failed or was cut short: only a new writer may go on")]
    Broken {
        /// Where.
        place: String,
    },
    /// A bucket wrote where a condition said not to.
    #[error(
        "the server of {place} ignores If-None-Match or If-Match, so nothing would keep a second ledger from \
         writing there: publish to one that knows conditional writes, or to a directory"
    )]
    Unfenced {
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
    /// A file could not be written into a bucket, or not deleted: the same writer may go on.
    #[error("cannot write {path}{}", remedy(source))]
    Write {
        /// The file.
        path: String,
        /// What the store said.
        #[source]
        source: ObjectError,
    },
}

impl PublishError {
    /// Whether the writer that gave this can do nothing more: let it go, and open another.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self, Self::Broke { .. } | Self::Broken { .. })
    }
}

/// What helps against a bucket that refuses; nothing where something else is wrong.
const fn remedy(error: &ObjectError) -> &'static str {
    if is_denied(error) {
        ": the keys are wrong, or may not; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be those of \
         somebody who may s3:PutObject and s3:DeleteObject there"
    } else {
        ""
    }
}
