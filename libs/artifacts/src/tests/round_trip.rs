//! What goes in comes out, whatever the chunks, and is hashed once.

use ids::{Digests, Sha256Digest};
use proptest::prelude::*;

use super::{bucket, collect, id, local, object_path, sample, staged_files, upload};
use crate::{FinishError, ReadError};

#[tokio::test]
async fn an_artifact_comes_back_whole_and_from_any_offset() {
    let directory = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    for store in [local(&directory), bucket(&other).0] {
        for (number, length) in [0, 1, 5000, 3 << 20, (9 << 20) + 17].into_iter().enumerate() {
            let bytes = sample(length);
            let stored = upload(&store, id(number as u128), &bytes, 100_000).await.unwrap();
            assert_eq!(stored.digests, Digests::of(&bytes));
            let digest = stored.digests.sha256;
            assert_eq!(stored.size, length as u64);
            assert_eq!(store.stat(&digest).await.unwrap(), Some(length as u64));
            let (size, download) = store.read_verified(&digest).await.unwrap();
            assert_eq!(size, length as u64);
            assert_eq!(collect(download).await.unwrap(), bytes);
            assert_eq!(store.rehash(&digest).await.unwrap(), stored.digests);
            for offset in [0, 1, length / 2, length] {
                let offset = offset.min(length);
                let (size, download) = store.read(&digest, offset as u64).await.unwrap();
                assert_eq!(size, length as u64);
                assert_eq!(collect(download).await.unwrap(), bytes[offset..]);
            }
            let past = store.read(&digest, length as u64 + 1).await;
            assert!(matches!(past, Err(ReadError::Offset { .. })), "{past:?}");
        }
    }
    assert_eq!(staged_files(&directory), 0);
    assert_eq!(staged_files(&other), 0);
}

#[tokio::test]
async fn uploaded_bytes_are_hashed_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let bytes = sample((5 << 20) + 3);
    upload(&store, id(1), &bytes, 65_536).await.unwrap();
    assert_eq!(store.hashed_bytes(), bytes.len() as u64);
}

#[tokio::test]
async fn objects_lie_under_their_digest_read_only_and_out_of_others_reach() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let stored = upload(&store, id(1), b"abc", 2).await.unwrap();
    let path = object_path(&directory, &stored.digests.sha256);
    assert!(
        path.ends_with(
            "sha256/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    );
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path), 0o400);
    assert_eq!(mode(directory.path().join("store")), 0o700);
    assert_eq!(mode(directory.path().join("staging")), 0o700);
}

#[tokio::test]
async fn small_documents_are_put_and_got() {
    let directory = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    for store in [local(&directory), bucket(&other).0] {
        for document in [&b""[..], b"{}", &sample(300_000)] {
            let stored = store.put_bytes(document).await.unwrap();
            assert_eq!(stored, store.put_bytes(document).await.unwrap());
            assert_eq!(stored.digests, Digests::of(document));
            let digest = stored.digests.sha256;
            let size = document.len() as u64;
            assert_eq!(store.get_bytes(&digest, size).await.unwrap(), document);
            if size > 0 {
                let error = store.get_bytes(&digest, size - 1).await.unwrap_err();
                assert!(matches!(error, ReadError::TooLarge { .. }), "{error:?}");
            }
        }
        let nobody = Sha256Digest::of(b"never stored");
        assert_eq!(store.stat(&nobody).await.unwrap(), None);
        let error = store.get_bytes(&nobody, 10).await.unwrap_err();
        assert!(matches!(error, ReadError::NotFound { .. }), "{error:?}");
        assert!(matches!(store.rehash(&nobody).await, Err(ReadError::NotFound { .. })));
        assert!(matches!(store.read(&nobody, 5).await, Err(ReadError::NotFound { .. })));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_uploaded_twice_at_once_are_stored_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let bytes = sample(3 << 20);
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (store, bytes) = (store.clone(), bytes.clone());
            tokio::spawn(async move { upload(&store, id(number), &bytes, 200_000).await })
        })
        .collect();
    for task in tasks {
        let stored: Result<_, FinishError> = task.await.unwrap();
        assert_eq!(stored.unwrap().digests, Digests::of(&bytes));
    }
    let digest = Sha256Digest::of(&bytes);
    let (_, download) = store.read_verified(&digest).await.unwrap();
    assert_eq!(collect(download).await.unwrap(), bytes);
    assert_eq!(staged_files(&directory), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn chunking_and_interruptions_do_not_show(
        length in 0_usize..6_000_000,
        chunks in proptest::collection::vec((0_usize..700_000, proptest::bool::weighted(0.1)), 1..12),
        offset in 0_usize..6_000_000,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let store = local(&directory);
            let bytes = sample(length);
            let digest = Sha256Digest::of(&bytes);
            let begin = || store.begin(id(1), digest, length as u64);
            let mut writer = begin().await.unwrap();
            let mut turns = chunks.iter().cycle();
            let mut interruptions = 0;
            while writer.offset() < length as u64 {
                let (chunk, interrupt) = turns.next().unwrap();
                let from = usize::try_from(writer.offset()).unwrap();
                let to = (from + chunk.max(&1000)).min(length);
                writer.write(bytes[from..to].to_vec().into()).await.unwrap();
                if *interrupt && interruptions < 5 {
                    interruptions += 1;
                    let taken = writer.offset();
                    drop(writer);
                    writer = begin().await.unwrap();
                    assert!(writer.offset() <= taken);
                }
            }
            let stored = writer.finish().await.unwrap();
            assert_eq!(stored.digests, Digests::of(&bytes));
            let offset = offset.min(length);
            let (_, download) = store.read(&digest, offset as u64).await.unwrap();
            assert_eq!(collect(download).await.unwrap(), bytes[offset..]);
        });
    }
}
