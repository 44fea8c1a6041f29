//! Start: the tree is rebuilt from every stored entry and held against the signed checkpoint.

use std::sync::RwLock;

use bundle::{ENTRY_SCHEMA, LedgerEntry, MAX_ENTRY_BYTES};
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Tree, checkpoint, leaf_hash};
use store::{Batch, CommitError, Durable, ReadError, Snapshot, Span};

use crate::log::{CHECKPOINT, COMMITMENTS, HEAD, LEAVES, Log, SignKey, View};

/// How many entries are read at a time.
const PAGE_ENTRIES: usize = 4096;

/// Why a stored log is not taken up again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The store cannot be read.
    #[error("the ledger's store cannot be read")]
    Read(#[from] ReadError),
    /// The first checkpoint could not be written.
    #[error("the first checkpoint could not be written")]
    Write(#[from] CommitError),
    /// The first checkpoint could not be signed.
    #[error("the first checkpoint could not be signed")]
    Sign(#[source] checkpoint::CheckpointError),
    /// An entry is missing, or is none.
    #[error("the stored entry {index} is not what was logged: {detail}")]
    Entry {
        /// Its place, from 0.
        index: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// There are entries but no checkpoint.
    #[error("the store has {entries} entries but no checkpoint: it was damaged or rolled back")]
    NoCheckpoint {
        /// How many.
        entries: u64,
    },
    /// The checkpoint is not by this key, or its text was changed.
    #[error("the stored checkpoint is not one of {origin}'s own: was the key or origin changed?")]
    Checkpoint {
        /// The log's name.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: checkpoint::CheckpointError,
    },
    /// Another log's checkpoint.
    #[error("the stored checkpoint is of the log {stored:?}, this one is {origin:?}")]
    Origin {
        /// The name in the checkpoint.
        stored: String,
        /// This log's name.
        origin: String,
    },
    /// The checkpoint covers another number of entries.
    #[error(
        "{entries} entries are stored, the checkpoint signed {signed}: entries were lost or added"
    )]
    Size {
        /// Entries found.
        entries: u64,
        /// Entries under the checkpoint.
        signed: u64,
    },
    /// The entries give another root.
    #[error(
        "the stored entries give root {root}, the checkpoint signed {signed}: they were changed"
    )]
    Root {
        /// The root over the stored entries.
        root: Sha256Digest,
        /// The root under the checkpoint.
        signed: Sha256Digest,
    },
}

impl Log {
    /// Takes up the log in `store`, or begins one in an empty store. Blocks; reads every entry.
    ///
    /// # Errors
    /// When the stored entries are not exactly those that the stored checkpoint was signed over.
    pub fn replay(store: Durable, key: SignKey) -> Result<Self, ReplayError> {
        let snapshot = store.snapshot()?;
        let (tree, newest) = rebuild(&snapshot)?;
        let checkpoint = match snapshot.get(HEAD, CHECKPOINT)? {
            Some(note) => {
                let note = String::from_utf8_lossy(&note).into_owned();
                compare(&note, &tree, &key)?;
                note
            }
            None if tree.is_empty() => {
                let note = key.sign(0, tree.root()).map_err(ReplayError::Sign)?;
                store.commit_blocking(Batch::new().create(HEAD, CHECKPOINT, note.clone()))?;
                note
            }
            None => return Err(ReplayError::NoCheckpoint { entries: tree.len() }),
        };
        drop(snapshot);
        let size = tree.len();
        tracing::info!(entries = size, origin = key.verifier().name(), "the stored log holds");
        let view = RwLock::new(View { tree, size, checkpoint, newest });
        Ok(Self { store, key, view })
    }
}

/// The tree over every entry, each looked at, and the newest entry's time.
fn rebuild(snapshot: &Snapshot) -> Result<(Tree, Timestamp), ReplayError> {
    let (mut tree, mut newest) = (Tree::new(), Timestamp::from_unix_ms(0));
    let mut span = Span::all();
    loop {
        let page = snapshot.scan(LEAVES, &span, PAGE_ENTRIES)?;
        let Some((last, _)) = page.last() else { return Ok((tree, newest)) };
        span = Span::all().after(last.clone());
        for (key, entry) in &page {
            let index = tree.len();
            let refused = |detail: String| ReplayError::Entry { index, detail };
            if *key != index.to_be_bytes() {
                return Err(refused(format!("the next stored key is {key:02x?}")));
            }
            let parsed: LedgerEntry = canonical::from_slice(entry, MAX_ENTRY_BYTES)
                .map_err(|error| refused(error.to_string()))?;
            if parsed.schema != ENTRY_SCHEMA {
                return Err(refused(format!("the schema is {:?}", parsed.schema)));
            }
            let indexed = snapshot.get(COMMITMENTS, parsed.commitment.as_bytes())?;
            if indexed.as_deref() != Some(&index.to_be_bytes()) {
                return Err(refused("its commitment is indexed elsewhere".to_owned()));
            }
            newest = newest.max(parsed.logged_at);
            tree.append(leaf_hash(entry));
        }
    }
}

fn compare(note: &str, tree: &Tree, key: &SignKey) -> Result<(), ReplayError> {
    let origin = || key.verifier().name().to_owned();
    let signed = checkpoint::verify(note, key.verifier())
        .map_err(|source| ReplayError::Checkpoint { origin: origin(), source })?;
    if signed.origin != key.verifier().name() {
        return Err(ReplayError::Origin { stored: signed.origin, origin: origin() });
    }
    if signed.size != tree.len() {
        return Err(ReplayError::Size { entries: tree.len(), signed: signed.size });
    }
    if signed.root != tree.root() {
        return Err(ReplayError::Root { root: tree.root(), signed: signed.root });
    }
    Ok(())
}
