//! The log: idempotent appends, proofs that verify, and a start that notices every change.

use std::path::Path;

use bundle::TAG_BYTES;
use keys::FileKey;
use merkle::{RangeError, checkpoint};
use store::Durable;

mod broken;

use super::*;
use crate::{Appended, LookupError, ReplayError, SignKeyError, TABLES};

const ORIGIN: &str = "mesh.test/ledger";

fn key(seed: u8) -> SignKey {
    let pem = keys::generate_ed25519(&[seed; 32]).unwrap();
    SignKey::new(FileKey::from_pem(&pem).unwrap(), ORIGIN).unwrap()
}

fn store(directory: &Path) -> Durable {
    Durable::open_with_reserve(directory.join("ledger.redb"), TABLES, 0).unwrap()
}

fn open(directory: &Path) -> Result<Log, ReplayError> {
    Log::replay(store(directory), key(1), Shows::Committed)
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn commitment(n: u64) -> Sha256Digest {
    Sha256Digest::of(&n.to_be_bytes())
}

fn leaf(n: u64) -> Leaf {
    Leaf { commitment: commitment(n), tag: Tag::from_bytes([7; TAG_BYTES]) }
}

/// Appends, and proves each under what is shown.
fn append(log: &Log, group: &[Leaf], now: Timestamp) -> Result<Vec<Appended>, AppendError> {
    let placed = log.append(group, now)?;
    let head = log.shown();
    placed.into_iter().map(|placed| Ok(log.prove(placed?, &head).unwrap())).collect()
}

/// The answer proves the commitment under its own checkpoint.
fn assert_proved(appended: &Appended, commitment: Sha256Digest) {
    let proof = &appended.proof;
    let head = checkpoint::verify(&proof.checkpoint, key(1).verifier()).unwrap();
    assert_eq!(head.origin, ORIGIN);
    let hash = leaf_hash(&appended.entry);
    merkle::verify_inclusion(&hash, proof.index, head.size, &proof.hashes, &head.root).unwrap();
    assert_eq!(LedgerEntry::parse(&appended.entry).unwrap().commitment, commitment);
}

#[test]
fn appended_commitments_are_proved_and_keep_their_index() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    for n in 0..20 {
        let appended = append(&log, &[leaf(n)], at(1_000)).unwrap();
        assert_eq!(appended[0].proof.index, n);
        assert_proved(&appended[0], commitment(n));
    }
    let first = append(&log, &[leaf(3)], at(9_000)).unwrap();
    assert_eq!((first[0].proof.index, log.shown().size), (3, 20));
    assert_proved(&first[0], commitment(3));
    let entry = LedgerEntry::parse(&first[0].entry).unwrap();
    assert_eq!(entry.logged_at, at(1_000), "the first time stays");
}

#[test]
fn a_group_costs_one_commit_and_repeats_share_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let before = log.store.stats().commits;
    let numbers = [0, 1, 1, 2, 0];
    let group = numbers.map(leaf);
    let appended = append(&log, &group, at(1)).unwrap();
    let indexes: Vec<u64> = appended.iter().map(|a| a.proof.index).collect();
    assert_eq!(indexes, [0, 1, 1, 2, 0]);
    assert_eq!(log.store.stats().commits - before, 1);
    for (answer, number) in appended.iter().zip(numbers) {
        assert_proved(answer, commitment(number));
    }
    log.append(&group, at(2)).unwrap();
    assert_eq!(log.store.stats().commits - before, 1, "nothing new, nothing written");
}

#[test]
fn time_in_the_log_does_not_run_backwards() {
    let directory = tempfile::tempdir().unwrap();
    let logged_at = |log: &Log, n, now| {
        let appended = append(log, &[leaf(n)], now).unwrap();
        LedgerEntry::parse(&appended[0].entry).unwrap().logged_at
    };
    let log = open(directory.path()).unwrap();
    assert_eq!(logged_at(&log, 0, at(5_000)), at(5_000));
    assert_eq!(logged_at(&log, 1, at(4_000)), at(5_000));
    drop(log);
    let log = open(directory.path()).unwrap();
    assert_eq!(logged_at(&log, 2, at(3_000)), at(5_000));
}

