//! Disks that fail: syncs that err, power that goes, bits that flip.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{Database, StorageBackend};

use crate::{Batch, CommitError, Durable, OpenError, Span, opening::checked, writer::Reserve};

const TABLES: &[&str] = &["jobs"];

/// A disk in memory that remembers which writes were not synced yet.
#[derive(Debug, Clone, Default)]
struct Disk {
    now: Arc<Mutex<Platters>>,
    failing: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Default)]
struct Platters {
    seen: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.now.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let platters = self.now.lock().unwrap();
        let bytes = platters.seen.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        let mut platters = self.now.lock().unwrap();
        platters.seen.resize(length, 0);
        platters.synced.resize(length, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(io::Error::other("the disk is gone"));
        }
        let mut platters = self.now.lock().unwrap();
        platters.synced = platters.seen.clone();
        platters.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let mut platters = self.now.lock().unwrap();
        platters.seen[start..start + data.len()].copy_from_slice(data);
        platters.unsynced.push((start, data.to_vec()));
        Ok(())
    }
}

impl Disk {
    /// What a power cut now leaves: every synced byte, and any of the other sectors.
    fn cut(&self, mut random: u64) -> Self {
        let platters = self.now.lock().unwrap();
        let mut left = platters.synced.clone();
        for (start, data) in &platters.unsynced {
            for (index, sector) in data.chunks(512).enumerate() {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = start + index * 512;
                if random.is_multiple_of(2) && at + sector.len() <= left.len() {
                    left[at..at + sector.len()].copy_from_slice(sector);
                }
            }
        }
        let left = Platters { seen: left.clone(), synced: left, unsynced: Vec::new() };
        Self { now: Arc::new(Mutex::new(left)), failing: Arc::default() }
    }

    fn open(&self) -> Durable {
        let mut builder = Database::builder();
        builder.set_cache_size(1 << 20);
        let database = builder.create_with_backend(self.clone()).unwrap();
        let database = checked(database, TABLES).unwrap();
        Durable::start(database, TABLES, Reserve { directory: None, bytes: 0 }).unwrap()
    }
}

#[tokio::test]
async fn a_failed_sync_breaks_the_store_for_everybody() {
    let disk = Disk::default();
    let store = disk.open();
    let broken = store.broken();
    store.commit(Batch::new().put("jobs", "a", "1")).await.unwrap();
    assert!(!broken.is_cancelled());
    disk.failing.store(true, Ordering::Relaxed);
    let put = |key: &str| store.commit(Batch::new().put("jobs", key, "2"));
    let (first, second, third) = tokio::join!(put("b"), put("c"), put("d"));
    for answer in [first, second, third, put("e").await] {
        assert!(matches!(answer, Err(CommitError::Broken { .. })), "{answer:?}");
    }
    tokio::time::timeout(std::time::Duration::from_secs(5), broken.cancelled()).await.unwrap();
    disk.failing.store(false, Ordering::Relaxed);
    let healed = put("f").await;
    assert!(matches!(healed, Err(CommitError::Broken { .. })), "a broken store took a write");
    drop(store);
    let store = disk.cut(7).open();
    assert_eq!(store.get("jobs", b"a").unwrap().as_deref(), Some(&b"1"[..]));
}

#[test]
fn two_hundred_power_cuts_lose_nothing_acknowledged() {
    let mut disk = Disk::default();
    let mut acknowledged = 0_u32;
    for round in 1_u64..=200 {
        let store = disk.open();
        let found = store.scan("jobs", &Span::all(), usize::MAX).unwrap();
        let mut expected = 0_u32;
        for (key, value) in &found {
            assert_eq!(key[..], expected.to_be_bytes(), "a hole after a power cut");
            assert_eq!(value.len(), 100 + expected as usize % 5000, "a torn value");
            expected += 1;
        }
        assert!(expected >= acknowledged, "{acknowledged} acknowledged, {expected} found");
        let mut next = expected;
        let put = |next: u32| {
            let value = vec![7; 100 + next as usize % 5000];
            Batch::new().create("jobs", next.to_be_bytes(), value)
        };
        for _ in 0..round % 7 {
            store.commit_blocking(put(next)).unwrap();
            next += 1;
        }
        acknowledged = next;
        // The cut comes in the middle of a commit whose sync fails, and before the close.
        disk.failing.store(true, Ordering::Relaxed);
        store.commit_blocking(put(next)).unwrap_err();
        let after = disk.cut(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        drop(store);
        disk = after;
    }
    assert!(acknowledged > 500);
}

#[test]
fn a_flipped_bit_is_refused_or_harmless_but_never_served() {
    let directory = tempfile::Builder::new().tempdir_in(fast()).unwrap();
    let path = directory.path().join("state.redb");
    let store = Durable::open(&path, TABLES).unwrap();
    for number in 0_u8..40 {
        let batch = Batch::new().put("jobs", [number], vec![number; 700]);
        store.commit_blocking(batch).unwrap();
    }
    let good = store.scan("jobs", &Span::all(), 100).unwrap();
    drop(store);
    let bytes = std::fs::read(&path).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..400_usize {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Half the flips hit the header with the commit slots, which decides what is read.
        let span = if round % 2 == 0 { 320 } else { bytes.len() };
        let at = usize::try_from(random >> 8).unwrap() % span;
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (round % 8);
        std::fs::write(&path, &flipped).unwrap();
        match Durable::open(&path, TABLES) {
            Err(OpenError::Damaged { path: named, .. }) => {
                assert_eq!(named, path);
                refused += 1;
            }
            Err(OpenError::Version { .. } | OpenError::Io { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
            Ok(store) => {
                let found = store.scan("jobs", &Span::all(), 100).unwrap();
                assert_eq!(found, good, "byte {at} flipped, and it was served");
                harmless += 1;
            }
        }
    }
    println!("{refused} refused, {harmless} harmless");
    assert!(refused > 20);
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    for bytes in [&b"hello"[..], &[0; 4096], &[0xff; 100_000]] {
        std::fs::write(&path, bytes).unwrap();
        let error = Durable::open(&path, TABLES).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("state.redb"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    let store = Durable::open(directory.path().join("other.redb"), TABLES).unwrap();
    store.commit_blocking(Batch::new().put("jobs", "a", vec![1; 100_000])).unwrap();
    drop(store);
    let whole = std::fs::read(directory.path().join("other.redb")).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = Durable::open(&path, TABLES).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_store_whose_making_was_cut_short_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    std::fs::write(directory.path().join("state.redb.new"), [0; 4096]).unwrap();
    let store = Durable::open(&path, TABLES).unwrap();
    store.commit_blocking(Batch::new().put("jobs", "a", "1")).unwrap();
    assert!(matches!(Durable::open(&path, TABLES), Err(OpenError::Locked { .. })));
    drop(store);
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let store = Durable::open(&path, TABLES).unwrap();
    assert_eq!(store.get("jobs", b"a").unwrap().as_deref(), Some(&b"1"[..]));
}

/// A directory whose syncs cost nothing, where there is one.
fn fast() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}
