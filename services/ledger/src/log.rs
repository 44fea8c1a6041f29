//! The log itself: the tree in memory, its entries on disk, and the newest signed checkpoint.
//!
//! The tree may be ahead of the checkpoint while a commit is under way; nobody sees more of it
//! than the checkpoint covers.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bundle::{ENTRY_SCHEMA, LedgerEntry, Tag};
use ids::{Sha256Digest, Timestamp, canonical};
use keys::FileKey;
use merkle::{
    Checkpoint, RangeError, TlogProof, Tree,
    checkpoint::{self, CheckpointError, VerifierKey},
    leaf_hash,
};
use store::{Batch, CommitError, Durable, ReadError};

/// Index (8 bytes, big-endian) to entry.
pub(crate) const LEAVES: &str = "leaves";
/// Commitment to index.
pub(crate) const COMMITMENTS: &str = "commitments";
/// [`CHECKPOINT`] to the newest signed note.
pub(crate) const HEAD: &str = "head";
/// The one key of [`HEAD`].
pub(crate) const CHECKPOINT: &[u8] = b"checkpoint";
/// The tables of the store.
pub const TABLES: &[&str] = &[LEAVES, COMMITMENTS, HEAD];

/// The key file is no key for checkpoints, or the origin no name for a log.
#[derive(Debug, thiserror::Error)]
pub enum SignKeyError {
    /// Checkpoints are signed with Ed25519 only.
    #[error("the ledger key is not an Ed25519 key")]
    Algorithm,
    /// The origin cannot stand in a checkpoint.
    #[error("the origin {origin:?} cannot name a log")]
    Origin {
        /// The text given.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: checkpoint::KeyError,
    },
}

/// The key that signs checkpoints, and the name that it signs under.
#[derive(Debug)]
pub struct SignKey {
    key: FileKey,
    verifier: VerifierKey,
}

impl SignKey {
    /// Names `key` after the log's `origin`.
    ///
    /// # Errors
    /// When the key is not Ed25519, or the origin is not a legal name.
    pub fn new(key: FileKey, origin: &str) -> Result<Self, SignKeyError> {
        let public = key.as_ed25519().ok_or(SignKeyError::Algorithm)?.verifying_key();
        let verifier = VerifierKey::new(origin, public)
            .map_err(|source| SignKeyError::Origin { origin: origin.to_owned(), source })?;
        Ok(Self { key, verifier })
    }

    /// What verifiers pin.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// A signed note over the tree; its signature was checked.
    pub(crate) fn sign(&self, size: u64, root: Sha256Digest) -> Result<String, CheckpointError> {
        let origin = self.verifier.name().to_owned();
        let key = self.key.as_ed25519().ok_or(CheckpointError::KeyName)?;
        let name = origin.clone();
        checkpoint::sign(&Checkpoint { origin, size, root }, key, &name)
    }
}

/// What is to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// Names the document.
    pub commitment: Sha256Digest,
    /// Names the owner to the owner.
    pub tag: Tag,
}

/// An entry with the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The entry as it was hashed.
    pub entry: Vec<u8>,
    /// Its place, the proof, and the signed checkpoint that it leads to.
    pub proof: TlogProof,
}

/// The proof of an entry under a tree size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry as it was hashed.
    pub entry: Vec<u8>,
    /// Sibling hashes, leaf to root.
    pub hashes: Vec<Sha256Digest>,
    /// The tree size that the proof leads to.
    pub size: u64,
    /// The entry's place, from 0.
    pub index: u64,
}

/// Why a proof cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// A size or index that the log does not have.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// An old size of 0, or one larger than the new size.
    #[error("the old size {old} is not 1 to the new size {new}")]
    Order {
        /// The earlier size asked for.
        old: u64,
        /// The later size asked for.
        new: u64,
    },
    /// The store could not be read.
    #[error("the ledger's store cannot be read")]
    Store(#[from] ReadError),
    /// No entry has this commitment.
    #[error("no entry has this commitment")]
    Unknown,
    /// An entry that the tree has is not in the store.
    #[error("entry {0} is missing from the ledger's store")]
    Missing(u64),
}

/// Why a group could not be appended; nothing of it is in the log, unless the store is broken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupError {
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Sign(#[from] CheckpointError),
    #[error(transparent)]
    Write(#[from] canonical::Error),
}

impl From<ReadError> for GroupError {
    fn from(error: ReadError) -> Self {
        Self::Lookup(error.into())
    }
}

/// What readers see.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) tree: Tree,
    pub(crate) size: u64,
    pub(crate) checkpoint: String,
    pub(crate) newest: Timestamp,
}

/// The log.
#[derive(Debug)]
pub struct Log {
    pub(crate) store: Durable,
    pub(crate) key: SignKey,
    pub(crate) view: RwLock<View>,
}

/// What a group adds: entry and commitment of each new leaf, and each caller's index.
struct Plan {
    new: Vec<(Sha256Digest, Vec<u8>)>,
    indexes: Vec<u64>,
}

