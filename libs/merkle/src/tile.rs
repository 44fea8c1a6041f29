//! C2SP tlog-tiles: which static files a tree is published as, and proofs that are made from them.
//!
//! A [`Tile`] is up to 256 consecutive hashes of one level, an [`EntryBundle`] the entries under a
//! tile of level 0. A [`Question`] says which tiles it needs before it is answered from them, so
//! that they can be fetched at once; [`VerifiedTiles`] believes a tile only once it leads to the root.

mod entries;
mod path;
mod question;
mod verified;

use ids::Sha256Digest;

pub use entries::{EntriesError, MAX_ENTRY_BUNDLE_BYTES, decode_entries, encode_entries};
pub use path::PathError;
pub use question::Question;
pub use verified::{TileError, VerifiedTiles};

use crate::{Frontier, range::Node};

/// Hashes of a full tile (tlog-tiles, "Merkle Tree").
pub const TILE_WIDTH: u16 = 256;
/// The highest level that a path may name (tlog-tiles, "Merkle Tree").
pub const MAX_LEVEL: u8 = 63;
/// The path of the newest checkpoint (tlog-tiles, "Checkpoints").
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// Levels of the tree in one tile.
const HEIGHT: u32 = 8;
/// Levels of tiles that a tree of fewer than 2^64 leaves can have.
const LEVELS: u8 = 8;
/// [`TILE_WIDTH`], to count leaves with.
const WIDTH: u64 = 1 << HEIGHT;
/// Bytes of one hash.
const HASH_BYTES: usize = 32;

/// Where a tile is, and how many hashes are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

impl Tile {
    /// A tile of `width` hashes; `None` unless the level is at most [`MAX_LEVEL`] and the width
    /// 1 to [`TILE_WIDTH`].
    #[must_use]
    pub const fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        if level > MAX_LEVEL || width == 0 || width > TILE_WIDTH {
            return None;
        }
        Some(Self { level, index, width })
    }

    /// The tile as a tree of `size` leaves has it; `None` when the tree has none of its hashes.
    #[must_use]
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(level, size).checked_sub(index.checked_mul(WIDTH)?)?;
        Self::new(level, index, u16::try_from(hashes.min(WIDTH)).ok()?)
    }

    /// The level, from 0: each of its hashes is over `256^level` leaves.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// The place within the level, from 0.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Hashes in it, 1 to [`TILE_WIDTH`].
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether nothing can be added to it.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full tile of this place.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// The file's length, in bytes.
    #[must_use]
    pub const fn byte_len(self) -> usize {
        self.width as usize * HASH_BYTES
    }

    /// The places of its hashes, as [`Tree::node`](crate::Tree::node) has them: level and index.
    pub fn nodes(self) -> impl Iterator<Item = (u32, u64)> {
        let level = u32::from(self.level) * HEIGHT;
        let first = self.index.saturating_mul(WIDTH);
        (0..u64::from(self.width)).map(move |offset| (level, first.saturating_add(offset)))
    }

    /// The file: its hashes, one after the other.
    #[must_use]
    pub fn encode(hashes: &[Sha256Digest]) -> Vec<u8> {
        hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    /// The hashes in a file of exactly this tile's width.
    ///
    /// # Errors
    /// [`TileError::Length`] when the file is longer or shorter.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<Sha256Digest>, TileError> {
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        if hashes.len() != usize::from(self.width) || !rest.is_empty() {
            return Err(TileError::Length { tile: self, got: bytes.len() });
        }
        Ok(hashes.iter().map(|hash| Sha256Digest::from_bytes(*hash)).collect())
    }

    /// The tile that has the hash over this full one, and where in it.
    fn parent(self, size: u64) -> Option<(Self, usize)> {
        let offset = usize::try_from(self.index % WIDTH).ok()?;
        Some((Self::in_tree(self.level.checked_add(1)?, self.index / WIDTH, size)?, offset))
    }

    /// The tile with what a full subtree's hash is made of, and the hashes in it.
    fn of_node(node: Node, size: u64) -> Option<(Self, std::ops::Range<usize>)> {
        let level = u8::try_from(node.level / HEIGHT).ok()?;
        let height = node.level % HEIGHT;
        let first = node.index.checked_mul(1 << height)?;
        let offset = usize::try_from(first % WIDTH).ok()?;
        Some((Self::in_tree(level, first / WIDTH, size)?, offset..offset + (1 << height)))
    }
}

/// Where an entry bundle is, and how many entries are in it (tlog-tiles, "Log entries").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryBundle {
    index: u64,
    width: u16,
}

impl EntryBundle {
    /// A bundle of `width` entries; `None` unless the width is 1 to [`TILE_WIDTH`] and the index of
    /// each entry fits 64 bits.
    #[must_use]
    pub const fn new(index: u64, width: u16) -> Option<Self> {
        if width == 0 || width > TILE_WIDTH || index > u64::MAX >> HEIGHT {
            return None;
        }
        Some(Self { index, width })
    }

    /// The bundle as a log of `size` entries has it; `None` when the log has none of its entries.
    #[must_use]
    pub fn in_tree(index: u64, size: u64) -> Option<Self> {
        let tile = Tile::in_tree(0, index, size)?;
        Some(Self { index, width: tile.width })
    }

    /// The bundle with entry `entry` in a log of `size` entries.
    #[must_use]
    pub fn of_entry(entry: u64, size: u64) -> Option<Self> {
        if entry < size { Self::in_tree(entry / WIDTH, size) } else { None }
    }

    /// The place, from 0.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Entries in it, 1 to [`TILE_WIDTH`].
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// The index of its first entry.
    #[must_use]
    pub const fn first_entry(self) -> u64 {
        self.index << HEIGHT
    }

    /// Whether nothing can be added to it.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full bundle of this place.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// The tile with its entries' hashes.
    #[must_use]
    pub const fn tile(self) -> Tile {
        Tile { level: 0, index: self.index, width: self.width }
    }
}

/// The tiles that a log publishes when it grows from `old` to `new` leaves, lowest level first: each
/// that became full, and the partial one of each level that grew (tlog-tiles, "Partial Tiles").
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    (0..LEVELS).flat_map(move |level| {
        let (before, after) = (hashes_at(level, old), hashes_at(level, new));
        let first = before / WIDTH;
        let end = if after > before { after.div_ceil(WIDTH) } else { first };
        (first..end).filter_map(move |index| Tile::in_tree(level, index, new))
    })
}

/// The entry bundles that a log publishes when it grows from `old` to `new` entries.
pub fn bundles_between(old: u64, new: u64) -> impl Iterator<Item = EntryBundle> {
    let first = old / WIDTH;
    let end = if new > old { new.div_ceil(WIDTH) } else { first };
    (first..end).filter_map(move |index| EntryBundle::in_tree(index, new))
}

/// The hash over the hashes of a full tile, or of a full subtree within one.
#[must_use]
pub fn subtree_hash(hashes: &[Sha256Digest]) -> Sha256Digest {
    hashes.iter().copied().collect::<Frontier>().root()
}

/// How many hashes all tiles of a level have together.
fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * HEIGHT).unwrap_or(0)
}

#[cfg(test)]
mod tests;
