//! Bytes that rotted and stores that lie: found by every read that promises to.

use std::os::unix::fs::PermissionsExt as _;

use futures::StreamExt as _;
use ids::Sha256Digest;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::{bucket, collect, id, local, object_path, sample, upload};
use crate::{ReadError, names::key};

fn change(path: &std::path::Path, bytes: &[u8]) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn is_mismatch<T>(result: &Result<T, ReadError>) -> bool {
    matches!(result, Err(ReadError::Mismatch { .. }))
}

#[tokio::test]
async fn a_flipped_byte_is_found_wherever_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let bytes = sample(2_500_000);
    let digest = upload(&store, id(1), &bytes, 500_000).await.unwrap().digests.sha256;
    let path = object_path(&directory, &digest);
    for at in [0, 1_000_000, 1_048_576, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        change(&path, &flipped);
        let (_, mut download) = store.read_verified(&digest).await.unwrap();
        let mut given = 0;
        let error = loop {
            match download.next().await.expect("the stream ended as if all were well") {
                Ok(chunk) => given += chunk.len(),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, ReadError::Mismatch { expected, .. } if expected == digest));
        assert!(given < bytes.len(), "the last block came before the verdict");
        assert!(is_mismatch(&store.rehash(&digest).await));
        assert!(is_mismatch(&store.get_bytes(&digest, 1 << 30).await));
        let (_, plain) = store.read(&digest, 0).await.unwrap();
        assert_eq!(collect(plain).await.unwrap(), flipped, "a plain read promises nothing");
    }
}

#[tokio::test]
async fn truncated_extended_and_emptied_objects_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let bytes = sample(10_000);
    let digest = upload(&store, id(1), &bytes, 500).await.unwrap().digests.sha256;
    let path = object_path(&directory, &digest);
    let longer = [bytes.clone(), vec![0]].concat();
    for damaged in [&bytes[..9_999], &longer, b""] {
        change(&path, damaged);
        assert!(is_mismatch(&store.rehash(&digest).await));
        let (_, download) = store.read_verified(&digest).await.unwrap();
        assert!(is_mismatch(&collect(download).await));
    }
}

#[tokio::test]
async fn bytes_that_were_just_verified_heal_the_object() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let bytes = sample(10_000);
    let digest = upload(&store, id(1), &bytes, 500).await.unwrap().digests.sha256;
    let path = object_path(&directory, &digest);
    change(&path, b"rotten");
    upload(&store, id(2), &bytes, 500).await.unwrap();
    store.rehash(&digest).await.unwrap();
    change(&path, b"rotten");
    store.put_bytes(&bytes).await.unwrap();
    store.rehash(&digest).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_lies_is_caught() {
    let directory = tempfile::tempdir().unwrap();
    let (store, objects) = bucket(&directory);
    let bytes = sample(10_000_000);
    let digest = upload(&store, id(1), &bytes, 500_000).await.unwrap().digests.sha256;
    let mut swapped = bytes.clone();
    swapped[9_999_999] ^= 1;
    objects.put(&key(&digest), PutPayload::from(swapped)).await.unwrap();
    let (_, download) = store.read_verified(&digest).await.unwrap();
    assert!(is_mismatch(&collect(download).await));
    assert!(is_mismatch(&store.rehash(&digest).await));
    let small = store.put_bytes(b"document").await.unwrap().digests.sha256;
    objects.put(&key(&small), PutPayload::from_static(b"elsewise")).await.unwrap();
    assert!(is_mismatch(&store.get_bytes(&small, 100).await));
    store.put_bytes(b"document").await.unwrap();
    store.get_bytes(&small, 100).await.unwrap();
    assert_eq!(small, Sha256Digest::of(b"document"));
}
