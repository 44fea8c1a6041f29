//! Start: the tree is rebuilt from every stored entry and held against the signed checkpoint.

use std::sync::{Arc, OnceLock, RwLock};

use bundle::LedgerEntry;
use ids::{Sha256Digest, Timestamp};
use merkle::{Checkpoint, Tree, checkpoint, leaf_hash};
use rpc::CancellationToken;
use store::{Batch, CommitError, Durable, ReadError, Snapshot, Span};
use tokio::sync::watch;

use crate::{
    Head, Log, Shows, SignKey,
    log::{Shown, View},
    places::Places,
    record::{self, COMMITTED, GROUPS, HEAD, SHOWN},
};

/// How many groups are read at a time: of 1 MiB at most.
const PAGE_GROUPS: usize = 32;

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
    /// Something else is stored where this version keeps its checkpoints.
    #[error(
        "the store has no entries that this version reads, and its table {HEAD:?} has {found:?}: \
         it was written by an older version, or damaged; a new log under the same key would \
         contradict every proof of the old one. Give the new log a state directory, a key and an \
         origin of its own"
    )]
    Foreign {
        /// The first key there.
        found: String,
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
    pub fn replay(store: Durable, key: SignKey, shows: Shows) -> Result<Self, ReplayError> {
        let snapshot = store.snapshot()?;
        let view = rebuild(&snapshot)?;
        let size = view.tree.len();
        let note = |name: &[u8]| -> Result<Option<String>, ReadError> {
            Ok(snapshot.get(HEAD, name)?.map(|note| String::from_utf8_lossy(&note).into_owned()))
        };
        let committed = match note(COMMITTED)? {
            Some(note) => {
                let signed = signed(&note, &key)?;
                if signed.size != size {
                    return Err(ReplayError::Size { entries: size, signed: signed.size });
                }
                same_root(&view.tree, &signed)?;
                note
            }
            None if size == 0 => begin(&store, &snapshot, &key)?,
            None => return Err(ReplayError::NoCheckpoint { entries: size }),
        };
        let committed = Head { note: committed, size };
        // Written with the first checkpoint, and with every one that is shown.
        let shown = match note(SHOWN)? {
            Some(note) => {
                let signed = signed(&note, &key)?;
                same_root(&view.tree, &signed)?;
                Head { note, size: signed.size }
            }
            None if size == 0 => committed.clone(),
            None => return Err(ReplayError::NoCheckpoint { entries: size }),
        };
        // Without witnesses everything that is durable is shown; should there be some later, what
        // they cosign must not go back behind it.
        let shown = if shows == Shows::Committed && shown.size < size {
            store.commit_blocking(Batch::new().put(HEAD, SHOWN, committed.note.as_bytes()))?;
            committed.clone()
        } else {
            shown
        };
        drop(snapshot);
        tracing::info!(entries = size, origin = key.verifier().name(), "the stored log holds");
        Ok(Self {
            store,
            key,
            shows,
            view: RwLock::new(view),
            committed: watch::Sender::new(Arc::new(committed)),
            shown: watch::Sender::new(Shown {
                head: Arc::new(shown),
                counts: shows == Shows::Committed,
                halted: false,
            }),
            halted: CancellationToken::new(),
            reason: OnceLock::new(),
        })
    }
}

/// The checkpoint of no entries, signed, durable and shown: in an empty store only.
fn begin(store: &Durable, snapshot: &Snapshot, key: &SignKey) -> Result<String, ReplayError> {
    if let Some((found, _)) = snapshot.scan(HEAD, &Span::all(), 1)?.pop() {
        let found = String::from_utf8_lossy(&found).into_owned();
        return Err(ReplayError::Foreign { found });
    }
    let note = key.sign(0, Tree::new().root()).map_err(ReplayError::Sign)?;
    let batch = Batch::new().create(HEAD, COMMITTED, note.as_bytes());
    store.commit_blocking(batch.put(HEAD, SHOWN, note.as_bytes()))?;
    Ok(note)
}

/// The tree over every entry, each looked at.
fn rebuild(snapshot: &Snapshot) -> Result<View, ReplayError> {
    let newest = Timestamp::from_unix_ms(0);
    let mut view = View { tree: Tree::new(), places: Places::new(), newest };
    let mut span = Span::all();
    loop {
        let page = snapshot.scan(GROUPS, &span, PAGE_GROUPS)?;
        let Some((last, _)) = page.last() else { return Ok(view) };
        span = Span::all().after(last.clone());
        for (key, record) in &page {
            let index = view.tree.len();
            if record::base(key) != Some(index) {
                let detail = format!("the next stored group is under {}", place(key));
                return Err(ReplayError::Entry { index, detail });
            }
            for entry in record::entries(record) {
                take(snapshot, &mut view, entry)?;
            }
        }
    }
}

fn place(key: &[u8]) -> String {
    record::base(key).map_or_else(|| format!("{key:02x?}"), |base| base.to_string())
}

/// One more entry, which must be one, new, and no older than the one before.
fn take(snapshot: &Snapshot, view: &mut View, entry: Option<&[u8]>) -> Result<(), ReplayError> {
    let index = view.tree.len();
    let refused = |detail: String| ReplayError::Entry { index, detail };
    let entry = entry.ok_or_else(|| refused("its group ends within it".to_owned()))?;
    let parsed = LedgerEntry::parse(entry).map_err(refused)?;
    let is_at = |place| {
        record::commitment_at(snapshot, place).map(|found| found == Some(parsed.commitment))
    };
    if let Some(first) = view.places.candidate(&parsed.commitment).confirm(is_at)? {
        return Err(refused(format!("entry {first} has its commitment already")));
    }
    if parsed.logged_at < view.newest {
        return Err(refused("it was logged before the entry in front of it".to_owned()));
    }
    view.places.insert(parsed.commitment, index);
    view.newest = parsed.logged_at;
    view.tree.append(leaf_hash(entry));
    Ok(())
}

/// The checkpoint in a stored note: by this key, of this log.
fn signed(note: &str, key: &SignKey) -> Result<Checkpoint, ReplayError> {
    let origin = || key.verifier().name().to_owned();
    let signed = checkpoint::verify(note, key.verifier())
        .map_err(|source| ReplayError::Checkpoint { origin: origin(), source })?;
    if signed.origin == key.verifier().name() {
        return Ok(signed);
    }
    Err(ReplayError::Origin { stored: signed.origin, origin: origin() })
}

fn same_root(tree: &Tree, signed: &Checkpoint) -> Result<(), ReplayError> {
    let (entries, signed_size) = (tree.len(), signed.size);
    let root = tree
        .root_at(signed_size)
        .map_err(|_| ReplayError::Size { entries, signed: signed_size })?;
    if root == signed.root {
        return Ok(());
    }
    Err(ReplayError::Root { root, signed: signed.root })
}
