//! The log itself: the tree in memory, its entries on disk, and the two newest checkpoints.
//!
//! The *committed* checkpoint covers everything that is on disk. The *shown* one is what anybody
//! hears of: the committed one where there are no witnesses, else the newest that they cosigned.
//! While a commit is under way the tree is ahead of both; nobody sees more of it than is shown.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bundle::{ENTRY_SCHEMA, LedgerEntry, Tag};
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Tree, VerifierKey, checkpoint::CheckpointError, leaf_hash, tile::EntriesError};
use rpc::CancellationToken;
use store::{Batch, CommitError, Durable, ReadError, Snapshot};
use tokio::sync::watch;

use crate::{
    AppendError, SignKey,
    places::Places,
    record::{self, COMMITTED, GROUPS, HEAD, SHOWN},
};

/// What is to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// Names the document.
    pub commitment: Sha256Digest,
    /// Names the owner to the owner.
    pub tag: Tag,
}

/// A signed checkpoint and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The note, with the cosignatures that it has.
    pub note: String,
    /// Entries under it.
    pub size: u64,
}

/// What anybody hears of, and whether the log has halted.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) head: Arc<Head>,
    /// Whether entries are answered under it. One that an earlier start showed, with other witnesses
    /// or none, does not until it is known to have the quorum of now.
    pub(crate) counts: bool,
    pub(crate) halted: bool,
}

impl Shown {
    /// Whether the entry at `index` may be answered under it.
    pub(crate) fn covers(&self, index: u64) -> bool {
        self.counts && self.head.size > index
    }
}

/// Halts the log should its owner panic: nobody else would notice, and callers would wait.
pub(crate) struct HaltsOnPanic {
    log: Arc<Log>,
    who: &'static str,
}

impl HaltsOnPanic {
    pub(crate) const fn new(log: Arc<Log>, who: &'static str) -> Self {
        Self { log, who }
    }
}

impl Drop for HaltsOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.log.halt(&format!("{} panicked; start again", self.who));
        }
    }
}

/// Which checkpoints are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Each as soon as it is durable: the log has no witnesses.
    Committed,
    /// Those that a quorum of witnesses cosigned.
    Cosigned,
}

/// An entry that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) index: u64,
    pub(crate) entry: Vec<u8>,
}

/// Why a group could not be appended; nothing of it is in the log, unless the store is broken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupError {
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("the ledger's store cannot be read")]
    Read(#[from] ReadError),
    #[error("entry {0} is missing from the ledger's store")]
    Missing(u64),
    #[error(transparent)]
    Sign(#[from] CheckpointError),
    #[error(transparent)]
    Write(#[from] canonical::Error),
    #[error(transparent)]
    Record(#[from] EntriesError),
    #[error(
        "the newest entry is of {newest}, the clock here says {now}: set the clock, or wait until \
         then (docs/runbooks/ledger.md)"
    )]
    Clock { newest: Timestamp, now: Timestamp },
    #[error("the ledger has halted: {0}")]
    Halted(String),
}

/// The tree, and what belongs to it.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) tree: Tree,
    pub(crate) places: Places,
    pub(crate) newest: Timestamp,
}

/// The log.
#[derive(Debug)]
pub struct Log {
    pub(crate) store: Durable,
    pub(crate) key: SignKey,
    pub(crate) shows: Shows,
    pub(crate) view: RwLock<View>,
    pub(crate) committed: watch::Sender<Arc<Head>>,
    pub(crate) shown: watch::Sender<Shown>,
    pub(crate) halted: CancellationToken,
    pub(crate) reason: OnceLock<String>,
}

/// What a group adds, and where each caller's entry is or will be, if that could be read.
struct Plan {
    new: Vec<(Sha256Digest, Vec<u8>)>,
    indexes: Vec<Result<u64, ReadError>>,
}

/// How far the newest entry may be ahead of the clock, in milliseconds. Certificates are judged at
/// the time of an entry: one jump of the clock must not date everything after it.
const AHEAD_MS_MAX: i64 = 5 * 60 * 1000;

const fn is_ahead(newest: Timestamp, now: Timestamp) -> bool {
    newest.since_ms(now) > AHEAD_MS_MAX
}