#[test]
fn proofs_hold_for_every_size_and_bounds_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let group: Vec<_> = (0..9).map(leaf).collect();
    log.append(&group, at(1)).unwrap();
    let root = |size| log.read().tree.root_at(size).unwrap();
    for size in 1..=9 {
        for index in 0..size {
            let proof = log.inclusion(index, size).unwrap();
            let leaf = leaf_hash(&proof.entry);
            merkle::verify_inclusion(&leaf, index, size, &proof.hashes, &root(size)).unwrap();
        }
        for old in 1..=size {
            let proof = log.consistency(old, size).unwrap();
            merkle::verify_consistency(old, &root(old), size, &root(size), &proof).unwrap();
        }
    }
    assert_eq!(log.inclusion(0, 0).unwrap().size, 9);
    assert!(matches!(log.inclusion(9, 9), Err(LookupError::Range(RangeError::Index { .. }))));
    assert!(matches!(log.inclusion(0, 10), Err(LookupError::Range(RangeError::Size { .. }))));
    assert!(matches!(log.consistency(3, 10), Err(LookupError::Range(_))));
    assert!(matches!(log.consistency(0, 9), Err(LookupError::Order { .. })));
    assert!(matches!(log.consistency(9, 8), Err(LookupError::Order { .. })));
}

#[test]
fn a_group_that_does_not_commit_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    append(&log, &[leaf(0)], at(1)).unwrap();
    let before = log.committed();
    drop(log);
    // No file system has so much free: every write is refused.
    let path = directory.path().join("ledger.redb");
    let full = Durable::open_with_reserve(&path, TABLES, u64::MAX).unwrap();
    let log = Log::replay(full, key(1), Shows::Committed).unwrap();
    let answers = log.append(&[leaf(1), leaf(0), leaf(2)], at(1)).unwrap();
    assert!(matches!(answers[0], Err(AppendError::Full(_))), "{answers:?}");
    let told = rpc::status::chain(answers[0].as_ref().unwrap_err());
    assert!(told.contains(directory.path().to_str().unwrap()), "{told}");
    assert!(told.contains("make room"), "{told}");
    assert!(matches!(answers[2], Err(AppendError::Full(_))), "{answers:?}");
    assert_eq!(answers[1].as_ref().unwrap().index, 0, "what is there needs no room");
    assert_eq!((log.committed(), log.shown().size), (before, 1));
    assert_eq!(log.read().tree.len(), 1);
    assert_proved(&append(&log, &[leaf(0)], at(1)).unwrap()[0], commitment(0));
}

#[test]
fn one_entry_that_cannot_be_read_fails_alone() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    append(&log, &[leaf(0)], at(1)).unwrap();
    append(&log, &[leaf(1)], at(1)).unwrap();
    // Behind the ledger's back: the place is known for sure, and what was there is gone.
    log.store.commit_blocking(Batch::new().delete(GROUPS, record::key(1))).unwrap();
    log.write().places = Places::sure(&[(commitment(1), 1), (commitment(0), 0)]);
    let answers = log.append(&[leaf(0), leaf(1), leaf(2)], at(1)).unwrap();
    assert_eq!(answers[0].as_ref().unwrap().index, 0);
    assert!(matches!(answers[1], Err(AppendError::Store(_))), "{answers:?}");
    assert_eq!(answers[2].as_ref().unwrap().index, 2);
}

#[test]
fn entries_from_the_future_keep_new_ones_out_until_the_clock_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let jump = AHEAD_MS_MAX + 1;
    append(&log, &[leaf(0)], at(jump)).unwrap();
    let answers = log.append(&[leaf(1), leaf(0)], at(0)).unwrap();
    assert!(matches!(answers[0], Err(AppendError::Clock(_))), "{answers:?}");
    assert_eq!(answers[1].as_ref().unwrap().index, 0, "what is there is proved");
    assert_eq!(log.committed().size, 1);
    log.append(&[leaf(0)], at(0)).unwrap();
    assert!(log.is_ahead_of(at(0)), "a group that adds nothing sets no clock");
    assert!(!log.is_ahead_of(at(1)));
    let entry = append(&log, &[leaf(1)], at(1)).unwrap().remove(0).entry;
    assert_eq!(LedgerEntry::parse(&entry).unwrap().logged_at, at(jump));
}

