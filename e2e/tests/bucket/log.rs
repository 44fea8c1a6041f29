//! A log in memory that is published into the bucket, and what the bucket has then.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use bundle::{ENTRY_SCHEMA, LedgerEntry, TAG_BYTES, Tag};
use ed25519_dalek::SigningKey;
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, Tree, VerifierKey, checkpoint, leaf_hash};
use object_store::ObjectStoreExt as _;
use tiles::{Content, TileStore, Writer};
use tokio_stream::StreamExt as _;

use crate::server;

const ORIGIN: &str = "log.example/aibom";
/// Where it is published.
pub(crate) const PLACE: &str = "s3://logs/mesh";
/// The same within the bucket.
const PREFIX: &str = "mesh";

/// Entries and the tree over them.
pub(crate) struct Log {
    entries: Vec<Vec<u8>>,
    pub(crate) tree: Tree,
}

/// The key of the logs here.
pub(crate) fn key() -> anyhow::Result<VerifierKey> {
    Ok(VerifierKey::new(ORIGIN, signing_key().verifying_key())?)
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

impl Log {
    /// A log of `size` entries, which from entry `fork` on are others than those of every other log.
    pub(crate) fn forked(size: u64, fork: u64) -> anyhow::Result<Self> {
        let entry = |number: u64| {
            let numbers = [number, if number < fork { 0 } else { fork }];
            canonical::to_vec(&LedgerEntry {
                schema: ENTRY_SCHEMA.to_owned(),
                commitment: Sha256Digest::of(&numbers.map(u64::to_be_bytes).concat()),
                tag: Tag::from_bytes([7; TAG_BYTES]),
                logged_at: Timestamp::from_unix_ms(1_700_000_000_000),
            })
        };
        let entries = (0..size).map(entry).collect::<Result<Vec<_>, _>>()?;
        let tree = entries.iter().map(|entry| leaf_hash(entry)).collect();
        Ok(Self { entries, tree })
    }

    pub(crate) fn of(size: u64) -> anyhow::Result<Self> {
        Self::forked(size, u64::MAX)
    }

    pub(crate) fn checkpoint(&self, size: u64) -> anyhow::Result<Checkpoint> {
        let root = self.tree.root_at(size).context("a root")?;
        Ok(Checkpoint { origin: ORIGIN.to_owned(), size, root })
    }

    pub(crate) fn note(&self, size: u64) -> anyhow::Result<String> {
        Ok(checkpoint::sign(&self.checkpoint(size)?, &signing_key(), ORIGIN)?)
    }
}

impl Content for Log {
    fn node(&self, level: u32, index: u64) -> Option<Sha256Digest> {
        self.tree.node(level, index)
    }

    fn entries(
        &self,
        from: u64,
        count: u16,
    ) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        let from = usize::try_from(from)?;
        Ok(self.entries.get(from..from + usize::from(count)).ok_or("none")?.to_vec())
    }
}

/// Another writer of the log in the bucket.
pub(crate) async fn writer() -> anyhow::Result<Writer> {
    Ok(Writer::open(TileStore::create(PLACE)?, key()?, "test").await?)
}

/// Every file of the log, by its path.
pub(crate) async fn files() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let bucket = server::bucket()?;
    let mut listed = bucket.list(Some(&PREFIX.into()));
    let mut files = BTreeMap::new();
    while let Some(file) = listed.next().await {
        let location = file?.location;
        let bytes = bucket.get(&location).await?.bytes().await?;
        let path = location.as_ref().strip_prefix("mesh/").context("the prefix")?;
        ensure!(files.insert(path.to_owned(), bytes.to_vec()).is_none(), "{path} twice");
    }
    Ok(files)
}

/// Puts a file there behind the writer's back.
pub(crate) async fn plant(path: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
    server::bucket()?.put(&format!("{PREFIX}/{path}").into(), bytes.into()).await?;
    Ok(())
}

/// Takes a file away behind the writer's back.
pub(crate) async fn remove(path: &str) -> anyhow::Result<()> {
    Ok(server::bucket()?.delete(&format!("{PREFIX}/{path}").into()).await?)
}
