//! The durable store through its public face.

use std::{os::unix::fs::PermissionsExt as _, sync::Arc};

use crate::{
    BATCH_BYTES_MAX, Batch, CommitError, Durable, KEY_BYTES_MAX, OpenError, ReadError, Span,
};

const TABLES: &[&str] = &["jobs", "leases"];

fn open(directory: &tempfile::TempDir) -> Durable {
    Durable::open(directory.path().join("state.redb"), TABLES).unwrap()
}

#[tokio::test]
async fn everything_acknowledged_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    for number in 0_u32..20 {
        let batch = Batch::new().create("jobs", number.to_be_bytes(), b"queued".to_vec());
        store.commit(batch).await.unwrap();
    }
    store.commit(Batch::new().delete("jobs", 3_u32.to_be_bytes())).await.unwrap();
    drop(store);
    let store = open(&directory);
    let found = store.scan("jobs", &Span::all(), 100).unwrap();
    let keys: Vec<u32> =
        found.iter().map(|(key, _)| u32::from_be_bytes(key[..].try_into().unwrap())).collect();
    assert_eq!(keys, (0..20).filter(|number| *number != 3).collect::<Vec<_>>());
}

#[test]
fn the_file_is_its_owners_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    drop(open(&directory));
    assert_eq!(mode(&path) & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&directory));
    assert_eq!(mode(&path) & 0o777, 0o600, "an existing file was left open to others");
}

#[tokio::test]
async fn a_failed_precondition_refuses_its_own_batch_only() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let same = |value: &str| Batch::new().create("jobs", "a", value).put("leases", value, "x");
    let other = Batch::new().create("jobs", "b", "other");
    let (first, second, third) =
        tokio::join!(store.commit(same("1")), store.commit(same("2")), store.commit(other));
    let exists = CommitError::Exists { table: "jobs", key: b"a".to_vec() };
    assert_eq!((first, second, third), (Ok(()), Err(exists), Ok(())));
    assert_eq!(store.get("jobs", b"a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(store.get("leases", b"2").unwrap(), None, "a refused batch had an effect");
    assert_eq!(store.stats().batches, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_share_commits() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let tasks: Vec<_> = (0_u32..256)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0_u32..4 {
                    let key = [writer.to_be_bytes(), round.to_be_bytes()].concat();
                    store.commit(Batch::new().create("jobs", key, "x")).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stats = store.stats();
    assert_eq!(stats.batches, 1024);
    assert!(stats.commits < 256, "{} commits for 1,024 batches", stats.commits);
    assert_eq!(store.scan("jobs", &Span::all(), 2000).unwrap().len(), 1024);
}

#[test]
fn a_second_handle_is_told_that_the_store_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let again = Durable::open(directory.path().join("state.redb"), TABLES);
    assert!(matches!(again, Err(OpenError::Locked { .. })), "{again:?}");
    drop(store);
    drop(open(&directory));
}

#[test]
fn bounds_and_names_are_checked_before_anything_is_queued() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let commit = |batch| store.commit_blocking(batch);
    assert_eq!(commit(Batch::new()), Ok(()));
    let unknown = commit(Batch::new().put("nowhere", "a", "b"));
    assert_eq!(unknown, Err(CommitError::UnknownTable { table: "nowhere" }));
    let empty = commit(Batch::new().put("jobs", "", "b"));
    assert_eq!(empty, Err(CommitError::Key { table: "jobs", length: 0 }));
    let long = commit(Batch::new().delete("jobs", vec![0; KEY_BYTES_MAX + 1]));
    assert_eq!(long, Err(CommitError::Key { table: "jobs", length: KEY_BYTES_MAX + 1 }));
    let large = commit(Batch::new().put("jobs", "a", vec![0; BATCH_BYTES_MAX]));
    assert!(matches!(large, Err(CommitError::TooLarge { .. })), "{large:?}");
    let fits = commit(Batch::new().put("jobs", "a", vec![0; BATCH_BYTES_MAX - 1024]));
    assert_eq!(fits, Ok(()));
    assert!(matches!(store.get("nowhere", b"a"), Err(ReadError::UnknownTable { .. })));
}

#[test]
fn a_nearly_full_disk_refuses_growth_but_not_reads_or_deletes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let store = Durable::open_with_reserve(&path, TABLES, 0).unwrap();
    store.commit_blocking(Batch::new().put("jobs", "a", "1")).unwrap();
    drop(store);
    let store = Durable::open_with_reserve(&path, TABLES, u64::MAX).unwrap();
    let refused = store.commit_blocking(Batch::new().put("jobs", "b", "2"));
    assert!(matches!(refused, Err(CommitError::Full { .. })), "{refused:?}");
    assert_eq!(store.get("jobs", b"a").unwrap().as_deref(), Some(&b"1"[..]));
    store.commit_blocking(Batch::new().delete("jobs", "a")).unwrap();
    assert_eq!(store.get("jobs", b"a").unwrap(), None);
    assert!(!store.broken().is_cancelled());
}

#[test]
fn a_snapshot_does_not_see_what_came_later() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    store.commit_blocking(Batch::new().put("jobs", "a", "1")).unwrap();
    let before = store.snapshot().unwrap();
    store.commit_blocking(Batch::new().put("jobs", "a", "2").put("jobs", "b", "2")).unwrap();
    assert_eq!(before.get("jobs", b"a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(before.scan("jobs", &Span::all(), 9).unwrap().len(), 1);
    assert_eq!(store.scan("jobs", &Span::all(), 9).unwrap().len(), 2);
}

#[test]
fn spans_page_and_end_where_they_should() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let keys: [&[u8]; 6] = [b"a", b"ab", b"ab\xff", b"ab\xff\xff", b"ac", b"\xff\xff"];
    let batch = keys.iter().fold(Batch::new(), |batch, key| batch.put("jobs", *key, "x"));
    store.commit_blocking(batch).unwrap();
    let scan = |span: Span| {
        let found = store.scan("jobs", &span, 100).unwrap();
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(scan(Span::all()), keys);
    assert_eq!(scan(Span::prefix("ab")), keys[1..4]);
    assert_eq!(scan(Span::prefix(*b"ab\xff")), keys[2..4]);
    assert_eq!(scan(Span::prefix(*b"\xff")), keys[5..]);
    assert_eq!(scan(Span::prefix("")), keys);
    assert_eq!(scan(Span::between("ab", "ac")), keys[1..4]);
    assert_eq!(scan(Span::between("b", "a")), Vec::<Vec<u8>>::new());
    assert_eq!(scan(Span::prefix("ab").after(*b"ab\xff")), keys[3..4]);
    assert_eq!(scan(Span::prefix("a").after("z")), Vec::<Vec<u8>>::new());
    assert_eq!(store.scan("jobs", &Span::all(), 2).unwrap().len(), 2);
    let last = store.last("jobs", &Span::prefix("a")).unwrap();
    assert_eq!(last.map(|(key, _)| key).as_deref(), Some(&b"ac"[..]));
    assert_eq!(store.last("leases", &Span::all()).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_created_by_many_has_one_winner() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&directory));
    let tasks: Vec<_> = (0_u32..64)
        .map(|writer| {
            let store = Arc::clone(&store);
            let batch = Batch::new().create("jobs", "one", writer.to_be_bytes());
            tokio::spawn(async move { store.commit(batch).await.map(|()| writer) })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await.unwrap().ok());
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.get("jobs", b"one").unwrap().unwrap(), winners[0].to_be_bytes());
}
