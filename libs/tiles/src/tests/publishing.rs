//! Tests of the writer: what is written once stays, and nothing goes back.

use super::*;
use crate::{PublishError, Published, WriterError};

/// The files of a log that grew in these steps, swept or not.
async fn grown(store: &TileStore, sizes: &[u64], sweep: bool) -> BTreeMap<String, Vec<u8>> {
    let mut log = Log::default();
    let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
    for size in sizes {
        log.grow(*size);
        writer.publish(&log, &log.note(*size)).await.unwrap();
        if sweep {
            writer.sweep().await.unwrap();
        }
    }
    files(store).await
}

#[tokio::test]
async fn a_log_that_grew_in_steps_has_the_files_of_one_that_did_not() {
    let folder = tempfile::tempdir().unwrap();
    let steps = grown(&directory(folder.path()), &[1, 5, 255, 256, 257, 511, 513], true).await;
    let once = grown(&bucket(), &[513], false).await;
    // The tile of level 1 is not full yet, so its part of 256 entries' time stays.
    let mut steps = steps;
    assert!(steps.remove("tile/1/000.p/1").is_some());
    assert!(steps == once, "{:?} and {:?}", steps.keys(), once.keys());
    let names: Vec<&str> = once.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/1",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/1",
        ]
    );
    assert_eq!(once["tile/0/000"].len(), 8192);
    assert!(!folder.path().join("tile/0/000.p").exists(), "an empty directory was left");
}

#[tokio::test]
async fn partial_files_of_every_published_size_stay_until_they_are_swept() {
    let files = grown(&bucket(), &[3, 200, 256, 300], false).await;
    for path in ["tile/0/000.p/3", "tile/0/000.p/200", "tile/entries/000.p/3", "tile/1/000.p/1"] {
        assert!(files.contains_key(path), "{path}");
    }
}

#[tokio::test]
async fn what_is_there_with_other_bytes_is_never_overwritten() {
    for path in ["tile/0/000", "tile/entries/000", "tile/1/000.p/1", "tile/0/001.p/44"] {
        let store = bucket();
        let log = Log::of(300);
        Log::of(1).published(&store).await;
        put(&store, path, b"another log".to_vec()).await;
        let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
        let refused = writer.publish(&log, &log.note(300)).await.unwrap_err();
        let named = matches!(&refused, PublishError::Diverged { path: named, .. } if named == path);
        assert!(named, "{refused}");
        let files = files(&store).await;
        assert_eq!(files[path], b"another log");
        assert_eq!(files["checkpoint"], log.note(1).into_bytes());
        assert_eq!(writer.published(), Some(&log.checkpoint(1)));
    }
}

#[tokio::test]
async fn a_publication_that_was_cut_short_is_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = directory(folder.path());
    let mut log = Log::of(100);
    log.published(&store).await;
    log.grow(2_000);
    log.broken_at = Some(1_900);
    let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
    let refused = writer.publish(&log, &log.note(2_000)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Content { .. }), "{refused}");
    assert_eq!(files(&store).await["checkpoint"], log.note(100).into_bytes());
    drop(writer);
    log.broken_at = None;
    let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
    assert_eq!(writer.published(), Some(&log.checkpoint(100)));
    let Published { created, found } = writer.publish(&log, &log.note(2_000)).await.unwrap();
    assert!(created > 0 && found > 0 && created + found == 17, "{created} and {found}");
    let again = writer.publish(&log, &log.note(2_000)).await.unwrap();
    assert_eq!(again, Published::default());
}

#[tokio::test]
async fn the_checkpoint_never_goes_back() {
    let store = bucket();
    let log = Log::of(300);
    log.published(&store).await;
    let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
    let refused = writer.publish(&log, &log.note(299)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Back { published: 300, offered: 299 }), "{refused}");
    // A log that was restored from an old backup and went on from there.
    let mut forked = Log::of(250);
    forked.append(canonical::to_vec(&entry(7_000)).unwrap());
    forked.grow(400);
    let refused = writer.publish(&forked, &forked.note(400)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Root { size: 300 }), "{refused}");
    // A checkpoint of another tree of the same size.
    let refused = writer.publish(&forked, &forked.note(300)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Root { size: 300 }), "{refused}");
    // A checkpoint over what the log does not have.
    let refused = writer.publish(&log, &forked.note(400)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Root { size: 400 }), "{refused}");
    let foreign = checkpoint::sign(&log.checkpoint(300), &signing_key(2), ORIGIN).unwrap();
    let refused = writer.publish(&log, &foreign).await.unwrap_err();
    assert!(matches!(refused, PublishError::Checkpoint(_)), "{refused}");
    assert_eq!(files(&store).await["checkpoint"], log.note(300).into_bytes());
}

