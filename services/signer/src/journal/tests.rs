//! The journal: records come back exactly, are written once, and damage is noticed.

use bundle::Signatures;

use super::*;

fn open(directory: &std::path::Path) -> DurableJournal {
    let path = directory.join("journal.redb");
    DurableJournal::new(Durable::open_with_reserve(path, TABLES, 0).unwrap())
}

fn job(n: u8) -> JobId {
    JobId::new(1_795_168_200_000, [n; 10])
}

fn record(byte: u8, length: usize) -> Record {
    Record {
        set_digest: Sha256Digest::of(&[byte]),
        aibom: vec![byte; length],
        attestation: vec![byte; length / 3 * 4 + 1],
        signatures: Signatures { model: vec![byte; 9], link: vec![], layout: vec![byte; length] },
        policy: vec![byte; 7],
        salt: [byte; 32],
        signed_at: Timestamp::from_unix_ms(1_795_168_200_123),
    }
}

fn request(n: u8) -> RequestKey {
    Sha256Digest::of(&[n])
}

fn create(journal: &DurableJournal, n: u8, record: &Record) -> Creation {
    journal.create(job(n), request(n), record).unwrap()
}

#[test]
fn records_of_every_size_come_back_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let records = [
        record(1, 0),
        record(2, 100),
        record(3, PIECE_BYTES),
        record(4, PIECE_BYTES + 1),
        record(5, 3 * PIECE_BYTES),
    ];
    let journal = open(directory.path());
    for (n, record) in (0_u8..).zip(&records) {
        assert_eq!(create(&journal, n, record), Creation::Done);
    }
    drop(journal);
    let journal = open(directory.path());
    for (n, record) in (0_u8..).zip(&records) {
        assert!(journal.find(job(n)).unwrap().as_ref() == Some(record), "record {n}");
    }
    assert_eq!(journal.find(job(99)).unwrap(), None);
}

#[test]
fn a_small_record_costs_one_sync() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path());
    let before = journal.store.stats().commits;
    create(&journal, 1, &record(1, 100_000));
    assert_eq!(journal.store.stats().commits - before, 1);
}

#[test]
fn the_first_record_of_a_job_stays() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path());
    assert_eq!(create(&journal, 1, &record(1, 10)), Creation::Done);
    assert_eq!(create(&journal, 1, &record(2, 10)), Creation::JobTaken);
    let again = journal.create(job(2), request(1), &record(2, 10)).unwrap();
    assert_eq!(again, Creation::RequestTaken(job(1)));
    assert_eq!(journal.find(job(1)).unwrap(), Some(record(1, 10)));
}

#[test]
fn damage_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path());
    create(&journal, 1, &record(1, 10));
    let digest = Sha256Digest::of(&record(1, 10).aibom);
    let key = [&digest.as_bytes()[..], &0_u32.to_be_bytes()].concat();
    for change in
        [Batch::new().put(PIECES, key.clone(), *b"other"), Batch::new().delete(PIECES, key)]
    {
        journal.store.commit_blocking(change).unwrap();
        let damaged = journal.find(job(1));
        assert!(matches!(damaged, Err(JournalError::Damaged { .. })), "{damaged:?}");
    }
    let change = Batch::new().put(JOBS, job(1).to_string(), *b"{}");
    journal.store.commit_blocking(change).unwrap();
    assert!(matches!(journal.find(job(1)), Err(JournalError::Damaged { .. })));
}
