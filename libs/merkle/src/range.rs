//! The ranges of leaves that proofs are made of, and the full subtrees that a range is made of.

use ids::Sha256Digest;

use crate::{
    RangeError,
    hash::{empty_root, node_hash},
};

/// A range of leaves that RFC 9162's recursion reaches: `start` is a multiple of every full subtree
/// in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// The full subtree `index` of `2^level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) level: u32,
    pub(crate) index: u64,
}

impl Range {
    /// All leaves of a tree.
    pub(crate) const fn whole(size: u64) -> Self {
        Self { start: 0, length: size }
    }

    /// The full subtrees, largest first: one for each bit that is set in the length.
    pub(crate) fn nodes(self) -> impl Iterator<Item = Node> {
        let Self { mut start, mut length } = self;
        std::iter::from_fn(move || {
            let level = length.checked_ilog2()?;
            let node = Node { level, index: start >> level };
            length -= 1 << level;
            // The last subtree may end where numbers do.
            start = start.saturating_add(1 << level);
            Some(node)
        })
    }

    /// The hash over the range, from those of its full subtrees.
    pub(crate) fn hash<E>(
        self,
        node: impl FnMut(Node) -> Result<Sha256Digest, E>,
    ) -> Result<Sha256Digest, E> {
        let full: Vec<_> = self.nodes().map(node).collect::<Result<_, E>>()?;
        let folded = full.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
        Ok(folded.unwrap_or_else(empty_root))
    }
}

/// The path from leaf `index` to the root over `size` leaves, leaf to root
/// (RFC 9162, section 2.1.3.1).
pub(crate) fn inclusion_path(index: u64, size: u64) -> Result<Vec<Range>, RangeError> {
    if index >= size {
        return Err(RangeError::Index { index, size });
    }
    let mut path = Vec::new();
    let (mut start, mut length) = (0, size);
    while length > 1 {
        let left = split(length);
        if index - start < left {
            path.push(Range { start: start + left, length: length - left });
            length = left;
        } else {
            path.push(Range { start, length: left });
            start += left;
            length -= left;
        }
    }
    path.reverse();
    Ok(path)
}

/// What the tree of `new` leaves is made of beside the one of `old` leaves
/// (RFC 9162, section 2.1.4.1); empty when `old` is 0 or equal to `new`.
pub(crate) fn consistency_path(old: u64, new: u64) -> Result<Vec<Range>, RangeError> {
    if old > new {
        return Err(RangeError::Size { size: old, limit: new });
    }
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(path);
    }
    let (mut start, mut length) = (0, new);
    // The old tree ends inside `start..start + length`, or exactly at its end.
    while old - start < length {
        let left = split(length);
        if old - start <= left {
            path.push(Range { start: start + left, length: length - left });
            length = left;
        } else {
            path.push(Range { start, length: left });
            start += left;
            length -= left;
        }
    }
    if start > 0 {
        path.push(Range { start, length });
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two below `length`; `length` is at least 2.
const fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}
