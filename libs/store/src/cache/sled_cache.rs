//! The cache on disk: sled, each value under its own digest, wiped and begun anew when damaged.

use std::{
    fs::{File, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use ids::Sha256Digest;

use super::{CACHE_VALUE_BYTES_MAX, Cache, CacheError, Entry};

/// How much sled keeps in memory, in bytes.
const MEMORY_BYTES: u64 = 32 * 1024 * 1024;

/// SHA-256 of key length, key and value, kept before each value: what sled returns is what was put.
const DIGEST_BYTES: usize = 32;

/// A cache in a directory of its own: `lock` beside `sled/`, of which the latter may be wiped.
///
/// Nothing here is durable: sled 0.34's flush is no fsync. Values that rot are dropped when read.
#[derive(Debug)]
pub struct SledCache {
    database: sled::Db,
    entries: AtomicUsize,
    entries_max: usize,
    path: PathBuf,
    // Held until the database is closed: fields drop in this order.
    _lock: File,
}

impl SledCache {
    /// Opens the cache in `directory`, making the directory if there is none, for at most
    /// `entries_max` entries. A damaged one is wiped and begun anew, which the log tells.
    ///
    /// # Errors
    /// When another process holds the cache or the directory cannot be used.
    pub fn open(directory: impl AsRef<Path>, entries_max: usize) -> Result<Self, CacheError> {
        let path = directory.as_ref().to_path_buf();
        let failed = |source| CacheError::Io { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(failed)?;
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).open(path.join("lock"));
        let lock = lock.map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => CacheError::Locked { path: path.clone() },
            std::fs::TryLockError::Error(source) => failed(source),
        })?;
        let inside = path.join("sled");
        let (database, entries) = match read_through(&inside) {
            Ok(opened) => opened,
            Err(Unreadable::Environment(source)) => return Err(failed(source)),
            Err(Unreadable::Damaged(detail)) => {
                tracing::warn!(path = %path.display(), detail, "the cache is damaged: wiped, to be rebuilt");
                match std::fs::remove_dir_all(&inside) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        // Not a directory: something else stands in its place.
                        std::fs::remove_file(&inside).map_err(failed)?;
                    }
                    _ => {}
                }
                read_through(&inside).map_err(|error| failed(error.into_io()))?
            }
        };
        Ok(Self { database, entries: AtomicUsize::new(entries), entries_max, path, _lock: lock })
    }

    /// The directory of the cache.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn make_room(&self) -> Result<(), CacheError> {
        while self.entries.load(Ordering::Relaxed) > self.entries_max {
            // Keys are digests as a rule, so the least key is as good a victim as any.
            if self.database.pop_min().map_err(engine)?.is_none() {
                self.entries.store(0, Ordering::Relaxed);
                break;
            }
            self.forgot_one();
        }
        Ok(())
    }

    fn forgot_one(&self) {
        let less = |count: usize| Some(count.saturating_sub(1));
        let _always = self.entries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl Cache for SledCache {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CacheError> {
        let Some(stored) = self.database.get(key).map_err(engine)? else {
            return Ok(None);
        };
        let value = unsealed(key, &stored);
        if value.is_none() {
            tracing::warn!(path = %self.path.display(), "a cached value rotted: dropped");
            self.remove(key)?;
        }
        Ok(value)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), CacheError> {
        if value.len() > CACHE_VALUE_BYTES_MAX {
            return Err(CacheError::TooLarge { bytes: value.len() });
        }
        if self.database.insert(key, sealed(key, value)).map_err(engine)?.is_none() {
            self.entries.fetch_add(1, Ordering::Relaxed);
            self.make_room()?;
        }
        Ok(())
    }

    fn remove(&self, key: &[u8]) -> Result<(), CacheError> {
        if self.database.remove(key).map_err(engine)?.is_some() {
            self.forgot_one();
        }
        Ok(())
    }

    fn iter(&self) -> Box<dyn Iterator<Item = Result<Entry, CacheError>> + '_> {
        Box::new(self.database.iter().filter_map(|entry| match entry {
            Ok((key, stored)) => unsealed(&key, &stored).map(|value| Ok((key.to_vec(), value))),
            Err(error) => Some(Err(engine(error))),
        }))
    }
}

fn engine(error: sled::Error) -> CacheError {
    CacheError::Engine(Box::new(error))
}

fn seal(key: &[u8], value: &[u8]) -> Sha256Digest {
    let length = (key.len() as u64).to_be_bytes();
    Sha256Digest::of(&[&length, key, value].concat())
}

fn sealed(key: &[u8], value: &[u8]) -> Vec<u8> {
    [seal(key, value).as_bytes().as_slice(), value].concat()
}

fn unsealed(key: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
    let (digest, value) = stored.split_at_checked(DIGEST_BYTES)?;
    (seal(key, value).as_bytes().as_slice() == digest).then(|| value.to_vec())
}

enum Unreadable {
    /// Wiping would not help: no permission, no space, no file handles.
    Environment(io::Error),
    Damaged(String),
}

impl Unreadable {
    fn into_io(self) -> io::Error {
        match self {
            Self::Environment(error) => error,
            Self::Damaged(detail) => io::Error::other(detail),
        }
    }
}

/// Opens the database and walks every entry once, so that damage shows now; counts the entries.
fn read_through(path: &Path) -> Result<(sled::Db, usize), Unreadable> {
    let open = || -> sled::Result<(sled::Db, usize)> {
        let config = sled::Config::new().path(path).cache_capacity(MEMORY_BYTES);
        let database = config.mode(sled::Mode::LowSpace).open()?;
        let mut entries: usize = 0;
        for entry in database.iter() {
            entry?;
            entries = entries.saturating_add(1);
        }
        Ok((database, entries))
    };
    // sled answers much damage with a panic.
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(sled::Error::Io(error))) if environment(&error) => {
            Err(Unreadable::Environment(error))
        }
        Ok(Err(error)) => Err(Unreadable::Damaged(error.to_string())),
        Err(_) => Err(Unreadable::Damaged("sled panicked while reading it".to_owned())),
    }
}

fn environment(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::PermissionDenied | Kind::StorageFull | Kind::ReadOnlyFilesystem | Kind::QuotaExceeded
    ) || error.raw_os_error().is_some_and(|code| {
        code == rustix::io::Errno::MFILE.raw_os_error()
            || code == rustix::io::Errno::NFILE.raw_os_error()
    })
}
