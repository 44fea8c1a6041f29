//! Tiles that lead to a root: nothing of a tile is believed before.

use std::collections::{BTreeMap, BTreeSet};

use ids::Sha256Digest;

use super::{Question, TILE_WIDTH, Tile, subtree_hash};

/// Why a tile is not believed, or a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The file does not have the tile's length.
    #[error("{tile} has {got} bytes, not {}", tile.byte_len())]
    Length {
        /// The tile.
        tile: Tile,
        /// The file's length, in bytes.
        got: usize,
    },
    /// The tile is not there, or was not verified.
    #[error("{0} is not there")]
    Missing(Tile),
    /// What is asked for is not in the tree.
    #[error("a tree of {size} leaves does not have this")]
    Absent {
        /// The tree's size, in leaves.
        size: u64,
    },
    /// The tiles at the right edge lead to another root.
    #[error("the tiles at the right edge lead to root {computed}, the checkpoint says {expected}")]
    Root {
        /// Where they lead.
        computed: Sha256Digest,
        /// The verified root.
        expected: Sha256Digest,
    },
    /// The tile's hash is not the one in the verified tile above.
    #[error("{tile} has hash {computed}, the tile above says {expected}")]
    Parent {
        /// The tile.
        tile: Tile,
        /// Its hash.
        computed: Sha256Digest,
        /// The one in the tile above.
        expected: Sha256Digest,
    },
}

/// Tiles of one tree, each of which leads to the tree's root.
///
/// Those at the right edge are held for as long as this is: at most eight, 64 KiB. How many others
/// are held is up to the caller: see [`VerifiedTiles::forget`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTiles {
    size: u64,
    root: Sha256Digest,
    edge: BTreeMap<Tile, Vec<Sha256Digest>>,
    others: BTreeMap<Tile, Vec<Sha256Digest>>,
}

impl VerifiedTiles {
    /// The tiles at the right edge of a tree of `size` leaves: the partial ones, whose hashes
    /// together give the root.
    #[must_use]
    pub fn edge(size: u64) -> BTreeSet<Tile> {
        Question::root(size).tiles(size)
    }

    /// Begins with the tiles that [`VerifiedTiles::edge`] names, and the root of a verified
    /// checkpoint.
    ///
    /// # Errors
    /// When a tile is missing, is not of its width, or they lead to another root.
    pub fn new(
        size: u64,
        root: Sha256Digest,
        edge: BTreeMap<Tile, Vec<Sha256Digest>>,
    ) -> Result<Self, TileError> {
        for (tile, hashes) in &edge {
            check_width(*tile, hashes)?;
        }
        let given = |tile: Tile| edge.get(&tile).map(Vec::as_slice);
        let computed = Question::root(size).answer(size, given)?;
        let [computed] = *computed.as_slice() else { return Err(TileError::Absent { size }) };
        if computed != root {
            return Err(TileError::Root { computed, expected: root });
        }
        // Every hash of a tile at the edge went into the root; another tile's would not have.
        let wanted = Self::edge(size);
        let edge = edge.into_iter().filter(|(tile, _)| wanted.contains(tile)).collect();
        Ok(Self { size, root, edge, others: BTreeMap::new() })
    }

    /// The tree's size, in leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The tree's root.
    #[must_use]
    pub const fn root(&self) -> &Sha256Digest {
        &self.root
    }

    /// What must be admitted so that `tiles` can be: those not held yet, and the ones above them.
    #[must_use]
    pub fn wanted(&self, tiles: impl IntoIterator<Item = Tile>) -> BTreeSet<Tile> {
        let mut wanted = BTreeSet::new();
        for tile in tiles {
            let mut next = Some(tile);
            while let Some(tile) = next.filter(|tile| self.hashes(*tile).is_none()) {
                if !wanted.insert(tile) {
                    break;
                }
                next = tile.parent(self.size).map(|(parent, _)| parent);
            }
        }
        wanted
    }

    /// Believes those of these tiles that lead to the root, all of which are expected to.
    ///
    /// # Errors
    /// When one does not, or the tile above it is neither held nor given; tiles above it stay.
    pub fn admit(&mut self, tiles: BTreeMap<Tile, Vec<Sha256Digest>>) -> Result<(), TileError> {
        for (tile, hashes) in tiles.into_iter().rev() {
            check_width(tile, &hashes)?;
            let expected = self.over(tile)?;
            let computed = subtree_hash(&hashes);
            if computed != expected {
                return Err(TileError::Parent { tile, computed, expected });
            }
            self.others.insert(tile, hashes);
        }
        Ok(())
    }

    /// The verified hash over a full tile.
    fn over(&self, tile: Tile) -> Result<Sha256Digest, TileError> {
        let absent = TileError::Absent { size: self.size };
        if tile.width() != TILE_WIDTH {
            return Err(absent);
        }
        let (parent, offset) = tile.parent(self.size).ok_or_else(|| absent.clone())?;
        let hashes = self.hashes(parent).ok_or(TileError::Missing(parent))?;
        hashes.get(offset).copied().ok_or(absent)
    }

    /// The hashes of a verified tile.
    #[must_use]
    pub fn hashes(&self, tile: Tile) -> Option<&[Sha256Digest]> {
        self.edge.get(&tile).or_else(|| self.others.get(&tile)).map(Vec::as_slice)
    }

    /// The root or the proof that is asked for, from verified tiles alone.
    ///
    /// # Errors
    /// When a tile that it takes was not admitted, or the tree is smaller.
    pub fn answer(&self, question: &Question) -> Result<Vec<Sha256Digest>, TileError> {
        question.answer(self.size, |tile| self.hashes(tile))
    }

    /// How many tiles are held beside the edge; a full one takes 8 KiB.
    #[must_use]
    pub fn held(&self) -> usize {
        self.others.len()
    }

    /// Lets go of all tiles but those at the edge.
    pub fn forget(&mut self) {
        self.others.clear();
    }
}

const fn check_width(tile: Tile, hashes: &[Sha256Digest]) -> Result<(), TileError> {
    if hashes.len() == tile.width() as usize {
        return Ok(());
    }
    Err(TileError::Length { tile, got: hashes.len().saturating_mul(super::HASH_BYTES) })
}
