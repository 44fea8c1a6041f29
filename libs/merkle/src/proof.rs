//! Proof checks that need no tree: RFC 9162, sections 2.1.3.2 and 2.1.4.2.
//!
//! A proof binds the root, the leaf and the leaf's place. It does not bind the tree size by itself
//! (leaf 0 of 3 and leaf 0 of 4 have paths of one shape): take sizes from a verified checkpoint.

use ids::Sha256Digest;

use crate::hash::{empty_root, node_hash};

/// The most hashes that an inclusion proof can have: one per bit of a tree size.
pub const MAX_PROOF_HASHES: usize = 64;
/// The most that a consistency proof can have: one more, to start from.
const MAX_CONSISTENCY_HASHES: usize = MAX_PROOF_HASHES + 1;

/// Why a leaf is not proven to be in a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The leaf index is not below the tree size.
    #[error("leaf index {index} is not below the tree size {size}")]
    Index {
        /// The index claimed, from 0.
        index: u64,
        /// The tree size, in leaves.
        size: u64,
    },
    /// The proof has too few or too many hashes for this place in the tree.
    #[error("a proof of {got} hashes does not fit leaf {index} of {size}")]
    Length {
        /// Hashes in the proof.
        got: usize,
        /// The index claimed, from 0.
        index: u64,
        /// The tree size, in leaves.
        size: u64,
    },
    /// The path leads to another root.
    #[error("the proof leads to root {computed}, not to {expected}")]
    Root {
        /// The root that the path leads to.
        computed: Sha256Digest,
        /// The root of the tree.
        expected: Sha256Digest,
    },
}

/// Checks that `leaf_hash` is leaf `index` of the tree of `size` leaves with this `root`.
///
/// # Errors
/// When the place does not exist, or the proof is not the one path from this leaf to this root.
pub fn verify_inclusion(
    leaf_hash: &Sha256Digest,
    index: u64,
    size: u64,
    proof: &[Sha256Digest],
    root: &Sha256Digest,
) -> Result<(), InclusionError> {
    if index >= size {
        return Err(InclusionError::Index { index, size });
    }
    let length = || InclusionError::Length { got: proof.len(), index, size };
    if proof.len() > MAX_PROOF_HASHES {
        return Err(length());
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf_hash;
    for sibling in proof {
        if last == 0 {
            return Err(length());
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(length());
    }
    if hash == *root {
        return Ok(());
    }
    Err(InclusionError::Root { computed: hash, expected: *root })
}

/// Why one tree is not proven to extend another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// The new tree is smaller than the old one.
    #[error("the tree shrank from {old} to {new} leaves")]
    Shrank {
        /// The old size, in leaves.
        old: u64,
        /// The new size, in leaves.
        new: u64,
    },
    /// The proof has too few or too many hashes for these sizes.
    #[error("a proof of {got} hashes does not fit the sizes {old} and {new}")]
    Length {
        /// Hashes in the proof.
        got: usize,
        /// The old size, in leaves.
        old: u64,
        /// The new size, in leaves.
        new: u64,
    },
    /// The proof does not lead to the old root: history was rewritten, or the proof is another's.
    #[error("the proof leads to old root {computed}, not to {expected}")]
    OldRoot {
        /// The root that the proof leads to.
        computed: Sha256Digest,
        /// The old tree's root.
        expected: Sha256Digest,
    },
    /// The proof does not lead to the new root.
    #[error("the proof leads to new root {computed}, not to {expected}")]
    NewRoot {
        /// The root that the proof leads to.
        computed: Sha256Digest,
        /// The new tree's root.
        expected: Sha256Digest,
    },
}

/// Checks that the tree `new_size`, `new_root` starts with the tree `old_size`, `old_root`.
///
/// # Errors
/// When the tree shrank, or the proof does not lead to both roots. The proof of equal sizes and of
/// an empty old tree is empty, and the root of an empty tree must be the hash of nothing.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Sha256Digest,
    new_size: u64,
    new_root: &Sha256Digest,
    proof: &[Sha256Digest],
) -> Result<(), ConsistencyError> {
    if old_size > new_size {
        return Err(ConsistencyError::Shrank { old: old_size, new: new_size });
    }
    let length = || ConsistencyError::Length { got: proof.len(), old: old_size, new: new_size };
    if proof.len() > MAX_CONSISTENCY_HASHES {
        return Err(length());
    }
    if old_size == 0 {
        same_root(&empty_root(), old_root, true)?;
    }
    if new_size == 0 {
        same_root(&empty_root(), new_root, false)?;
    }
    if old_size == new_size {
        same_root(old_root, new_root, false)?;
    }
    if old_size == 0 || old_size == new_size {
        return if proof.is_empty() { Ok(()) } else { Err(length()) };
    }
    let (old, new) = walk(old_size, old_root, new_size, proof).ok_or_else(length)?;
    same_root(&old, old_root, true)?;
    same_root(&new, new_root, false)
}

/// Both roots that the proof leads to; `None` when its length does not fit. `0 < old < new`.
fn walk(
    old_size: u64,
    old_root: &Sha256Digest,
    new_size: u64,
    proof: &[Sha256Digest],
) -> Option<(Sha256Digest, Sha256Digest)> {
    let shift = (old_size - 1).trailing_ones();
    let mut node = (old_size - 1) >> shift;
    let mut last = (new_size - 1) >> shift;
    // An old tree that is one full subtree is its own starting point and is left out of the proof.
    let (start, rest) =
        if old_size.is_power_of_two() { (old_root, proof) } else { proof.split_first()? };
    let (mut old, mut new) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    (last == 0).then_some((old, new))
}

fn same_root(
    computed: &Sha256Digest,
    expected: &Sha256Digest,
    old: bool,
) -> Result<(), ConsistencyError> {
    if computed == expected {
        return Ok(());
    }
    let (computed, expected) = (*computed, *expected);
    Err(if old {
        ConsistencyError::OldRoot { computed, expected }
    } else {
        ConsistencyError::NewRoot { computed, expected }
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
