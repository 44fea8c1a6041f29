//! Tests of the check: a clean log is clean, and each spoilt file is named with its place.

use super::*;
use crate::{FAULTS_MAX, Fault, FaultKind, Progress, Report, fsck};

async fn checked(store: &TileStore, log: &Log) -> Report {
    fsck(&reader(store), &log.checkpoint(log.tree.len()), |_| {}).await.unwrap()
}

/// Kind, file and place of each fault.
fn found(report: &Report) -> Vec<(FaultKind, &str, Option<u64>)> {
    let each = |fault| {
        let Fault { kind, file, place, .. }: &Fault = fault;
        (*kind, file.as_str(), *place)
    };
    report.faults.iter().map(each).collect()
}

#[tokio::test]
async fn what_was_published_is_clean_at_every_size() {
    for size in [0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 1_000] {
        let (store, log) = (bucket(), Log::of(size));
        log.published(&store).await;
        let report = checked(&store, &log).await;
        assert!(report.is_clean(), "{size}: {report:?}");
        assert_eq!((report.entries, report.size), (size, size));
        let files = files(&store).await.len() as u64;
        assert_eq!(report.bundles + report.tiles + 1, files, "{size}: a file was not read");
    }
}

#[tokio::test]
async fn a_large_log_is_clean_and_progress_is_told() {
    let (store, log) = (bucket(), Log::of(70_000));
    let reader = log.published(&store).await;
    let mut last = Progress { entries: 0, size: 70_000 };
    let progress = |now: Progress| {
        assert!(now.entries > last.entries && now.size == 70_000);
        last = now;
    };
    let report = fsck(&reader, &log.checkpoint(70_000), progress).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.entries, report.bundles, report.tiles), (70_000, 274, 274 + 2 + 1));
    assert_eq!(last.entries, 70_000);
}

#[tokio::test]
async fn each_spoilt_hash_is_named_with_its_tile() {
    let (store, log) = (bucket(), Log::of(70_000));
    log.published(&store).await;
    // The file, a byte in it, and the hash that this is in.
    for (path, at) in [
        ("tile/0/000", 0),
        ("tile/0/005", 8_191),
        ("tile/0/272", 32),
        ("tile/0/273.p/112", 40),
        ("tile/1/000", 64),
        ("tile/1/001.p/17", 33),
        ("tile/2/000.p/1", 5),
    ] {
        let good = files(&store).await;
        spoil(&store, path, at).await;
        let report = checked(&store, &log).await;
        let place = Some(at as u64 / 32);
        assert_eq!(found(&report), [(FaultKind::Changed, path, place)], "{report:?}");
        put(&store, path, good[path].clone()).await;
    }
}

#[tokio::test]
async fn each_spoilt_entry_is_named_with_its_bundle() {
    let (store, log) = (bucket(), Log::of(600));
    log.published(&store).await;
    let length = log.entries[0].len() + 2;
    assert!(log.entries.iter().all(|entry| entry.len() + 2 == length));
    for (path, entry) in [("tile/entries/000", 3), ("tile/entries/002.p/88", 600 - 512 - 1)] {
        let good = files(&store).await;
        // A digit of the commitment: the entry still reads as one.
        let at = entry * length + 2 + log.entries[0].iter().position(|b| *b == b':').unwrap() + 4;
        let mut bytes = good[path].clone();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        put(&store, path, bytes).await;
        let first = if path.ends_with("000") { 0 } else { 512 };
        let place = Some(first + entry as u64);
        let report = checked(&store, &log).await;
        assert_eq!(found(&report), [(FaultKind::Changed, path, place)], "{report:?}");
        put(&store, path, good[path].clone()).await;
    }
}

