//! Tests of the artifact store, over a local directory and over a bucket in memory.

mod bounds;
mod damage;
mod direct;
mod full;
mod resume;
mod round_trip;

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt as _;
use ids::Sha256Digest;
use object_store::memory::InMemory;
use uuid::Uuid;

use crate::{
    ArtifactStore, Download, FinishError, Limits, OpenError, ReadError, StoreConfig, Stored,
    UploadId, backend::Backend,
};

fn config(directory: &Path) -> StoreConfig {
    StoreConfig {
        url: directory.join("store").to_str().unwrap().to_owned(),
        staging_dir: directory.join("staging"),
        limits: Limits::default(),
    }
}

fn local(directory: &tempfile::TempDir) -> ArtifactStore {
    // A store that was dropped a moment ago may still be finishing a block.
    for _ in 0..1000 {
        match ArtifactStore::open(&config(directory.path())) {
            Err(OpenError::StagingInUse { .. }) => std::thread::sleep(Duration::from_millis(5)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the staging directory stays in use");
}

/// A store over a bucket that the test can reach behind its back.
fn bucket(directory: &tempfile::TempDir) -> (ArtifactStore, Arc<InMemory>) {
    let objects = Arc::new(InMemory::new());
    let backend = Backend { objects: objects.clone(), root: None };
    let store = ArtifactStore::open_with(&config(directory.path()), |_| Ok(backend)).unwrap();
    (store, objects)
}

fn id(number: u128) -> UploadId {
    UploadId(Uuid::from_u128(number))
}

/// Bytes that repeat at no power of two.
fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251).to_le_bytes()[0] ^ (at / 251 % 13).to_le_bytes()[0]).collect()
}

async fn upload(
    store: &ArtifactStore,
    id: UploadId,
    bytes: &[u8],
    chunk: usize,
) -> Result<Stored, FinishError> {
    let size = bytes.len() as u64;
    let mut upload = store.begin(id, Sha256Digest::of(bytes), size).await.unwrap();
    let from = usize::try_from(upload.offset()).unwrap();
    for chunk in bytes[from..].chunks(chunk) {
        upload.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    upload.finish().await
}

async fn collect(mut download: Download) -> Result<Vec<u8>, ReadError> {
    let mut whole = Vec::new();
    while let Some(chunk) = download.next().await {
        let chunk = chunk?;
        assert!(!chunk.is_empty() && chunk.len() <= crate::READ_CHUNK_BYTES);
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

fn object_path(directory: &tempfile::TempDir, digest: &Sha256Digest) -> std::path::PathBuf {
    directory.path().join("store").join(crate::names::relative_path(digest))
}

fn staged_files(directory: &tempfile::TempDir) -> usize {
    let files = std::fs::read_dir(directory.path().join("staging")).unwrap();
    files.filter(|file| file.as_ref().unwrap().file_name() != "lock").count()
}
