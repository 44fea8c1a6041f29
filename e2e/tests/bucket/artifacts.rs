//! `libs/artifacts` in the bucket: small and large, from any offset, and one that rotted.

use anyhow::{Context as _, ensure};
use artifacts::{ArtifactStore, Download, Limits, ReadError, StoreConfig, Stored, UploadId};
use bytes::Bytes;
use ids::{Digests, Sha256Digest};
use object_store::ObjectStoreExt as _;
use tokio_stream::StreamExt as _;
use uuid::Uuid;

use crate::server::{against, bucket};

/// Larger than one request takes: three parts.
const LARGE: usize = (17 << 20) + 5;

/// Bytes that repeat at no power of two.
fn sample(length: usize) -> Vec<u8> {
    (0..251_u8).cycle().zip((0..13_u8).cycle()).map(|(a, b)| a ^ b).take(length).collect()
}

async fn upload(store: &ArtifactStore, bytes: &[u8]) -> anyhow::Result<Stored> {
    let id = UploadId(Uuid::from_u128(bytes.len() as u128));
    let mut upload = store.begin(id, Sha256Digest::of(bytes), bytes.len() as u64).await?;
    for chunk in bytes.chunks(1 << 20) {
        upload.write(Bytes::copy_from_slice(chunk)).await?;
    }
    Ok(upload.finish().await?)
}

async fn whole(mut download: Download) -> Result<Vec<u8>, ReadError> {
    let mut whole = Vec::new();
    while let Some(chunk) = download.next().await {
        whole.extend_from_slice(&chunk?);
    }
    Ok(whole)
}

#[test]
fn artifacts_come_back_from_any_offset_and_one_that_rotted_does_not() -> anyhow::Result<()> {
    let name = "artifacts::artifacts_come_back_from_any_offset_and_one_that_rotted_does_not";
    against(name, &[], || async {
        let folder = tempfile::tempdir()?;
        let store = ArtifactStore::open(&StoreConfig {
            url: "s3://logs/artifacts".to_owned(),
            staging_dir: folder.path().join("staging"),
            limits: Limits::default(),
        })?;
        for length in [0, 1, 5_000, LARGE] {
            let bytes = sample(length);
            let Stored { digests, size } = upload(&store, &bytes).await?;
            ensure!(digests == Digests::of(&bytes) && size == length as u64, "{length}");
            ensure!(store.stat(&digests.sha256).await? == Some(size), "{length}");
            for offset in [0, length / 3, length] {
                let (_, download) = store.read(&digests.sha256, offset as u64).await?;
                let got = whole(download).await?;
                ensure!(Some(&*got) == bytes.get(offset..), "{length} from {offset}");
            }
            ensure!(store.rehash(&digests.sha256).await? == digests, "{length}");
            // Again, and nothing is sent twice.
            ensure!(upload(&store, &bytes).await?.digests == digests, "{length}");
        }
        rots(&store).await
    })
}

/// Readers find an object that is not its digest, and putting it again heals it.
async fn rots(store: &ArtifactStore) -> anyhow::Result<()> {
    let Stored { digests, size } = store.put_bytes(b"a small document").await?;
    let name = digests.sha256.to_hex();
    let key = format!("artifacts/sha256/{}/{name}", name.get(..2).context("a digest")?);
    bucket()?.put(&key.into(), Bytes::from_static(b"a small dokument").into()).await?;
    let read = store.get_bytes(&digests.sha256, size).await;
    ensure!(matches!(read, Err(ReadError::Mismatch { .. })), "{read:?}");
    store.put_bytes(b"a small document").await?;
    ensure!(
        store.get_bytes(&digests.sha256, size).await? == "a small document",
        "it is not healed"
    );
    Ok(())
}
