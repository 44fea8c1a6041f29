//! The rows of a dataset as leaves of a Merkle tree (RFC 6962, section 2.1), in file order.

use ids::Sha256Digest;
use merkle::{Frontier, leaf_hash};

use crate::split::MAX_ROWS;

/// The root over all rows, and each row's leaf hash as long as there are at most [`MAX_ROWS`]: 32 MB
/// then, some hundred bytes otherwise.
#[derive(Debug, Clone, Default)]
pub struct Leaves {
    all: Frontier,
    /// Every leaf, or none when there are too many.
    hashes: Vec<Sha256Digest>,
}

impl Leaves {
    /// Adds the next row by its bytes in the file, without its line end.
    pub fn add(&mut self, record: &[u8]) {
        let leaf = leaf_hash(record);
        self.all.append(leaf);
        if self.all.len() <= MAX_ROWS {
            self.hashes.push(leaf);
        } else {
            self.hashes = Vec::new();
        }
    }

    /// Rows so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.all.len()
    }

    /// Whether there is no row yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The root over all rows, in file order.
    #[must_use]
    pub fn root(&self) -> Sha256Digest {
        self.all.root()
    }

    /// The root over `rows` by their indexes from 0, in that order; `None` when one of them is not
    /// there, or when there were too many to keep.
    #[must_use]
    pub fn root_of(&self, rows: &[u32]) -> Option<Sha256Digest> {
        let leaf = |row: &u32| self.hashes.get(usize::try_from(*row).ok()?).copied();
        rows.iter().map(leaf).collect::<Option<Frontier>>().map(|chosen| chosen.root())
    }
}