#[tokio::test]
async fn a_checkpoint_may_gain_signature_lines() {
    let store = bucket();
    let log = Log::of(30);
    log.published(&store).await;
    let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
    let witnessed = format!("{}\u{2014} witness.example AAAAAAA=\n", log.note(30));
    assert_eq!(writer.publish(&log, &witnessed).await.unwrap(), Published::default());
    assert_eq!(files(&store).await["checkpoint"], witnessed.into_bytes());
}

#[tokio::test]
async fn a_full_checkpoint_gives_up_old_lines_for_new_ones_and_for_nothing_else() {
    let log = Log::of(5);
    let cosigned = |witnesses: std::ops::Range<u8>| {
        let line = |seed: u8| {
            let name = format!("witness.example/w{seed}");
            checkpoint::cosign(&log.checkpoint(5), &signing_key(seed), &name, 1_700_000_000)
        };
        witnesses.fold(log.note(5), |note, seed| note + &line(seed).unwrap())
    };
    let store = bucket();
    let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
    writer.publish(&log, &cosigned(10..18)).await.unwrap();
    for (offered, published) in [
        (cosigned(11..25), cosigned(10..18)),
        (cosigned(11..26), cosigned(11..26)),
        (cosigned(11..25), cosigned(11..26)),
        (log.note(5), cosigned(11..26)),
    ] {
        writer.publish(&log, &offered).await.unwrap();
        assert_eq!(reader(&store).note().await.unwrap().unwrap(), published);
    }
}

#[tokio::test]
async fn a_second_writer_of_a_directory_is_refused_and_told_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = directory(folder.path());
    let first = Writer::open(store.clone(), key(), "ledger on host-a").await.unwrap();
    let refused = Writer::open(store.clone(), key(), "ledger on host-b").await.unwrap_err();
    let WriterError::Held { holder, place } = refused else { panic!("{refused}") };
    assert_eq!(holder, format!("ledger on host-a, process {}", std::process::id()));
    assert_eq!(place, folder.path().display().to_string());
    drop(first);
    assert!(Writer::open(store, key(), "ledger on host-b").await.is_ok());
}

#[tokio::test]
async fn of_two_writers_of_a_bucket_the_loser_of_a_race_knows() {
    for begun in [0, 10] {
        let store = bucket();
        let log = Log::of(30);
        if begun > 0 {
            let mut writer = Writer::open(store.clone(), key(), "before").await.unwrap();
            writer.publish(&log, &log.note(begun)).await.unwrap();
        }
        let mut first = Writer::open(store.clone(), key(), "first").await.unwrap();
        let mut second = Writer::open(store.clone(), key(), "second").await.unwrap();
        second.publish(&log, &log.note(20)).await.unwrap();
        let refused = first.publish(&log, &log.note(15)).await.unwrap_err();
        let PublishError::Superseded { found, .. } = refused else { panic!("{refused}") };
        assert_eq!(found, format!("{ORIGIN} of 20 entries"));
        assert_eq!(files(&store).await["checkpoint"], log.note(20).into_bytes());
        // Whoever writes the very same checkpoint is not told apart from a lost answer.
        second.publish(&log, &log.note(30)).await.unwrap();
        assert!(first.publish(&log, &log.note(30)).await.is_ok());
    }
}

#[tokio::test]
async fn a_writer_does_not_take_up_another_logs_files() {
    let store = bucket();
    Log::of(3).published(&store).await;
    let other = VerifierKey::new("other.example", signing_key(1).verifying_key()).unwrap();
    let refused = Writer::open(store.clone(), other, "test").await.unwrap_err();
    assert!(matches!(refused, WriterError::Foreign { .. }), "{refused}");
    put(&store, "checkpoint", b"no checkpoint".to_vec()).await;
    let refused = Writer::open(store, key(), "test").await.unwrap_err();
    assert!(matches!(refused, WriterError::Foreign { .. }), "{refused}");
}

#[test]
fn a_place_that_is_not_there_is_no_empty_log() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert!(TileStore::open(missing.to_str().unwrap()).is_err());
    assert!(!missing.exists());
    for url in ["", "ftp://example.com/log", "file://host/log", "s3//bucket/../x"] {
        assert!(TileStore::open(url).is_err(), "{url}");
    }
    let url = format!("file://{}", folder.path().display());
    assert!(TileStore::open(&url).is_ok());
}