impl Log {
    fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        self.read().checkpoint.clone()
    }

    /// Entries under the newest checkpoint.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.read().size
    }

    /// The proof of entry `index` under the tree of `size` leaves; 0 means the newest.
    ///
    /// # Errors
    /// When there is no such size or entry, or the store cannot be read. Reads the disk.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Proof, LookupError> {
        let (hashes, size) = {
            let view = self.read();
            let size = if size == 0 { view.size } else { size };
            check_size(size, view.size)?;
            (view.tree.inclusion(index, size)?, size)
        };
        Ok(Proof { entry: self.entry(index)?, hashes, size, index })
    }

    /// The proof that the tree of `new` leaves extends the one of `old` leaves.
    ///
    /// # Errors
    /// When `old` is not 1 to `new`, or the log has fewer than `new` entries.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Sha256Digest>, LookupError> {
        if old == 0 || old > new {
            return Err(LookupError::Order { old, new });
        }
        let view = self.read();
        check_size(new, view.size)?;
        Ok(view.tree.consistency(old, new)?)
    }

    /// The place of a commitment, if it is in the log. Reads the disk.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find(&self, commitment: &Sha256Digest) -> Result<Option<u64>, LookupError> {
        let found = self.store.get(COMMITMENTS, commitment.as_bytes())?;
        Ok(found.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?))))
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, LookupError> {
        let found = self.store.get(LEAVES, &index.to_be_bytes())?;
        found.ok_or(LookupError::Missing(index))
    }

    /// Appends the group in one durable commit and proves each; a commitment that is there, or
    /// twice in the group, has one index. One caller at a time (the writer). Blocks.
    pub(crate) fn append(
        &self,
        leaves: &[Leaf],
        now: Timestamp,
    ) -> Result<Vec<Appended>, GroupError> {
        // Time does not run backwards in the log, even if the machine's clock does.
        let (base, logged_at) = {
            let view = self.read();
            (view.size, now.max(view.newest))
        };
        let plan = self.plan(leaves, base, logged_at)?;
        if !plan.new.is_empty()
            && let Err(error) = self.extend(&plan, base, logged_at)
        {
            let mut view = self.write();
            view.tree = (0..base).filter_map(|index| view.tree.leaf(index)).collect();
            return Err(error);
        }
        plan.indexes.iter().map(|index| self.prove(*index)).collect()
    }

    fn plan(&self, leaves: &[Leaf], base: u64, logged_at: Timestamp) -> Result<Plan, GroupError> {
        let snapshot = self.store.snapshot()?;
        let mut plan = Plan { new: Vec::new(), indexes: Vec::with_capacity(leaves.len()) };
        let mut added = HashMap::new();
        for Leaf { commitment, tag } in leaves {
            let known = snapshot.get(COMMITMENTS, commitment.as_bytes())?;
            let index =
                match known.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?))) {
                    Some(index) => index,
                    None => match added.get(commitment) {
                        Some(index) => *index,
                        None => {
                            let schema = ENTRY_SCHEMA.to_owned();
                            let (commitment, tag) = (*commitment, *tag);
                            let entry = LedgerEntry { schema, commitment, tag, logged_at };
                            let index = base.saturating_add(plan.new.len() as u64);
                            plan.new.push((commitment, canonical::to_vec(&entry)?));
                            added.insert(commitment, index);
                            index
                        }
                    },
                };
            plan.indexes.push(index);
        }
        Ok(plan)
    }

    /// Entries and checkpoint become durable together, then visible together.
    fn extend(&self, plan: &Plan, base: u64, logged_at: Timestamp) -> Result<(), GroupError> {
        let (size, root) = {
            let mut view = self.write();
            for (_, entry) in &plan.new {
                view.tree.append(leaf_hash(entry));
            }
            (view.tree.len(), view.tree.root())
        };
        let note = self.key.sign(size, root)?;
        let mut batch = Batch::new();
        for (index, (commitment, entry)) in (base..).zip(&plan.new) {
            let index = index.to_be_bytes();
            batch = batch.create(LEAVES, index, entry.clone()).create(
                COMMITMENTS,
                commitment.as_bytes().to_vec(),
                index,
            );
        }
        self.store.commit_blocking(batch.put(HEAD, CHECKPOINT, note.clone()))?;
        let mut view = self.write();
        view.size = size;
        view.checkpoint = note;
        view.newest = logged_at;
        Ok(())
    }

    fn prove(&self, index: u64) -> Result<Appended, GroupError> {
        let (hashes, checkpoint) = {
            let view = self.read();
            let hashes = view.tree.inclusion(index, view.size).map_err(LookupError::Range)?;
            (hashes, view.checkpoint.clone())
        };
        let proof = TlogProof { extra: None, index, hashes, checkpoint };
        Ok(Appended { entry: self.entry(index)?, proof })
    }
}

/// The tree may be larger than what is published.
const fn check_size(size: u64, limit: u64) -> Result<(), RangeError> {
    if size > limit { Err(RangeError::Size { size, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
