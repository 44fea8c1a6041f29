//! The name and key of the log that is published into the bucket, and what the bucket has then.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use ed25519_dalek::SigningKey;
use merkle::{Checkpoint, VerifierKey};
use object_store::ObjectStoreExt as _;
use testkit::log::Log;
use tiles::{TileStore, Writer};
use tokio_stream::StreamExt as _;

use crate::server;

const ORIGIN: &str = "log.example/aibom";
/// Where it is published.
pub(crate) const PLACE: &str = "s3://logs/mesh";
/// The same within the bucket.
const PREFIX: &str = "mesh";

/// The key of the logs here.
pub(crate) fn key() -> anyhow::Result<VerifierKey> {
    Ok(VerifierKey::new(ORIGIN, signing_key().verifying_key())?)
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// What the log says of its first `size` entries.
pub(crate) fn checkpoint(log: &Log, size: u64) -> Checkpoint {
    log.checkpoint(size, ORIGIN)
}

/// The same, signed.
pub(crate) fn note(log: &Log, size: u64) -> String {
    log.note(size, &signing_key(), ORIGIN)
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
