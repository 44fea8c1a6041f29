//! Tests of a writer over real directories and over a bucket that fail, lose answers, or were left
//! halfway.

mod stub;

use super::*;
use crate::{PublishError, Published, WriterError};
use stub::{FaultyDisk, conflicting, faulty, unconditional};

/// A log of 300 entries, and a directory for it on a disk that can fail.
struct Place {
    log: Log,
    folder: tempfile::TempDir,
    disk: FaultyDisk,
    store: TileStore,
}

impl Place {
    fn new() -> Self {
        let (folder, disk) = (tempfile::tempdir().unwrap(), FaultyDisk::default());
        let store = TileStore { disk: Arc::new(disk.clone()), ..directory(folder.path()) };
        Self { log: Log::of(300), folder, disk, store }
    }
}

async fn open(store: &TileStore) -> Result<Writer, WriterError> {
    Writer::open(store.clone(), key(), "test").await
}

/// A writer that has published the first `size` entries.
async fn begun(store: &TileStore, log: &Log, size: u64) -> Writer {
    let mut writer = open(store).await.unwrap();
    writer.publish(log, &log.note(size)).await.unwrap();
    writer
}

fn is_broken(refused: &Result<Published, PublishError>) -> bool {
    matches!(refused, Err(PublishError::Broken { .. }))
}

#[tokio::test]
async fn after_a_sync_that_failed_the_writer_publishes_nothing_more() {
    let Place { log, folder: _folder, store, .. } = Place::new();
    let (store, armed) = faulty(&store);
    let mut writer = begun(&store, &log, 10).await;
    // The file is there, and its directory was not synced.
    *armed.lock().unwrap() = Some("tile/0/000".to_owned());
    let refused = writer.publish(&log, &log.note(300)).await.unwrap_err();
    assert!(matches!(&refused, PublishError::Broke { path, .. } if path == "tile/0/000"));
    assert!(refused.is_broken(), "{refused}");
    assert!(is_broken(&writer.publish(&log, &log.note(300)).await));
    assert_eq!(files(&store).await["checkpoint"], log.note(10).into_bytes());
    drop(writer);
    let mut writer = open(&store).await.unwrap();
    let written = writer.publish(&log, &log.note(300)).await.unwrap();
    assert!(written.found > 0, "{written:?}");
}

#[tokio::test]
async fn what_is_found_in_a_directory_is_written_again_and_not_believed_durable() {
    let Place { log, folder, store, .. } = Place::new();
    drop(begun(&store, &log, 10).await);
    let other = bucket();
    log.published(&other).await;
    put(&store, "tile/0/000", files(&other).await["tile/0/000"].clone()).await;
    let inode = || {
        std::os::unix::fs::MetadataExt::ino(&folder.path().join("tile/0/000").metadata().unwrap())
    };
    let before = inode();
    let written = open(&store).await.unwrap().publish(&log, &log.note(300)).await.unwrap();
    assert_eq!(written.found, 1);
    assert_ne!(inode(), before);
}

#[tokio::test]
async fn a_checkpoint_whose_exchange_failed_leaves_a_broken_writer() {
    let Place { log, folder: _folder, disk, store } = Place::new();
    let mut writer = begun(&store, &log, 10).await;
    disk.fail();
    let refused = writer.publish(&log, &log.note(300)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Broke { .. }), "{refused}");
    // Readers may see 300 already: 200 would go back.
    assert!(is_broken(&writer.publish(&log, &log.note(200)).await));
    drop(writer);
    let mut writer = open(&store).await.unwrap();
    assert_eq!(writer.published(), Some(&log.checkpoint(300)));
    let back = writer.publish(&log, &log.note(200)).await;
    assert!(matches!(back, Err(PublishError::Back { .. })));
}