impl Log {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key that its checkpoints are checked with.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The newest checkpoint of what is on disk; nobody else has to know of it yet.
    #[must_use]
    pub fn committed(&self) -> Arc<Head> {
        Arc::clone(&self.committed.borrow())
    }

    /// The newest checkpoint that anybody hears of: cosigned, where there are witnesses.
    #[must_use]
    pub fn shown(&self) -> Arc<Head> {
        Arc::clone(&self.shown.borrow().head)
    }

    /// Stops for good: its history is not the one that others saw, or its store broke. Every later
    /// append and read is refused. The first reason stays.
    pub fn halt(&self, reason: &str) {
        if self.reason.set(reason.to_owned()).is_ok() {
            tracing::error!(reason, "the ledger halts");
            metrics::gauge!("ledger_halted").set(1.0);
        }
        self.shown.send_modify(|shown| shown.halted = true);
        self.halted.cancel();
    }

    /// Why it stopped for good, if it did.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Cancelled when it halts.
    #[must_use]
    pub fn halting(&self) -> CancellationToken {
        self.halted.child_token()
    }

    /// Shows `head`, durably: after a restart none older is shown. One caller at a time.
    ///
    /// # Errors
    /// When the store does not take it.
    pub(crate) async fn show(&self, head: Head) -> Result<(), CommitError> {
        if head.size < self.shown().size {
            return Ok(());
        }
        self.store.commit(Batch::new().put(HEAD, SHOWN, head.note.as_bytes())).await?;
        self.shown.send_modify(|shown| {
            shown.head = Arc::new(head);
            shown.counts = true;
        });
        Ok(())
    }

    /// What is shown has the quorum of now, though it was cosigned before this start.
    pub(crate) fn shown_counts(&self) {
        self.shown.send_modify(|shown| shown.counts = true);
    }

    /// [`show`](Self::show) for what was published before this start, where what is shown is older.
    ///
    /// # Errors
    /// When the store does not take it.
    pub(crate) async fn show_at_least(&self, head: Head) -> Result<(), CommitError> {
        if head.size <= self.shown().size {
            return Ok(());
        }
        let counts = self.shown.borrow().counts;
        self.show(head).await?;
        self.shown.send_modify(|shown| shown.counts = counts);
        Ok(())
    }

    /// Appends the group in one durable commit; a commitment that is there, or twice in the group,
    /// has one index. What keeps new entries out, or one known entry from being read, keeps nobody
    /// else from an answer. One caller at a time (the writer). Blocks.
    ///
    /// # Errors
    /// When nothing can be said to anybody of the group.
    pub(crate) fn append(
        &self,
        leaves: &[Leaf],
        now: Timestamp,
    ) -> Result<Vec<Result<Placed, AppendError>>, GroupError> {
        if let Some(reason) = self.halted() {
            return Err(GroupError::Halted(reason.to_owned()));
        }
        // It breaks a moment before the log halts; until then known entries would still be answered.
        if self.store.broken().is_cancelled() {
            return Err(GroupError::Halted("the store broke".to_owned()));
        }
        let base = self.committed().size;
        let newest = self.read().newest;
        // Time does not run backwards in the log, even if the machine's clock does.
        let logged_at = now.max(newest);
        let snapshot = self.store.snapshot()?;
        let Plan { new, indexes } = self.plan(&snapshot, leaves, base, logged_at)?;
        let extended = if new.is_empty() {
            Ok(())
        } else if is_ahead(newest, now) {
            Err(GroupError::Clock { newest, now })
        } else {
            self.extend(&new, base, logged_at)
        };
        let refused = match extended {
            Ok(()) => None,
            Err(
                error @ (GroupError::Clock { .. } | GroupError::Commit(CommitError::Full { .. })),
            ) => Some(AppendError::from(error)),
            Err(error) => return Err(error),
        };
        let placed = |index: Result<u64, ReadError>| {
            let index = index.map_err(GroupError::from)?;
            let place = index.checked_sub(base).and_then(|place| usize::try_from(place).ok());
            let entry = match (place.and_then(|place| new.get(place)), &refused) {
                (Some(_), Some(refused)) => return Err(refused.clone()),
                (Some((_, entry)), None) => entry.clone(),
                (None, _) => stored(&snapshot, index)?,
            };
            Ok(Placed { index, entry })
        };
        Ok(indexes.into_iter().map(placed).collect())
    }

