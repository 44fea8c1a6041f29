//! What can be asked of a tree's tiles: first which of them it takes, then the answer.

use std::collections::BTreeSet;

use ids::Sha256Digest;

use super::{Tile, TileError, subtree_hash};
use crate::{
    RangeError,
    range::{Node, Range, consistency_path, inclusion_path},
};

/// A root or a proof to be made from tiles. The tree may be larger than what is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    hashes: Vec<Range>,
}

impl Question {
    /// The root over the first `size` leaves: one hash.
    #[must_use]
    pub fn root(size: u64) -> Self {
        Self { hashes: vec![Range::whole(size)] }
    }

    /// The proof that leaf `index` is in the tree of `size` leaves.
    ///
    /// # Errors
    /// When `index` is not below `size`.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, RangeError> {
        Ok(Self { hashes: inclusion_path(index, size)? })
    }

    /// The proof that the tree of `new` leaves extends the one of `old` leaves.
    ///
    /// # Errors
    /// When `old` is larger than `new`.
    pub fn consistency(old: u64, new: u64) -> Result<Self, RangeError> {
        Ok(Self { hashes: consistency_path(old, new)? })
    }

    /// The tiles that it takes, as a tree of `size` leaves has them.
    #[must_use]
    pub fn tiles(&self, size: u64) -> BTreeSet<Tile> {
        let nodes = self.hashes.iter().flat_map(|range| range.nodes());
        nodes.filter_map(|node| Tile::of_node(node, size)).map(|(tile, _)| tile).collect()
    }

    /// The hashes, from the tiles of a tree of `size` leaves; nothing is verified here.
    ///
    /// # Errors
    /// [`TileError::Missing`] or [`TileError::Absent`] when a tile is not given, is too short, or
    /// is not in a tree of that size.
    pub fn answer<'a>(
        &self,
        size: u64,
        tiles: impl Fn(Tile) -> Option<&'a [Sha256Digest]>,
    ) -> Result<Vec<Sha256Digest>, TileError> {
        let node = |node| {
            let (tile, place) = Tile::of_node(node, size).ok_or(TileError::Absent { size })?;
            let hashes = tiles(tile).ok_or(TileError::Missing(tile))?;
            Ok(subtree_hash(hashes.get(place).ok_or(TileError::Absent { size })?))
        };
        self.hashes.iter().map(|range| range.hash(node)).collect()
    }

    /// The hashes, from full subtrees as [`Tree::node`](crate::Tree::node) has them; `None` when
    /// one of them is not there.
    #[must_use]
    pub fn answer_from_nodes(
        &self,
        node: impl Fn(u32, u64) -> Option<Sha256Digest>,
    ) -> Option<Vec<Sha256Digest>> {
        let node = |Node { level, index }| node(level, index).ok_or(());
        self.hashes.iter().map(|range| range.hash(node).ok()).collect()
    }
}
