//! Files that are written once: created if absent, and compared when they are there.

use std::{
    future::ready,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ids::Sha256Digest;
use merkle::tile::{
    EntryBundle, MAX_ENTRY_BUNDLE_BYTES, Tile, bundles_between, encode_entries, tiles_between,
};
use object_store::{Error as ObjectError, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

use crate::{PublishError, TileStore};

/// The most files that are written or deleted at one time.
const WRITES_UNDER_WAY: usize = 16;

/// What a log has. It is asked from asynchronous code: it answers from memory or a local store.
pub trait Content: Send + Sync {
    /// The hash of the full subtree `index` of `2^level` leaves, as
    /// [`merkle::Tree::node`] gives it.
    fn node(&self, level: u32, index: u64) -> Option<Sha256Digest>;

    /// The entries `from..from + count`, all of them; `count` is at most 256.
    ///
    /// # Errors
    /// When they cannot be read.
    fn entries(
        &self,
        from: u64,
        count: u16,
    ) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>>;
}

/// What one publication wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Tiles and entry bundles that were not there yet, or damaged.
    pub created: u64,
    /// Those that were there, with the same bytes: an earlier publication was cut short.
    pub found: u64,
}

/// Writes every tile and entry bundle that a log has more at `new` than at `old` entries.
pub(crate) async fn publish(
    store: &TileStore,
    content: &dyn Content,
    old: u64,
    new: u64,
) -> Result<Published, PublishError> {
    let bundles = bundles_between(old, new).map(|bundle| {
        let bytes = bundle_bytes(content, bundle);
        (bundle.to_string(), bytes)
    });
    let tiles = tiles_between(old, new).map(|tile| (tile.to_string(), tile_bytes(content, tile)));
    let failed = AtomicBool::new(false);
    let mut written = stream::iter(bundles.chain(tiles))
        .take_while(|_| ready(!failed.load(Ordering::Relaxed)))
        .map(|(path, bytes)| async move { create(store, path, bytes?).await })
        .buffer_unordered(WRITES_UNDER_WAY);
    let (mut published, mut failure) = (Published::default(), None);
    // Writes under way are waited for: none of them may fail unheard, and a write counts for most.
    while let Some(created) = written.next().await {
        match created {
            Ok(true) => published.created += 1,
            Ok(false) => published.found += 1,
            Err(error) => {
                failed.store(true, Ordering::Relaxed);
                if failure.is_none() || matches!(error, PublishError::Write { .. }) {
                    failure = Some(error);
                }
            }
        }
    }
    failure.map_or(Ok(published), Err)
}

fn tile_bytes(content: &dyn Content, tile: Tile) -> Result<Vec<u8>, PublishError> {
    let hashes: Option<Vec<_>> =
        tile.nodes().map(|(level, index)| content.node(level, index)).collect();
    Ok(Tile::encode(&hashes.ok_or_else(|| PublishError::Content {
        path: tile.to_string(),
        source: "the log does not have every hash of it".into(),
    })?))
}

fn bundle_bytes(content: &dyn Content, bundle: EntryBundle) -> Result<Vec<u8>, PublishError> {
    let failed = |source| PublishError::Content { path: bundle.to_string(), source };
    let entries = content.entries(bundle.first_entry(), bundle.width()).map_err(failed)?;
    if entries.len() != usize::from(bundle.width()) {
        return Err(failed("the log does not have every entry of it".into()));
    }
    encode_entries(entries).map_err(|error| failed(error.into()))
}

/// Whether the file was created; one that is there must have the same bytes.
///
/// In a directory, which is locked, no published checkpoint covers this file. So one of another
/// length was damaged (a copy cut short, a disk that lost data) and is replaced; and one with the
/// same bytes is written again: whoever wrote it may have ended before, or because, they were not
/// durable, and to sync it once more proves nothing.
async fn create(store: &TileStore, path: String, bytes: Vec<u8>) -> Result<bool, PublishError> {
    let bytes = Bytes::from(bytes);
    let put = |mode: PutMode| {
        let payload = PutPayload::from_bytes(bytes.clone());
        let location = Path::from(path.as_str());
        async move { store.objects.put_opts(&location, payload, mode.into()).await }
    };
    let source = match put(PutMode::Create).await {
        Ok(_) => return Ok(true),
        Err(source @ ObjectError::AlreadyExists { .. }) => {
            let there = store.find(&path, MAX_ENTRY_BUNDLE_BYTES).await?;
            // S3 says so (409), too, while an earlier request for this file is under way.
            let Some(there) = there.map(|found| found.bytes) else {
                return Err(PublishError::Write { path, source });
            };
            let (same, same_length) = (there == bytes, there.len() == bytes.len());
            let locked = store.root.is_some();
            if same && !locked {
                return Ok(false);
            }
            if !same && (!locked || same_length) {
                return Err(PublishError::Diverged { path, place: store.place.clone() });
            }
            if !same {
                let place = &store.place;
                tracing::warn!(
                    path,
                    place,
                    "a file that was not published yet is damaged: replaced"
                );
            }
            match put(PutMode::Overwrite).await {
                Ok(_) => return Ok(!same),
                Err(source) => source,
            }
        }
        Err(source) => source,
    };
    Err(PublishError::Write { path, source })
}

/// Deletes the partial files of the places that became full between `old` and `new` entries, at most
/// `limit` of them; gives how many (tlog-tiles, "Partial Tiles").
pub(crate) async fn sweep(
    store: &TileStore,
    old: u64,
    new: u64,
    limit: usize,
) -> Result<usize, PublishError> {
    let tiles = tiles_between(old, new).filter(|tile| tile.is_full()).map(|tile| tile.to_string());
    let bundles = bundles_between(old, new).filter(|bundle| bundle.is_full());
    let mut swept = 0;
    for place in tiles.chain(bundles.map(|bundle| bundle.to_string())) {
        let folder = format!("{place}.p");
        let failed = |source| PublishError::Write { path: folder.clone(), source };
        let listed = store.objects.list(Some(&Path::from(folder.as_str())));
        let parts: Vec<_> =
            listed.take(limit.saturating_sub(swept)).try_collect().await.map_err(failed)?;
        swept += parts.len();
        stream::iter(parts.iter().map(Ok))
            .try_for_each_concurrent(WRITES_UNDER_WAY, |part| async {
                match store.objects.delete(&part.location).await {
                    Err(ObjectError::NotFound { .. }) | Ok(()) => Ok(()),
                    Err(error) => Err(error),
                }
            })
            .await
            .map_err(failed)?;
    }
    Ok(swept)
}