    /// Whether new entries are kept out at `now`, by the clock of this machine.
    pub(crate) fn is_ahead_of(&self, now: Timestamp) -> bool {
        is_ahead(self.read().newest, now)
    }

    fn plan(
        &self,
        snapshot: &Snapshot,
        leaves: &[Leaf],
        base: u64,
        logged_at: Timestamp,
    ) -> Result<Plan, GroupError> {
        let mut plan = Plan { new: Vec::new(), indexes: Vec::with_capacity(leaves.len()) };
        let mut added = HashMap::with_capacity(leaves.len());
        // The disk is read without the lock: a slow page must not hold up who makes proofs.
        let candidates: Vec<_> = {
            let view = self.read();
            leaves.iter().map(|leaf| view.places.candidate(&leaf.commitment)).collect()
        };
        for (Leaf { commitment, tag }, candidate) in leaves.iter().zip(candidates) {
            let is_at = |place| {
                record::commitment_at(snapshot, place).map(|found| found == Some(*commitment))
            };
            let known = candidate.confirm(is_at).transpose();
            let known = known.or_else(|| added.get(commitment).copied().map(Ok));
            plan.indexes.push(match known {
                Some(index) => index,
                None => {
                    let schema = ENTRY_SCHEMA.to_owned();
                    let (commitment, tag) = (*commitment, *tag);
                    let entry = LedgerEntry { schema, commitment, tag, logged_at };
                    let index = base.saturating_add(plan.new.len() as u64);
                    // It has no numbers: the quick way of writing it is canonical.
                    plan.new.push((commitment, canonical::rewrite(&entry)?));
                    added.insert(commitment, index);
                    Ok(index)
                }
            });
        }
        Ok(plan)
    }

    /// [`commit_new`](Self::commit_new), and the tree as it was where that fails.
    fn extend(
        &self,
        new: &[(Sha256Digest, Vec<u8>)],
        base: u64,
        logged_at: Timestamp,
    ) -> Result<(), GroupError> {
        let extended = self.commit_new(new, base, logged_at);
        if extended.is_err() {
            self.write().tree.truncate(base);
        }
        extended
    }

    /// Entries and checkpoint become durable together, then known together.
    fn commit_new(
        &self,
        new: &[(Sha256Digest, Vec<u8>)],
        base: u64,
        logged_at: Timestamp,
    ) -> Result<(), GroupError> {
        let hashes: Vec<_> = new.iter().map(|(_, entry)| leaf_hash(entry)).collect();
        let (size, root) = {
            let mut view = self.write();
            for hash in hashes {
                view.tree.append(hash);
            }
            (view.tree.len(), view.tree.root())
        };
        let note = self.key.sign(size, root)?;
        let record = record::encode(new.iter().map(|(_, entry)| entry.as_slice()))?;
        let mut batch = Batch::new().create(GROUPS, record::key(base), record).put(
            HEAD,
            COMMITTED,
            note.as_bytes(),
        );
        if self.shows == Shows::Committed {
            batch = batch.put(HEAD, SHOWN, note.as_bytes());
        }
        self.store.commit_blocking(batch)?;
        {
            let mut view = self.write();
            for (index, (commitment, _)) in (base..).zip(new) {
                view.places.insert(*commitment, index);
            }
            view.newest = logged_at;
        }
        let head = Arc::new(Head { note, size });
        if self.shows == Shows::Committed {
            self.shown.send_modify(|shown| shown.head = Arc::clone(&head));
        }
        self.committed.send_replace(head);
        Ok(())
    }
}

/// A known entry, from disk.
fn stored(snapshot: &Snapshot, index: u64) -> Result<Vec<u8>, GroupError> {
    record::read(snapshot, index, 1)?.pop().ok_or(GroupError::Missing(index))
}

#[cfg(test)]
mod tests;
