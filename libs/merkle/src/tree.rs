//! An append-only tree in memory: every leaf hash and every full subtree's hash is kept.

use ids::Sha256Digest;

use crate::{
    hash::{empty_root, node_hash},
    range::{Node, Range, consistency_path, inclusion_path},
};

/// A size or an index that the tree does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// A tree size larger than the tree, or an old size larger than the new one.
    #[error("tree size {size} is larger than {limit}")]
    Size {
        /// The size asked for, in leaves.
        size: u64,
        /// The largest size that can be answered, in leaves.
        limit: u64,
    },
    /// A leaf index that is not below the tree size.
    #[error("leaf index {index} is not below the tree size {size}")]
    Index {
        /// The index asked for, from 0.
        index: u64,
        /// The size it was asked for, in leaves.
        size: u64,
    },
}

/// The tree; 64 bytes per leaf, amortised.
///
/// `append` and `root` cost O(log n) hashes, proofs O(log² n).
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// `levels[k][i]` is the hash of the full subtree over leaves `i << k .. (i + 1) << k`.
    levels: Vec<Vec<Sha256Digest>>,
}

impl Tree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Whether there is no leaf yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a leaf by its [`leaf_hash`](crate::leaf_hash) and returns its index, from 0.
    pub fn append(&mut self, leaf_hash: Sha256Digest) -> u64 {
        let index = self.len();
        let mut hash = leaf_hash;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else {
                break;
            };
            let left = row.last().copied();
            row.push(hash);
            match left {
                Some(left) if row.len() % 2 == 0 => hash = node_hash(&left, &hash),
                _ => break,
            }
        }
        index
    }

    /// The hash of the full subtree `index` of `2^level` leaves; what tiles are made of.
    #[must_use]
    pub fn node(&self, level: u32, index: u64) -> Option<Sha256Digest> {
        let row = self.levels.get(usize::try_from(level).ok()?)?;
        row.get(usize::try_from(index).ok()?).copied()
    }

    /// The hash of the leaf at `index`.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<Sha256Digest> {
        self.node(0, index)
    }

    /// The root over all leaves (RFC 9162, section 2.1.1).
    #[must_use]
    pub fn root(&self) -> Sha256Digest {
        self.range(Range::whole(self.len())).unwrap_or_else(empty_root)
    }

    /// The root that the tree had when it held `size` leaves.
    ///
    /// # Errors
    /// When the tree never had that size.
    pub fn root_at(&self, size: u64) -> Result<Sha256Digest, RangeError> {
        self.check_size(size)?;
        Ok(self.range(Range::whole(size)).unwrap_or_else(empty_root))
    }

    /// The proof that leaf `index` is in the tree of `size` leaves (RFC 9162, section 2.1.3.1).
    ///
    /// # Errors
    /// When the tree never had that size, or `index` is not below it.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Sha256Digest>, RangeError> {
        self.check_size(size)?;
        Ok(inclusion_path(index, size)?.into_iter().filter_map(|range| self.range(range)).collect())
    }

    /// The proof that the tree of `new` leaves extends the one of `old` leaves
    /// (RFC 9162, section 2.1.4.1); empty when `old` is 0 or equal to `new`.
    ///
    /// # Errors
    /// When the tree never had the size `new`, or `old` is larger than `new`.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Sha256Digest>, RangeError> {
        self.check_size(new)?;
        Ok(consistency_path(old, new)?.into_iter().filter_map(|range| self.range(range)).collect())
    }

    fn check_size(&self, size: u64) -> Result<(), RangeError> {
        let limit = self.len();
        if size > limit { Err(RangeError::Size { size, limit }) } else { Ok(()) }
    }

    /// The hash over a range; `None` when it does not lie in the tree.
    fn range(&self, range: Range) -> Option<Sha256Digest> {
        range.hash(|Node { level, index }| self.node(level, index).ok_or(())).ok()
    }
}

impl FromIterator<Sha256Digest> for Tree {
    /// The tree of these leaf hashes, in order.
    fn from_iter<I: IntoIterator<Item = Sha256Digest>>(leaf_hashes: I) -> Self {
        let mut tree = Self::new();
        for leaf_hash in leaf_hashes {
            tree.append(leaf_hash);
        }
        tree
    }
}

#[cfg(test)]
mod tests;