#[test]
fn a_store_of_an_older_version_is_not_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let old = store(directory.path());
    old.commit_blocking(Batch::new().put(HEAD, b"checkpoint", b"of before")).unwrap();
    drop(old);
    let refused = open(directory.path()).unwrap_err();
    assert!(matches!(&refused, ReplayError::Foreign { found } if found == "checkpoint"));
    assert!(refused.to_string().contains("an older version"), "{refused}");
}

#[test]
fn the_log_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let group: Vec<_> = (0..5000).map(leaf).collect();
    log.append(&group, at(1)).unwrap();
    let (before, old_root) = (log.committed(), log.read().tree.root());
    drop(log);
    let log = open(directory.path()).unwrap();
    assert_eq!((log.committed(), log.shown()), (Arc::clone(&before), before));
    let appended = append(&log, &[leaf(5000)], at(1)).unwrap();
    assert_eq!(appended[0].proof.index, 5000);
    assert_proved(&appended[0], commitment(5000));
    let proof = log.consistency(5000, 5001).unwrap();
    let new_root = log.read().tree.root();
    merkle::verify_consistency(5000, &old_root, 5001, &new_root, &proof).unwrap();
}

/// Five entries, then `change` behind the ledger's back, then a start.
fn restarted_after(change: impl FnOnce(&Durable) -> Batch) -> Result<Log, ReplayError> {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    log.append(&[leaf(0), leaf(1)], at(1)).unwrap();
    log.append(&[leaf(2), leaf(3), leaf(4)], at(2)).unwrap();
    log.store.commit_blocking(change(&log.store)).unwrap();
    drop(log);
    open(directory.path())
}

/// Entries `numbers` as one stored group.
fn group(numbers: &[u64], now: Timestamp) -> Vec<u8> {
    let entry = |number: &u64| {
        let Leaf { commitment, tag } = leaf(*number);
        let schema = ENTRY_SCHEMA.to_owned();
        canonical::to_vec(&LedgerEntry { schema, commitment, tag, logged_at: now }).unwrap()
    };
    let entries: Vec<_> = numbers.iter().map(entry).collect();
    record::encode(entries.iter().map(Vec::as_slice)).unwrap()
}

#[test]
fn a_changed_entry_is_noticed_at_start() {
    let error = restarted_after(|store| {
        let old = store.get(GROUPS, &record::key(2)).unwrap().unwrap();
        assert_eq!(old, group(&[2, 3, 4], at(2)));
        Batch::new().put(GROUPS, record::key(2), group(&[2, 99, 4], at(2)))
    });
    assert!(matches!(error, Err(ReplayError::Root { .. })), "{error:?}");
}

#[test]
fn lost_added_moved_and_spoilt_entries_are_noticed_at_start() {
    let put = |base: u64, value: Vec<u8>| {
        restarted_after(move |_| Batch::new().put(GROUPS, record::key(base), value))
    };
    let lost = restarted_after(|_| Batch::new().delete(GROUPS, record::key(2)));
    assert!(matches!(lost, Err(ReplayError::Size { entries: 2, signed: 5 })), "{lost:?}");
    let hole = restarted_after(|_| Batch::new().delete(GROUPS, record::key(0)));
    assert!(matches!(hole, Err(ReplayError::Entry { index: 0, .. })), "{hole:?}");
    let short = put(2, group(&[2, 3], at(2)));
    assert!(matches!(short, Err(ReplayError::Size { entries: 4, signed: 5 })), "{short:?}");
    let added = put(5, group(&[5], at(2)));
    assert!(matches!(added, Err(ReplayError::Size { entries: 6, signed: 5 })), "{added:?}");
    let apart = put(6, group(&[6], at(2)));
    assert!(matches!(apart, Err(ReplayError::Entry { index: 5, .. })), "{apart:?}");
    let moved = put(2, group(&[3, 2, 4], at(2)));
    assert!(matches!(moved, Err(ReplayError::Root { .. })), "{moved:?}");
    let mut cut = group(&[2, 3, 4], at(2));
    cut.pop();
    let cut = put(2, cut);
    assert!(matches!(cut, Err(ReplayError::Entry { index: 4, .. })), "{cut:?}");
    let none = put(2, record::encode([&b"{}"[..]]).unwrap());
    assert!(matches!(none, Err(ReplayError::Entry { index: 2, .. })), "{none:?}");
    let twice = put(2, group(&[2, 1, 4], at(2)));
    assert!(matches!(twice, Err(ReplayError::Entry { index: 3, .. })), "{twice:?}");
    let early = put(2, group(&[2, 3, 4], at(0)));
    assert!(matches!(early, Err(ReplayError::Entry { index: 2, .. })), "{early:?}");
}

