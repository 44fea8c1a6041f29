//! The log: idempotent appends, proofs that verify, and a start that notices every change.

use std::path::Path;

use ids::{Sha256Digest, Timestamp};
use keys::FileKey;
use merkle::checkpoint;
use store::{Batch, Durable};

use super::*;
use crate::ReplayError;

const ORIGIN: &str = "mesh.test/ledger";

fn key(seed: u8) -> SignKey {
    let pem = keys::generate_ed25519(&[seed; 32]).unwrap();
    SignKey::new(FileKey::from_pem(&pem).unwrap(), ORIGIN).unwrap()
}

fn store(directory: &Path) -> Durable {
    Durable::open_with_reserve(directory.join("ledger.redb"), TABLES, 0).unwrap()
}

fn open(directory: &Path) -> Result<Log, ReplayError> {
    Log::replay(store(directory), key(1))
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn commitment(n: u64) -> Sha256Digest {
    Sha256Digest::of(&n.to_be_bytes())
}

/// The answer proves the commitment under its own checkpoint.
fn assert_proved(appended: &Appended, commitment: Sha256Digest) {
    let head = checkpoint::verify(&appended.checkpoint, key(1).verifier()).unwrap();
    assert_eq!(head.origin, ORIGIN);
    let leaf = leaf_hash(&appended.entry);
    merkle::verify_inclusion(&leaf, appended.index, head.size, &appended.proof, &head.root)
        .unwrap();
    let entry: LedgerEntry = canonical::from_slice(&appended.entry, 1024).unwrap();
    assert_eq!(entry.commitment, commitment);
}

#[test]
fn appended_commitments_are_proved_and_keep_their_index() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    for n in 0..20 {
        let appended = log.append(&[commitment(n)], at(1_000)).unwrap();
        assert_eq!(appended[0].index, n);
        assert_proved(&appended[0], commitment(n));
    }
    let first = log.append(&[commitment(3)], at(9_000)).unwrap();
    assert_eq!((first[0].index, log.size()), (3, 20));
    assert_proved(&first[0], commitment(3));
    let entry: LedgerEntry = canonical::from_slice(&first[0].entry, 1024).unwrap();
    assert_eq!(entry.logged_at, at(1_000), "the first time stays");
}

#[test]
fn a_group_costs_one_commit_and_repeats_share_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let before = log.store.stats().commits;
    let group: Vec<_> = [0, 1, 1, 2, 0].map(commitment).into();
    let appended = log.append(&group, at(1)).unwrap();
    let indexes: Vec<u64> = appended.iter().map(|a| a.index).collect();
    assert_eq!(indexes, [0, 1, 1, 2, 0]);
    assert_eq!(log.store.stats().commits - before, 1);
    for (answer, commitment) in appended.iter().zip(&group) {
        assert_proved(answer, *commitment);
    }
    log.append(&group, at(2)).unwrap();
    assert_eq!(log.store.stats().commits - before, 1, "nothing new, nothing written");
}

#[test]
fn time_in_the_log_does_not_run_backwards() {
    let directory = tempfile::tempdir().unwrap();
    let logged_at = |log: &Log, n, now| {
        let appended = log.append(&[commitment(n)], now).unwrap();
        canonical::from_slice::<LedgerEntry>(&appended[0].entry, 1024).unwrap().logged_at
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
    let group: Vec<_> = (0..9).map(commitment).collect();
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
    log.append(&[commitment(0)], at(1)).unwrap();
    let before = log.checkpoint();
    drop(log);
    // No file system has so much free: every write is refused.
    let path = directory.path().join("ledger.redb");
    let full = Durable::open_with_reserve(&path, TABLES, u64::MAX).unwrap();
    let log = Log::replay(full, key(1)).unwrap();
    let error = log.append(&[commitment(1), commitment(2)], at(1)).unwrap_err();
    assert!(matches!(error, GroupError::Commit(CommitError::Full { .. })), "{error:?}");
    assert_eq!((log.checkpoint(), log.size()), (before, 1));
    assert_eq!(log.read().tree.len(), 1);
    assert_proved(&log.append(&[commitment(0)], at(1)).unwrap()[0], commitment(0));
}

#[test]
fn the_log_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let group: Vec<_> = (0..5000).map(commitment).collect();
    log.append(&group, at(1)).unwrap();
    let (before, old_root) = (log.checkpoint(), log.read().tree.root());
    drop(log);
    let log = open(directory.path()).unwrap();
    assert_eq!(log.checkpoint(), before);
    let appended = log.append(&[commitment(5000)], at(1)).unwrap();
    assert_eq!(appended[0].index, 5000);
    assert_proved(&appended[0], commitment(5000));
    let proof = log.consistency(5000, 5001).unwrap();
    let new_root = log.read().tree.root();
    merkle::verify_consistency(5000, &old_root, 5001, &new_root, &proof).unwrap();
}

