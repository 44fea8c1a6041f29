//! Tests of the reader: nothing that does not lead to the checkpoint's root comes out of it.

use super::*;
use merkle::{verify_consistency, verify_inclusion};

use crate::{ReadError, Source as _, SourceError};

#[tokio::test]
async fn everything_that_was_published_is_read_back_and_proved() {
    let store = bucket();
    let log = Log::of(66_000);
    let reader = log.published(&store).await;
    let (mut view, note) = reader.newest(&key()).await.unwrap();
    assert_eq!((note, view.checkpoint()), (log.note(66_000), &log.checkpoint(66_000)));
    let (size, root) = (view.size(), view.checkpoint().root);
    for index in [0, 1, 255, 256, 65_535, 65_536, 65_999] {
        let entry = view.entry(index).await.unwrap();
        assert_eq!((entry.index, &entry.bytes[..]), (index, log.entry(index)));
        let leaf = view.leaf(index).await.unwrap();
        assert_eq!(leaf, leaf_hash(&entry.bytes));
        let proof = view.inclusion(index).await.unwrap();
        assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        let old = index + 1;
        let old_root = view.root_at(old).await.unwrap().unwrap();
        assert_eq!(Ok(old_root), log.tree.root_at(old));
        let proof = view.consistency(old).await.unwrap();
        assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
        let proof = view.inclusion_at(index, old).await.unwrap();
        assert_eq!(verify_inclusion(&leaf, index, old, &proof, &old_root), Ok(()));
    }
    let page = view.page(65_990).await.unwrap();
    assert_eq!((page.len(), page[0].index), (10, 65_990));
    assert!(matches!(view.page(66_000).await, Err(ReadError::Range(_))));
    assert!(matches!(view.inclusion(66_000).await, Err(ReadError::Range(_))));
    assert!(matches!(view.root_at(66_001).await, Err(ReadError::Range(_))));
    assert!(matches!(view.consistency(66_001).await, Err(ReadError::Range(_))));
}

#[tokio::test]
async fn an_older_checkpoint_is_read_from_full_files() {
    let store = bucket();
    let log = Log::of(600);
    let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
    for size in [100, 300, 600] {
        writer.publish(&log, &log.note(size)).await.unwrap();
    }
    // 100 in level 0, 1 in level 1 (300) and the bundles of both.
    assert_eq!(writer.sweep().await.unwrap(), 4);
    assert_eq!(writer.sweep().await.unwrap(), 0);
    for size in [100, 300] {
        let mut view = reader(&store).at(log.checkpoint(size)).await.unwrap();
        let last = view.entry(size - 1).await.unwrap();
        assert_eq!(&last.bytes[..], log.entry(size - 1));
        assert_eq!(view.inclusion(0).await.ok(), log.tree.inclusion(0, size).ok());
        assert!(view.entry(size).await.is_err(), "more than the checkpoint covers");
    }
}

#[tokio::test]
async fn no_changed_byte_of_any_file_comes_out() {
    let log = Log::of(520);
    let store = bucket();
    let reader = log.published(&store).await;
    for (path, bytes) in files(&store).await {
        for at in [0, 1, 2, 40, bytes.len() / 2, bytes.len() - 1] {
            if at >= bytes.len() {
                continue;
            }
            spoil(&store, &path, at).await;
            let read = async {
                let (mut view, _) = reader.newest(&key()).await?;
                let mut entries = Vec::new();
                for from in [0, 256, 512] {
                    entries.extend(view.page(from).await?.into_iter().map(|e| e.bytes.to_vec()));
                }
                Ok::<_, ReadError>(entries)
            };
            assert!(read.await.is_err(), "{path} at {at}");
            put(&store, &path, bytes.clone()).await;
        }
        delete(&store, &path).await;
        let read = async {
            let (mut view, _) = reader.newest(&key()).await?;
            for from in [0, 256, 512] {
                view.page(from).await?;
            }
            Ok::<_, ReadError>(())
        };
        let missing = read.await.unwrap_err();
        assert!(missing.to_string().contains(&path), "{path}: {missing}");
        put(&store, &path, bytes).await;
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_key_or_log_is_refused() {
    let store = bucket();
    let log = Log::of(3);
    let reader = log.published(&store).await;
    let other = VerifierKey::new(ORIGIN, signing_key(2).verifying_key()).unwrap();
    assert!(matches!(reader.newest(&other).await, Err(ReadError::Checkpoint { .. })));
    let foreign = Checkpoint { origin: "other.example".to_owned(), ..log.checkpoint(3) };
    let note = checkpoint::sign(&foreign, &signing_key(1), ORIGIN).unwrap();
    put(&store, "checkpoint", note.into_bytes()).await;
    assert!(matches!(reader.newest(&key()).await, Err(ReadError::Checkpoint { .. })));
    put(&store, "checkpoint", vec![b'x'; 16 * 1024 + 1]).await;
    assert!(matches!(reader.note().await, Err(SourceError::TooLong { .. })));
    delete(&store, "checkpoint").await;
    assert!(matches!(reader.newest(&key()).await, Err(ReadError::Missing(_))));
}

#[tokio::test]
async fn no_more_than_a_files_bound_is_read() {
    let store = bucket();
    put(&store, "tile/0/000", vec![0; 8193]).await;
    let refused = store.get("tile/0/000", 8192).await;
    assert!(matches!(refused, Err(SourceError::TooLong { max_bytes: 8192, .. })));
    assert_eq!(store.get("tile/0/000", 8193).await.unwrap().unwrap().len(), 8193);
    assert!(store.get("tile/0/001", 8192).await.unwrap().is_none());
}

#[tokio::test]
async fn an_empty_log_is_a_log() {
    let store = bucket();
    let reader = Log::default().published(&store).await;
    let (mut view, _) = reader.newest(&key()).await.unwrap();
    assert_eq!(view.size(), 0);
    assert_eq!(view.root_at(0).await.unwrap(), Some(merkle::empty_root()));
    assert!(view.entry(0).await.is_err());
    assert_eq!(files(&store).await.len(), 1);
}
