//! Rebuildable state: a cache may forget anything at any time, and never lies about what it kept.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::snapshot::Entry;

mod sled_cache;

pub use sled_cache::SledCache;

/// The largest value that a cache takes, in bytes.
pub const CACHE_VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a cache could not be opened or asked. Callers go on without it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The value is larger than [`CACHE_VALUE_BYTES_MAX`].
    #[error("a cached value of {bytes} bytes; the limit is {CACHE_VALUE_BYTES_MAX}")]
    TooLarge {
        /// The value's size in bytes.
        bytes: usize,
    },
    /// Another process (or another handle of this one) has the directory open.
    #[error("the cache {} is in use by another process", path.display())]
    Locked {
        /// The cache's directory.
        path: std::path::PathBuf,
    },
    /// The directory could not be used.
    #[error("cannot use the cache directory {}", path.display())]
    Io {
        /// The cache's directory.
        path: std::path::PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The engine failed; opening the cache again rebuilds it if need be.
    #[error("the cache failed")]
    Engine(#[source] Box<sled::Error>),
}

/// Bytes by key that can be made again when they are gone. Calls may touch the disk.
pub trait Cache: Send + Sync + std::fmt::Debug {
    /// The value under `key`; `None` when there is none or it can no longer be trusted.
    ///
    /// # Errors
    /// When the engine fails.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CacheError>;

    /// Keeps `value` under `key`, over what was there. Another entry may be dropped for it.
    ///
    /// # Errors
    /// When the value is too large or the engine fails.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), CacheError>;

    /// Forgets `key`.
    ///
    /// # Errors
    /// When the engine fails.
    fn remove(&self, key: &[u8]) -> Result<(), CacheError>;

    /// Every entry that can be trusted, in key order.
    fn iter(&self) -> Box<dyn Iterator<Item = Result<Entry, CacheError>> + '_>;
}

/// A cache in memory, for when there is no directory to keep one in.
#[derive(Debug)]
pub struct MemoryCache {
    entries: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    entries_max: usize,
}

impl MemoryCache {
    /// An empty cache of at most `entries_max` entries.
    #[must_use]
    pub const fn new(entries_max: usize) -> Self {
        Self { entries: Mutex::new(BTreeMap::new()), entries_max }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache for MemoryCache {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(self.entries().get(key).cloned())
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), CacheError> {
        if value.len() > CACHE_VALUE_BYTES_MAX {
            return Err(CacheError::TooLarge { bytes: value.len() });
        }
        let mut entries = self.entries();
        entries.insert(key.to_vec(), value.to_vec());
        while entries.len() > self.entries_max && entries.pop_first().is_some() {}
        Ok(())
    }

    fn remove(&self, key: &[u8]) -> Result<(), CacheError> {
        self.entries().remove(key);
        Ok(())
    }

    fn iter(&self) -> Box<dyn Iterator<Item = Result<Entry, CacheError>> + '_> {
        Box::new(self.entries().clone().into_iter().map(Ok))
    }
}
