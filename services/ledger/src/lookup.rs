//! Reading the log: entries, and proofs under what is shown.

use ids::Sha256Digest;
use merkle::{RangeError, TlogProof};
use store::ReadError;

use crate::{
    Head, Log,
    log::Placed,
    record::{commitment_at, read},
};

/// An entry with the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The entry as it was hashed.
    pub entry: Vec<u8>,
    /// Its place, the proof, and the checkpoint that it leads to.
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

impl Log {
    /// The proof of entry `index` under the tree of `size` leaves; 0 means the newest shown.
    ///
    /// # Errors
    /// When there is no such size or entry, or the store cannot be read. Reads the disk.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Proof, LookupError> {
        let limit = self.shown().size;
        let size = if size == 0 { limit } else { size };
        check_size(size, limit)?;
        let hashes = self.read().tree.inclusion(index, size)?;
        Ok(Proof { entry: self.entry(index)?, hashes, size, index })
    }

    /// The proof that the tree of `new` leaves extends the one of `old` leaves.
    ///
    /// # Errors
    /// When `old` is not 1 to `new`, or fewer than `new` entries are shown.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Sha256Digest>, LookupError> {
        if old == 0 || old > new {
            return Err(LookupError::Order { old, new });
        }
        check_size(new, self.shown().size)?;
        Ok(self.read().tree.consistency(old, new)?)
    }

    /// The root over the first `size` entries on disk.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn root_at(&self, size: u64) -> Result<Sha256Digest, RangeError> {
        check_size(size, self.committed().size)?;
        self.read().tree.root_at(size)
    }

    /// The place of a commitment, if it is shown. Reads the disk.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find(&self, commitment: &Sha256Digest) -> Result<Option<u64>, LookupError> {
        let snapshot = self.store.snapshot()?;
        // The disk is read without the lock: a slow page must not hold the writer up.
        let candidate = self.read().places.candidate(commitment);
        let is_at = |place| Ok(commitment_at(&snapshot, place)? == Some(*commitment));
        let place = candidate.confirm(is_at).map_err(LookupError::Store)?;
        Ok(place.filter(|place| *place < self.shown().size))
    }

    /// Proves an entry under a checkpoint that covers it. Computes only.
    pub(crate) fn prove(&self, placed: Placed, head: &Head) -> Result<Appended, RangeError> {
        let Placed { index, entry } = placed;
        let hashes = self.read().tree.inclusion(index, head.size)?;
        let proof = TlogProof { extra: None, index, hashes, checkpoint: head.note.clone() };
        Ok(Appended { entry, proof })
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, LookupError> {
        let found = read(&self.store.snapshot()?, index, 1)?.pop();
        found.ok_or(LookupError::Missing(index))
    }
}

/// What the publisher asks for: it asks for what is shown only.
impl tiles::Content for Log {
    fn node(&self, level: u32, index: u64) -> Option<Sha256Digest> {
        self.read().tree.node(level, index)
    }

    fn entries(
        &self,
        from: u64,
        count: u16,
    ) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        let read = || Ok(read(&self.store.snapshot()?, from, usize::from(count))?);
        without_blocking_others(read)
    }
}

/// Reads the disk inside a task, where the runtime has other threads that go on meanwhile.
fn without_blocking_others<T>(read: impl FnOnce() -> T) -> T {
    let flavour = tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavour {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(read),
        Ok(_) | Err(_) => read(),
    }
}

/// The tree may be larger than what is shown.
const fn check_size(size: u64, limit: u64) -> Result<(), RangeError> {
    if size > limit { Err(RangeError::Size { size, limit }) } else { Ok(()) }
}