#[test]
fn a_missing_old_or_foreign_checkpoint_is_noticed_at_start() {
    for name in [COMMITTED, SHOWN] {
        let missing = restarted_after(|_| Batch::new().delete(HEAD, name));
        assert!(matches!(missing, Err(ReplayError::NoCheckpoint { entries: 5 })), "{missing:?}");
        let put = |note: String| restarted_after(move |_| Batch::new().put(HEAD, name, note));
        let foreign = put(key(2).sign(5, leaf_hash(b"x")).unwrap());
        assert!(matches!(foreign, Err(ReplayError::Checkpoint { .. })), "{foreign:?}");
        let garbage = put("\u{fffd}".to_owned());
        assert!(matches!(garbage, Err(ReplayError::Checkpoint { .. })), "{garbage:?}");
        let forked = put(key(1).sign(5, leaf_hash(b"x")).unwrap());
        assert!(matches!(forked, Err(ReplayError::Root { .. })), "{forked:?}");
        let ahead = put(key(1).sign(6, leaf_hash(b"x")).unwrap());
        assert!(matches!(ahead, Err(ReplayError::Size { .. })), "{ahead:?}");
    }
    let rolled_back = restarted_after(|_| {
        let root = [0, 1].map(|_| leaf_hash(b"x")).into_iter().collect::<Tree>().root();
        Batch::new().put(HEAD, COMMITTED, key(1).sign(2, root).unwrap())
    });
    assert!(matches!(rolled_back, Err(ReplayError::Size { .. })), "{rolled_back:?}");
}

#[test]
fn what_is_not_cosigned_is_not_shown_and_what_was_shown_stays_so() {
    let directory = tempfile::tempdir().unwrap();
    let open = |shows| Log::replay(store(directory.path()), key(1), shows).unwrap();
    let log = open(Shows::Cosigned);
    log.append(&[leaf(0), leaf(1)], at(1)).unwrap();
    assert_eq!((log.committed().size, log.shown().size), (2, 0));
    assert!(matches!(log.inclusion(0, 2), Err(LookupError::Range(RangeError::Size { .. }))));
    assert!(matches!(log.consistency(1, 2), Err(LookupError::Range(_))));
    assert_eq!(log.find(&commitment(0)).unwrap(), None);
    let head = Head::clone(&log.committed());
    block_on(log.show(head.clone())).unwrap();
    log.append(&[leaf(2)], at(1)).unwrap();
    assert_eq!(log.find(&commitment(1)).unwrap(), Some(1));
    block_on(log.show(Head { note: "older".to_owned(), size: 1 })).unwrap();
    assert_eq!(*log.shown(), head, "it does not go back");
    drop(log);
    let log = open(Shows::Cosigned);
    assert_eq!((log.committed().size, &*log.shown()), (3, &head));
    drop(log);
    // Without witnesses everything is shown, and stays so when there are some again.
    drop(open(Shows::Committed));
    assert_eq!(open(Shows::Cosigned).shown().size, 3);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_log_that_halted_takes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    log.append(&[leaf(0)], at(1)).unwrap();
    log.halt("first");
    log.halt("second");
    assert_eq!(log.halted(), Some("first"));
    assert!(matches!(log.append(&[leaf(1)], at(1)), Err(GroupError::Halted(_))));
    assert!(log.shown.borrow().halted && log.halting().is_cancelled());
}

#[test]
fn only_an_ed25519_key_and_a_legal_origin_will_do() {
    let p256 = FileKey::from_pem(&keys::generate_p256(&[1; 32]).unwrap()).unwrap();
    assert!(matches!(SignKey::new(p256, ORIGIN), Err(SignKeyError::Algorithm)));
    let ed25519 = FileKey::from_pem(&keys::generate_ed25519(&[1; 32]).unwrap()).unwrap();
    assert!(matches!(SignKey::new(ed25519, "a b"), Err(SignKeyError::Origin { .. })));
}