#[tokio::test]
async fn a_publication_that_nobody_waits_for_holds_the_lock_until_it_ends() {
    let Place { log, folder: _folder, disk, store } = Place::new();
    let mut writer = begun(&store, &log, 10).await;
    disk.wait();
    let note = log.note(200);
    let cancelled = async {
        tokio::select! {
            biased;
            ended = writer.publish(&log, &note) => panic!("{ended:?}"),
            () = async { while !disk.is_waiting() { tokio::task::yield_now().await } } => {}
        }
    };
    cancelled.await;
    assert!(is_broken(&writer.publish(&log, &log.note(300)).await));
    drop(writer);
    // Another writer would publish, and the late exchange would take that back.
    let held = open(&store).await.unwrap_err();
    assert!(matches!(held, WriterError::Held { .. }), "{held}");
    disk.go();
    let mut writer = loop {
        match open(&store).await {
            Ok(writer) => break writer,
            Err(WriterError::Held { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(writer.published(), Some(&log.checkpoint(200)));
    writer.publish(&log, &log.note(300)).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_a_bucket_lost_is_no_other_writer() {
    for begun in [0, 10] {
        let (store, armed) = faulty(&bucket());
        let log = Log::of(300);
        let mut writer = open(&store).await.unwrap();
        if begun > 0 {
            writer.publish(&log, &log.note(begun)).await.unwrap();
        }
        *armed.lock().unwrap() = Some("checkpoint".to_owned());
        let refused = writer.publish(&log, &log.note(100)).await.unwrap_err();
        assert!(matches!(refused, PublishError::Write { .. }), "{refused}");
        assert!(!refused.is_broken(), "{refused}");
        let back = writer.publish(&log, &log.note(50)).await;
        assert!(
            matches!(back, Err(PublishError::Back { published: 100, offered: 50 })),
            "{back:?}"
        );
        writer.publish(&log, &log.note(300)).await.unwrap();
        assert_eq!(files(&store).await["checkpoint"], log.note(300).into_bytes());
    }
}

#[tokio::test]
async fn a_request_that_is_under_way_is_no_other_writer() {
    let (store, armed) = conflicting(&bucket());
    let log = Log::of(300);
    let mut writer = open(&store).await.unwrap();
    // The first checkpoint is created, the second exchanged.
    for (size, paths) in
        [(100, ["tile/0/000.p/100", "checkpoint"]), (300, ["tile/0/000", "checkpoint"])]
    {
        for path in paths {
            *armed.lock().unwrap() = Some(path.to_owned());
            let refused = writer.publish(&log, &log.note(size)).await.unwrap_err();
            assert!(
                matches!(&refused, PublishError::Write { path: p, .. } if p == path),
                "{refused}"
            );
        }
        writer.publish(&log, &log.note(size)).await.unwrap();
        assert_eq!(files(&store).await["checkpoint"], log.note(size).into_bytes());
    }
}

#[tokio::test]
async fn a_bucket_that_ignores_conditions_is_refused() {
    let store = unconditional(&bucket());
    let log = Log::of(10);
    for _ in 0..2 {
        let refused = open(&store).await.unwrap().publish(&log, &log.note(10)).await.unwrap_err();
        assert!(matches!(refused, PublishError::Unfenced { .. }), "{refused}");
    }
    assert!(!files(&store).await.contains_key("checkpoint"));
}

#[tokio::test]
async fn a_damaged_file_beyond_the_checkpoint_is_replaced_and_a_diverged_one_is_not() {
    let Place { log, folder: _folder, store, .. } = Place::new();
    let whole = bucket();
    log.published(&whole).await;
    let whole = files(&whole).await;
    drop(begun(&store, &log, 10).await);
    put(&store, "tile/0/001.p/44", Vec::new()).await;
    put(&store, "tile/entries/000", whole["tile/entries/000"][..100].to_vec()).await;
    let mut diverged = whole["tile/0/000"].clone();
    diverged[0] ^= 1;
    put(&store, "tile/0/000", diverged.clone()).await;
    let mut writer = open(&store).await.unwrap();
    let refused = writer.publish(&log, &log.note(300)).await.unwrap_err();
    assert!(matches!(&refused, PublishError::Diverged { path, .. } if path == "tile/0/000"));
    assert!(refused.to_string().contains("aibom ledger fsck"), "{refused}");
    assert_eq!(files(&store).await["tile/0/000"], diverged);
    delete(&store, "tile/0/000").await;
    writer.publish(&log, &log.note(300)).await.unwrap();
    let files = files(&store).await;
    assert!(whole.iter().all(|(path, bytes)| files[path] == *bytes));
}

#[tokio::test]
async fn what_a_killed_writer_left_is_deleted_at_open_and_nothing_else() {
    let Place { log, folder, store, .. } = Place::new();
    drop(begun(&store, &log, 300).await);
    let left = ["checkpoint#1", "tile/0/000#0", "tile/entries/001.p/44#12"];
    let kept = ["notes#x", "tile/0/000#"];
    for name in left.iter().chain(&kept) {
        std::fs::write(folder.path().join(name), b"half").unwrap();
    }
    let published = files(&store).await;
    let _writer = open(&store).await.unwrap();
    assert!(left.iter().all(|name| !folder.path().join(name).exists()));
    assert!(kept.iter().all(|name| folder.path().join(name).exists()));
    assert!(published.iter().all(|(path, _)| folder.path().join(path).exists()));
}

#[tokio::test]
async fn tiles_without_a_checkpoint_are_refused_but_for_a_first_publication_cut_short() {
    let Place { mut log, folder: _folder, store, .. } = Place::new();
    for store in [bucket(), store] {
        log.broken_at = Some(270);
        let cut = open(&store).await.unwrap().publish(&log, &log.note(300)).await;
        assert!(matches!(cut, Err(PublishError::Content { .. })));
        assert!(files(&store).await.contains_key("tile/entries/000"));
        log.broken_at = None;
        drop(begun(&store, &log, 300).await);
        delete(&store, "checkpoint").await;
        let refused = open(&store).await.unwrap_err();
        assert!(matches!(refused, WriterError::NoCheckpoint { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_note_that_lacks_a_published_line_takes_no_cosignature_away() {
    let store = bucket();
    let log = Log::of(30);
    let witnessed = format!("{}\u{2014} witness.example AAAAAAA=\n", log.note(30));
    let mut writer = open(&store).await.unwrap();
    writer.publish(&log, &witnessed).await.unwrap();
    assert_eq!(writer.publish(&log, &log.note(30)).await.unwrap(), Published::default());
    assert_eq!(files(&store).await["checkpoint"], witnessed.into_bytes());
}
