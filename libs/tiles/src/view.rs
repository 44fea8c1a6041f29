//! A log under a verified checkpoint: everything that comes out of it leads to that root.

use bytes::Bytes;
use ids::Sha256Digest;
use merkle::{
    Checkpoint, RangeError, leaf_hash,
    tile::{EntryBundle, Question, Tile, VerifiedTiles},
};

use crate::{ReadError, Reader};

/// The most verified tiles that are held beside the edge: 8 MiB.
const TILES_HELD_MAX: usize = 1024;

/// An entry whose hash is in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The place, from 0.
    pub index: u64,
    /// The bytes that were hashed.
    pub bytes: Bytes,
}

/// A log under a checkpoint that the caller verified.
#[derive(Debug)]
pub struct View {
    reader: Reader,
    checkpoint: Checkpoint,
    tiles: VerifiedTiles,
}

impl View {
    pub(crate) const fn new(reader: Reader, checkpoint: Checkpoint, tiles: VerifiedTiles) -> Self {
        Self { reader, checkpoint, tiles }
    }

    /// The checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root that the log had when it held `size` entries.
    ///
    /// # Errors
    /// When it never did under this checkpoint, or the tiles cannot be read or do not verify.
    pub async fn root_at(&mut self, size: u64) -> Result<Option<Sha256Digest>, ReadError> {
        self.check_size(size)?;
        Ok(self.ask(&Question::root(size)).await?.first().copied())
    }

    /// The proof that entry `index` is in the log, under this checkpoint.
    ///
    /// # Errors
    /// When there is no such entry, or the tiles cannot be read or do not verify.
    pub async fn inclusion(&mut self, index: u64) -> Result<Vec<Sha256Digest>, ReadError> {
        self.inclusion_at(index, self.size()).await
    }

    /// The same under the earlier `size`.
    ///
    /// # Errors
    /// When the log did not have that size or entry, or the tiles cannot be read or do not verify.
    pub async fn inclusion_at(
        &mut self,
        index: u64,
        size: u64,
    ) -> Result<Vec<Sha256Digest>, ReadError> {
        self.check_size(size)?;
        self.ask(&Question::inclusion(index, size)?).await
    }

    /// The proof that this log extends the one of `old` entries.
    ///
    /// # Errors
    /// When `old` is larger, or the tiles cannot be read or do not verify.
    pub async fn consistency(&mut self, old: u64) -> Result<Vec<Sha256Digest>, ReadError> {
        self.ask(&Question::consistency(old, self.size())?).await
    }

    /// The hash of entry `index`.
    ///
    /// # Errors
    /// When there is no such entry, or the tiles cannot be read or do not verify.
    pub async fn leaf(&mut self, index: u64) -> Result<Sha256Digest, ReadError> {
        let size = self.size();
        let bundle = EntryBundle::of_entry(index, size).ok_or(RangeError::Index { index, size })?;
        let hashes = self.hashes(bundle.tile()).await?;
        let place = usize::try_from(index.saturating_sub(bundle.first_entry())).ok();
        let leaf = place.and_then(|place| hashes.get(place));
        Ok(*leaf.ok_or(RangeError::Index { index, size })?)
    }

    /// Entry `index`.
    ///
    /// # Errors
    /// When there is no such entry, or the files cannot be read or do not verify.
    pub async fn entry(&mut self, index: u64) -> Result<Entry, ReadError> {
        let size = self.size();
        let page = self.page(index).await?;
        page.into_iter().next().ok_or_else(|| RangeError::Index { index, size }.into())
    }

    /// The entries from `from` to the end of its bundle: at least one, at most 256.
    ///
    /// # Errors
    /// When there is no entry `from`, or the files cannot be read or do not verify.
    pub async fn page(&mut self, from: u64) -> Result<Vec<Entry>, ReadError> {
        let size = self.size();
        let absent = RangeError::Index { index: from, size };
        let bundle = EntryBundle::of_entry(from, size).ok_or(absent)?;
        let entries = self.reader.bundle(bundle).await?;
        let entries = entries.ok_or_else(|| ReadError::Missing(bundle.to_string()))?;
        let hashes = self.hashes(bundle.tile()).await?;
        let mut page = Vec::new();
        for ((index, bytes), expected) in (bundle.first_entry()..).zip(entries).zip(hashes) {
            if index < from {
                continue;
            }
            let (computed, expected) = (leaf_hash(&bytes), *expected);
            if computed != expected {
                return Err(ReadError::Entry { bundle, index, computed, expected });
            }
            page.push(Entry { index, bytes });
        }
        Ok(page)
    }

    fn check_size(&self, size: u64) -> Result<(), RangeError> {
        let limit = self.size();
        if size > limit { Err(RangeError::Size { size, limit }) } else { Ok(()) }
    }

    /// Fetches what the question takes, believes what leads to the root, and answers it.
    async fn ask(&mut self, question: &Question) -> Result<Vec<Sha256Digest>, ReadError> {
        self.fetch(question.tiles(self.size())).await?;
        Ok(self.tiles.answer(question)?)
    }

    async fn hashes(&mut self, tile: Tile) -> Result<&[Sha256Digest], ReadError> {
        self.fetch([tile]).await?;
        self.tiles.hashes(tile).ok_or_else(|| ReadError::Missing(tile.to_string()))
    }

    async fn fetch(&mut self, tiles: impl IntoIterator<Item = Tile>) -> Result<(), ReadError> {
        if self.tiles.held() > TILES_HELD_MAX {
            self.tiles.forget();
        }
        let wanted = self.tiles.wanted(tiles);
        let fetched = self.reader.tiles(wanted).await?;
        Ok(self.tiles.admit(fetched)?)
    }
}
