//! The root of a growing list in O(log n) memory: what a stream has room for.

use ids::Sha256Digest;

use crate::hash::{empty_root, node_hash};

/// The right edge of a tree: the hash of each full subtree, largest first. It gives the same root as
/// a [`Tree`](crate::Tree) over the same leaves, and no proofs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One for each bit that is set in `size`.
    full: Vec<Sha256Digest>,
}

impl Frontier {
    /// Number of leaves.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.size
    }

    /// Whether there is no leaf yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The hash of each full subtree, largest first: with the size all that there is to keep.
    #[must_use]
    pub fn edge(&self) -> &[Sha256Digest] {
        &self.full
    }

    /// The frontier of `size` leaves whose full subtrees have these hashes, largest first; `None` when
    /// they are not as many as a tree of that size has.
    #[must_use]
    pub fn from_parts(size: u64, edge: Vec<Sha256Digest>) -> Option<Self> {
        let fits = usize::try_from(size.count_ones()).is_ok_and(|count| count == edge.len());
        fits.then_some(Self { size, full: edge })
    }

    /// Adds a leaf by its [`leaf_hash`](crate::leaf_hash); O(1) hashes, amortised.
    pub fn append(&mut self, leaf_hash: Sha256Digest) {
        // Each trailing one of the size is a full subtree as large as what is to be added.
        let merged = self.full.len().saturating_sub(self.size.trailing_ones() as usize);
        let lefts = self.full.drain(merged..).rev();
        let hash = lefts.fold(leaf_hash, |right, left| node_hash(&left, &right));
        self.full.push(hash);
        self.size += 1;
    }

    /// The root over all leaves (RFC 9162, section 2.1.1).
    #[must_use]
    pub fn root(&self) -> Sha256Digest {
        let folded = self.full.iter().rev().copied();
        folded.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }
}

impl FromIterator<Sha256Digest> for Frontier {
    /// The frontier of these leaf hashes, in order.
    fn from_iter<I: IntoIterator<Item = Sha256Digest>>(leaf_hashes: I) -> Self {
        let mut frontier = Self::default();
        leaf_hashes.into_iter().for_each(|leaf_hash| frontier.append(leaf_hash));
        frontier
    }
}

#[cfg(test)]
mod tests {
    //! The root is the tree's, at every size.
    use super::Frontier;
    use crate::{Tree, leaf_hash};

    #[test]
    fn the_root_is_the_trees_at_every_size() {
        let (mut frontier, mut tree) = (Frontier::default(), Tree::new());
        assert_eq!(frontier.root(), tree.root());
        for number in 0..600_u32 {
            let leaf = leaf_hash(&number.to_be_bytes());
            frontier.append(leaf);
            tree.append(leaf);
            assert_eq!((frontier.len(), frontier.root()), (tree.len(), tree.root()));
            assert_eq!(frontier.full.len(), frontier.len().count_ones() as usize);
        }
    }
}
