//! Reads a published log; what it gives without a [`View`] is nobody's word yet.

use std::sync::Arc;

use bundle::MAX_ENTRY_BYTES;
use bytes::Bytes;
use futures::future::try_join_all;
use ids::Sha256Digest;
use merkle::{
    Checkpoint, RangeError, VerifierKey,
    checkpoint::{CheckpointError, MAX_NOTE_BYTES},
    tile::{
        CHECKPOINT_PATH, EntriesError, EntryBundle, Tile, TileError, VerifiedTiles, decode_entries,
    },
};

use crate::{Source, SourceError, View, writer::verify};

/// Why a published log is not believed, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file that the checkpoint needs is not there.
    #[error("{0} is not there")]
    Missing(String),
    /// The checkpoint is not by the log's key, or is of another origin.
    #[error("the published checkpoint is not by {key}")]
    Checkpoint {
        /// The log's verifier key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// A tile does not lead to the checkpoint's root.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// A file is no entry bundle.
    #[error("{bundle}: {source}")]
    Entries {
        /// The file.
        bundle: EntryBundle,
        /// What is wrong with it.
        source: EntriesError,
    },
    /// An entry is not the one whose hash is in the tree.
    #[error("{bundle}: entry {index} has hash {computed}, the log has {expected}")]
    Entry {
        /// The file.
        bundle: EntryBundle,
        /// The entry, from 0.
        index: u64,
        /// Its hash.
        computed: Sha256Digest,
        /// The one in the tree.
        expected: Sha256Digest,
    },
    /// A size or an index that the log does not have.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// Reads the files of one log.
#[derive(Debug, Clone)]
pub struct Reader {
    source: Arc<dyn Source>,
}

impl Reader {
    /// Reads from `source`.
    #[must_use]
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self { source }
    }

    /// Where the files are, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        self.source.place()
    }

    /// The newest checkpoint as it is published, with no signature checked: at most 16 KiB.
    ///
    /// # Errors
    /// When it cannot be read or is longer.
    pub async fn note(&self) -> Result<Option<String>, SourceError> {
        let bytes = self.source.get(CHECKPOINT_PATH, MAX_NOTE_BYTES).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The log under its newest checkpoint, when that is by `key` and of its origin.
    ///
    /// # Errors
    /// When there is no such checkpoint, or the tiles do not lead to its root.
    pub async fn newest(&self, key: &VerifierKey) -> Result<(View, String), ReadError> {
        let note = self.note().await?;
        let note = note.ok_or_else(|| ReadError::Missing(CHECKPOINT_PATH.to_owned()))?;
        let checkpoint = verify(&note, key)
            .map_err(|source| ReadError::Checkpoint { key: key.to_string(), source })?;
        Ok((self.at(checkpoint).await?, note))
    }

    /// The log under a checkpoint that the caller verified.
    ///
    /// # Errors
    /// When the tiles at the right edge do not lead to its root.
    pub async fn at(&self, checkpoint: Checkpoint) -> Result<View, ReadError> {
        let edge = self.tiles(VerifiedTiles::edge(checkpoint.size)).await?;
        let tiles = VerifiedTiles::new(checkpoint.size, checkpoint.root, edge)?;
        Ok(View::new(self.clone(), checkpoint, tiles))
    }

    /// Tiles, all fetched at one time. A question takes at most a few of each level.
    pub(crate) async fn tiles<C>(
        &self,
        tiles: impl IntoIterator<Item = Tile>,
    ) -> Result<C, ReadError>
    where
        C: FromIterator<(Tile, Vec<Sha256Digest>)>,
    {
        let fetched = tiles.into_iter().map(|tile| async move {
            let hashes = self.tile(tile).await?;
            Ok::<_, ReadError>((tile, hashes.ok_or_else(|| ReadError::Missing(tile.to_string()))?))
        });
        Ok(try_join_all(fetched).await?.into_iter().collect())
    }

    /// The hashes in a tile's file, unverified; of a partial tile that is gone, those of the full one
    /// (tlog-tiles, "Partial Tiles").
    pub(crate) async fn tile(&self, tile: Tile) -> Result<Option<Vec<Sha256Digest>>, ReadError> {
        let read = self.source.get(&tile.to_string(), tile.byte_len()).await;
        if let Ok(Some(bytes)) = &read {
            return Ok(Some(tile.decode(bytes)?));
        }
        if tile.is_full() || matches!(read, Err(SourceError::TooLong { .. })) {
            return Ok(read.map(|_absent| None)?);
        }
        // A bucket whose files nobody may list refuses what is not there.
        let full = tile.full();
        let Some(bytes) = self.source.get(&full.to_string(), full.byte_len()).await? else {
            return Ok(read.map(|_absent| None)?);
        };
        let mut hashes = full.decode(&bytes)?;
        hashes.truncate(usize::from(tile.width()));
        Ok(Some(hashes))
    }

    /// The entries in a bundle's file, unverified, with the same way out for partial ones.
    pub(crate) async fn bundle(
        &self,
        bundle: EntryBundle,
    ) -> Result<Option<Vec<Bytes>>, ReadError> {
        let read = |bytes: Bytes, bundle: EntryBundle| {
            let entries = decode_entries(&bytes, bundle.width());
            let entries = entries.map_err(|source| ReadError::Entries { bundle, source })?;
            Ok::<_, ReadError>(entries.into_iter().map(|entry| bytes.slice_ref(entry)).collect())
        };
        let got = self.source.get(&bundle.to_string(), bytes_max(bundle)).await;
        if let Ok(Some(bytes)) = got {
            return read(bytes, bundle).map(Some);
        }
        if bundle.is_full() || matches!(got, Err(SourceError::TooLong { .. })) {
            return Ok(got.map(|_absent| None)?);
        }
        let full = bundle.full();
        let Some(bytes) = self.source.get(&full.to_string(), bytes_max(full)).await? else {
            return Ok(got.map(|_absent| None)?);
        };
        let mut entries: Vec<_> = read(bytes, full)?;
        entries.truncate(usize::from(bundle.width()));
        Ok(Some(entries))
    }
}

/// The most bytes of a bundle: a ledger's entries are shorter than the format allows.
fn bytes_max(bundle: EntryBundle) -> usize {
    usize::from(bundle.width()) * (2 + MAX_ENTRY_BYTES)
}
