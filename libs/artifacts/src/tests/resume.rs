//! Interrupted uploads: in one process, over a restart, with two writers, and left behind.

use std::time::Duration;

use bytes::Bytes;
use ids::{Digests, Sha256Digest};

use super::{bucket, id, local, sample, staged_files, upload};
use crate::{BeginError, OpenError, Swept, WriteError};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn an_upload_resumes_where_it_was_without_hashing_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let bytes = sample(10 * MIB);
    let digest = Sha256Digest::of(&bytes);
    let mut writer = store.begin(id(1), digest, bytes.len() as u64).await.unwrap();
    assert_eq!(writer.offset(), 0);
    for chunk in bytes[..5 * MIB].chunks(MIB) {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    drop(writer);
    let writer = store.begin(id(1), digest, bytes.len() as u64).await.unwrap();
    assert_eq!(writer.offset(), 4 * MIB as u64, "whole blocks stay, the gathering one does not");
    drop(writer);
    let stored = upload(&store, id(1), &bytes, MIB).await.unwrap();
    assert_eq!(stored.digests, Digests::of(&bytes));
    assert_eq!(store.hashed_bytes(), bytes.len() as u64);
}

#[tokio::test]
async fn after_a_restart_the_staged_prefix_is_hashed_once_and_continued() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = sample(10 * MIB);
    let digest = Sha256Digest::of(&bytes);
    let store = local(&directory);
    let mut writer = store.begin(id(1), digest, bytes.len() as u64).await.unwrap();
    for chunk in bytes[..6 * MIB].chunks(MIB) {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    drop(writer);
    // Waits for the block in flight, so that the next process finds it.
    drop(store.begin(id(1), digest, bytes.len() as u64).await.unwrap());
    drop(store);
    let store = local(&directory);
    let writer = store.begin(id(1), digest, bytes.len() as u64).await.unwrap();
    assert_eq!(writer.offset(), 6 * MIB as u64);
    assert_eq!(store.hashed_bytes(), 6 * MIB as u64);
    drop(writer);
    upload(&store, id(1), &bytes, MIB).await.unwrap();
    assert_eq!(store.hashed_bytes(), bytes.len() as u64);
    assert_eq!(store.rehash(&digest).await.unwrap(), Digests::of(&bytes));
}

#[tokio::test]
async fn an_upload_has_one_writer_and_one_promise() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let digest = Sha256Digest::of(b"abc");
    let writer = store.begin(id(1), digest, 3).await.unwrap();
    let second = store.begin(id(1), digest, 3).await;
    assert!(matches!(second, Err(BeginError::Busy { .. })), "{second:?}");
    let other = store.begin(id(1), digest, 4).await;
    assert!(matches!(other, Err(BeginError::Different { .. })), "{other:?}");
    let other = store.begin(id(1), Sha256Digest::of(b"abd"), 3).await;
    assert!(matches!(other, Err(BeginError::Different { .. })), "{other:?}");
    drop(writer);
    upload(&store, id(1), b"abc", 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_at_once_one_writes() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let digest = Sha256Digest::of(b"abc");
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.begin(id(1), digest, 3).await })
        })
        .collect();
    let mut writers = Vec::new();
    for task in tasks {
        writers.extend(task.await.unwrap().ok());
    }
    assert_eq!(writers.len(), 1);
}

#[tokio::test]
async fn a_staging_directory_has_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let second = crate::ArtifactStore::open(&super::config(directory.path()));
    assert!(matches!(second, Err(OpenError::StagingInUse { .. })), "{second:?}");
    drop(store);
    local(&directory);
}

#[tokio::test]
async fn abandoned_uploads_are_swept_and_the_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let bytes = sample(3 * MIB);
    let begin = |number| store.begin(id(number), Sha256Digest::of(&bytes), bytes.len() as u64);
    let mut abandoned = begin(1).await.unwrap();
    abandoned.write(Bytes::copy_from_slice(&bytes)).await.unwrap();
    drop(abandoned);
    drop(begin(1).await.unwrap());
    let written = begin(2).await.unwrap();
    std::fs::write(directory.path().join("staging/notes.txt"), b"not ours").unwrap();
    let young = store.sweep_staging(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(young, Swept { uploads: 0, bytes: 0 });
    let swept = store.sweep_staging(Duration::ZERO).await.unwrap();
    assert_eq!(swept, Swept { uploads: 1, bytes: bytes.len() as u64 });
    assert_eq!(staged_files(&directory), 2, "the one being written, and the file that is not ours");
    drop(written);
    assert_eq!(begin(1).await.unwrap().offset(), 0);
}

#[tokio::test]
async fn a_staged_prefix_that_changed_is_found_by_the_digest() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = sample(4 * MIB);
    let digest = Sha256Digest::of(&bytes);
    let store = local(&directory);
    let mut writer = store.begin(id(1), digest, bytes.len() as u64).await.unwrap();
    writer.write(Bytes::copy_from_slice(&bytes[..2 * MIB])).await.unwrap();
    drop(writer);
    drop(store.begin(id(1), digest, bytes.len() as u64).await.unwrap());
    drop(store);
    let name = crate::names::staging_name(
        id(1),
        &crate::names::Promise { expected: digest, size: bytes.len() as u64 },
    );
    let path = directory.path().join("staging").join(name);
    let mut staged = std::fs::read(&path).unwrap();
    staged[77] ^= 1;
    std::fs::write(&path, staged).unwrap();
    let store = local(&directory);
    let refused = upload(&store, id(1), &bytes, MIB).await;
    assert!(matches!(refused, Err(crate::FinishError::Digest { .. })), "{refused:?}");
    assert_eq!(store.stat(&digest).await.unwrap(), None);
    upload(&store, id(1), &bytes, MIB).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_failed_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = bucket(&directory);
    let mut writer = store.begin(id(1), Sha256Digest::of(b"abc"), 3).await.unwrap();
    let long = writer.write(Bytes::from_static(b"abcd")).await;
    assert!(matches!(long, Err(WriteError::TooLong { size: 3 })), "{long:?}");
    let after = writer.write(Bytes::from_static(b"abc")).await;
    assert!(matches!(after, Err(WriteError::Stopped)), "{after:?}");
    assert!(writer.finish().await.is_err());
    assert_eq!(staged_files(&directory), 0);
}
