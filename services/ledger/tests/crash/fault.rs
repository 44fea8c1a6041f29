//! A disk that keeps what is not synced to itself: at a kill it is lost, or torn.
//!
//! The file on disk is the platter. A write goes to memory only, as into a cache; now and then some
//! of it reaches the platter in sectors of 512 bytes, in any order, a part of a page here and there. A
//! sync writes all of it, sector by sector, so that a kill in the middle tears the commit too. And at
//! random a sync fails: some sectors got out, the others are forgotten, and the next sync has nothing
//! to say of them, which is what Linux does.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use store::StorageBackend;

const SECTOR: usize = 512;

/// Set before a failed sync is reported to anybody.
pub(crate) static SYNC_FAILED: AtomicBool = AtomicBool::new(false);

/// How a disk behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    /// Each writes everything, or fails.
    Honest,
    /// They say that they wrote, and did not: what the test must notice.
    Lie,
    /// They write what the sync before should have written: whole, and too late.
    Late,
}

/// xorshift64*.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// True once in `of` times.
    pub(crate) fn once_in(&mut self, of: u64) -> bool {
        self.next().is_multiple_of(of)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.next() % (last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}

#[derive(Debug)]
struct Cache {
    /// What a reader sees.
    seen: Vec<u8>,
    /// Sectors of it that are not on the platter.
    dirty: BTreeSet<usize>,
    /// Whether the length is on the platter.
    resized: bool,
    /// What a late sync writes next: each sector as it was then.
    late: Vec<(usize, Vec<u8>)>,
    random: Random,
}

/// The disk.
#[derive(Debug)]
pub(crate) struct FaultyFile {
    platter: File,
    syncs: Syncs,
    /// A sync fails once in so many times; 0: never.
    fails_once_in: u64,
    cache: Mutex<Cache>,
}

impl FaultyFile {
    pub(crate) fn open(path: &Path, syncs: Syncs, fails_once_in: u64, seed: u64) -> Self {
        let mut options = File::options();
        let platter =
            options.read(true).write(true).create(true).truncate(false).open(path).unwrap();
        let seen = std::fs::read(path).unwrap();
        let random = Random::new(seed);
        let cache =
            Cache { seen, dirty: BTreeSet::new(), resized: false, late: Vec::new(), random };
        Self { platter, syncs, fails_once_in, cache: Mutex::new(cache) }
    }

    fn resize(&self, cache: &mut Cache) -> io::Result<()> {
        if cache.resized {
            self.platter.set_len(cache.seen.len() as u64)?;
            cache.resized = false;
        }
        Ok(())
    }

    /// These sectors reach the platter.
    fn write_out(&self, cache: &mut Cache, sectors: &[usize]) -> io::Result<()> {
        self.resize(cache)?;
        for sector in sectors {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(cache.seen.len());
            if let Some(bytes) = cache.seen.get(start..end) {
                self.platter.write_all_at(bytes, start as u64)?;
            }
            cache.dirty.remove(sector);
        }
        Ok(())
    }

    /// What the sync before should have written is written now.
    fn write_late(&self, cache: &mut Cache) -> io::Result<()> {
        self.resize(cache)?;
        for (sector, bytes) in std::mem::take(&mut cache.late) {
            self.platter.write_all_at(&bytes, (sector * SECTOR) as u64)?;
        }
        for sector in std::mem::take(&mut cache.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(cache.seen.len());
            cache.late.extend(cache.seen.get(start..end).map(|bytes| (sector, bytes.to_vec())));
        }
        Ok(())
    }

    /// Some of them do.
    fn write_some_out(&self, cache: &mut Cache) -> io::Result<()> {
        let dirty: Vec<_> = cache.dirty.iter().copied().collect();
        let mut some: Vec<_> = dirty.into_iter().filter(|_| cache.random.once_in(2)).collect();
        cache.random.shuffle(&mut some);
        self.write_out(cache, &some)
    }
}

impl StorageBackend for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.cache.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let cache = self.cache.lock().unwrap();
        let bytes = cache.seen.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut cache = self.cache.lock().unwrap();
        cache.seen.resize(usize::try_from(length).unwrap(), 0);
        cache.resized = true;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut cache = self.cache.lock().unwrap();
        match self.syncs {
            Syncs::Honest => {}
            Syncs::Lie => return Ok(()),
            Syncs::Late => return self.write_late(&mut cache),
        }
        if self.fails_once_in > 0 && cache.random.once_in(self.fails_once_in) {
            SYNC_FAILED.store(true, Ordering::SeqCst);
            self.write_some_out(&mut cache)?;
            cache.dirty.clear();
            return Err(io::Error::other("the sync failed"));
        }
        let mut all: Vec<_> = cache.dirty.iter().copied().collect();
        cache.random.shuffle(&mut all);
        self.write_out(&mut cache, &all)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let mut cache = self.cache.lock().unwrap();
        let end = start + data.len();
        cache.seen[start..end].copy_from_slice(data);
        cache.dirty.extend(start / SECTOR..end.div_ceil(SECTOR));
        if self.syncs != Syncs::Late && cache.random.once_in(8) {
            self.write_some_out(&mut cache)?;
        }
        Ok(())
    }
}