/// Five entries, then `change` behind the ledger's back, then a start.
fn restarted_after(change: impl FnOnce(&Durable) -> Batch) -> Result<Log, ReplayError> {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    log.append(&(0..5).map(commitment).collect::<Vec<_>>(), at(1)).unwrap();
    log.store.commit_blocking(change(&log.store)).unwrap();
    drop(log);
    open(directory.path())
}

fn index(n: u64) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

#[test]
fn a_changed_entry_is_noticed_at_start() {
    let error = restarted_after(|store| {
        let other = commitment(99);
        let schema = ENTRY_SCHEMA.to_owned();
        let entry = LedgerEntry { schema, commitment: other, logged_at: at(1) };
        let old = store.get(LEAVES, &index(2)).unwrap().unwrap();
        assert_ne!(old, canonical::to_vec(&entry).unwrap());
        Batch::new().put(LEAVES, index(2), canonical::to_vec(&entry).unwrap()).put(
            COMMITMENTS,
            other.as_bytes().to_vec(),
            index(2),
        )
    });
    assert!(matches!(error, Err(ReplayError::Root { .. })), "{error:?}");
}

#[test]
fn lost_added_moved_and_spoilt_entries_are_noticed_at_start() {
    let lost = restarted_after(|_| Batch::new().delete(LEAVES, index(4)));
    assert!(matches!(lost, Err(ReplayError::Size { entries: 4, signed: 5 })), "{lost:?}");
    let hole = restarted_after(|_| Batch::new().delete(LEAVES, index(2)));
    assert!(matches!(hole, Err(ReplayError::Entry { index: 2, .. })), "{hole:?}");
    let spoilt = restarted_after(|_| Batch::new().put(LEAVES, index(1), *b"{}"));
    assert!(matches!(spoilt, Err(ReplayError::Entry { index: 1, .. })), "{spoilt:?}");
    let unindexed =
        restarted_after(|_| Batch::new().delete(COMMITMENTS, commitment(3).as_bytes().to_vec()));
    assert!(matches!(unindexed, Err(ReplayError::Entry { index: 3, .. })), "{unindexed:?}");
}

#[test]
fn a_missing_old_or_foreign_checkpoint_is_noticed_at_start() {
    let missing = restarted_after(|_| Batch::new().delete(HEAD, CHECKPOINT));
    assert!(matches!(missing, Err(ReplayError::NoCheckpoint { entries: 5 })), "{missing:?}");
    let rolled_back = restarted_after(|_| {
        let root = [0, 1].map(|_| leaf_hash(b"x")).into_iter().collect::<Tree>().root();
        Batch::new().put(HEAD, CHECKPOINT, key(1).sign(2, root).unwrap())
    });
    assert!(matches!(rolled_back, Err(ReplayError::Size { .. })), "{rolled_back:?}");
    let foreign = restarted_after(|_| {
        Batch::new().put(HEAD, CHECKPOINT, key(2).sign(5, leaf_hash(b"x")).unwrap())
    });
    assert!(matches!(foreign, Err(ReplayError::Checkpoint { .. })), "{foreign:?}");
    let garbage = restarted_after(|_| Batch::new().put(HEAD, CHECKPOINT, *b"\xff\xfe"));
    assert!(matches!(garbage, Err(ReplayError::Checkpoint { .. })), "{garbage:?}");
}

#[test]
fn only_an_ed25519_key_and_a_legal_origin_will_do() {
    let p256 = FileKey::from_pem(&keys::generate_p256(&[1; 32]).unwrap()).unwrap();
    assert!(matches!(SignKey::new(p256, ORIGIN), Err(SignKeyError::Algorithm)));
    let ed25519 = FileKey::from_pem(&keys::generate_ed25519(&[1; 32]).unwrap()).unwrap();
    assert!(matches!(SignKey::new(ed25519, "a b"), Err(SignKeyError::Origin { .. })));
}