#[tokio::test]
async fn each_missing_or_misshapen_file_is_named() {
    let (store, log) = (bucket(), Log::of(600));
    log.published(&store).await;
    for (path, bytes) in files(&store).await {
        if path == "checkpoint" {
            continue;
        }
        delete(&store, &path).await;
        let report = checked(&store, &log).await;
        assert_eq!(found(&report), [(FaultKind::Missing, path.as_str(), None)], "{report:?}");
        for bad in [&bytes[1..], &bytes[..bytes.len() - 1], &[&bytes[..], b"more"].concat(), b""] {
            put(&store, &path, bad.to_vec()).await;
            let report = checked(&store, &log).await;
            let named = (FaultKind::Malformed, path.as_str(), None);
            assert_eq!(found(&report)[0], named, "{} bytes: {report:?}", bad.len());
        }
        put(&store, &path, bytes).await;
    }
    assert!(checked(&store, &log).await.is_clean());
}

#[tokio::test]
async fn another_root_is_a_fault_of_everything_together() {
    let (store, log) = (bucket(), Log::of(600));
    let reader = log.published(&store).await;
    let lie = Checkpoint { root: leaf_hash(b"lie"), ..log.checkpoint(600) };
    let report = fsck(&reader, &lie, |_| {}).await.unwrap();
    assert_eq!(found(&report), [(FaultKind::Root, "checkpoint", None)]);
    // One entry and its hash were exchanged, all the way up to where it shows.
    let mut other = log.clone();
    other.entries[599] = canonical::to_vec(&entry(9_999)).unwrap();
    let mut tree: Tree = (0..599).filter_map(|index| log.tree.leaf(index)).collect();
    tree.append(leaf_hash(&other.entries[599]));
    other.tree = tree;
    let store = bucket();
    other.published(&store).await;
    let report = checked(&store, &log).await;
    let kinds: Vec<_> = found(&report).into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds.last(), Some(&FaultKind::Root), "{report:?}");
}

#[tokio::test]
async fn entries_that_a_ledger_does_not_write_are_faults() {
    let mut log = Log::of(4);
    log.append(b"{}".to_vec());
    log.append(canonical::to_vec(&entry(2)).unwrap());
    let future = LedgerEntry { logged_at: Timestamp::from_unix_ms(9_999_999), ..entry(7) };
    log.append(canonical::to_vec(&future).unwrap());
    log.append(canonical::to_vec(&entry(8)).unwrap());
    log.append(canonical::to_vec(&LedgerEntry { schema: "x".to_owned(), ..future }).unwrap());
    log.append([&canonical::to_vec(&entry(10)).unwrap()[..], b" "].concat());
    let store = bucket();
    log.published(&store).await;
    let report = checked(&store, &log).await;
    let file = "tile/entries/000.p/10";
    assert_eq!(
        found(&report),
        [
            (FaultKind::NotAnEntry, file, Some(4)),
            (FaultKind::Twice, file, Some(5)),
            (FaultKind::TimeWentBack, file, Some(5)),
            (FaultKind::TimeWentBack, file, Some(7)),
            (FaultKind::NotAnEntry, file, Some(8)),
            (FaultKind::NotAnEntry, file, Some(9)),
        ],
        "{report:?}"
    );
}

#[tokio::test]
async fn the_list_of_faults_is_bounded_and_the_count_is_not() {
    let mut log = Log::default();
    for _ in 0..1_500 {
        log.append(b"no entry".to_vec());
    }
    let store = bucket();
    log.published(&store).await;
    let report = checked(&store, &log).await;
    assert_eq!((report.faults.len(), report.faults_total), (FAULTS_MAX, 1_500));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["faults"][0]["kind"], "notAnEntry");
    assert_eq!(json["faultsTotal"], 1_500);
}

#[tokio::test]
async fn a_checkpoint_of_no_end_over_nothing_is_given_up() {
    let log = Log::of(1);
    let endless = Checkpoint { size: 1 << 62, ..log.checkpoint(1) };
    let report = fsck(&reader(&bucket()), &endless, |_| {}).await.unwrap();
    assert!(report.stopped && !report.is_clean() && report.faults_total < 5_000, "{report:?}");
}
