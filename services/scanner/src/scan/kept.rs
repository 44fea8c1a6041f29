//! What is remembered of scans: records and raw reports in the cache, the newest records in memory.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use ids::{Sha256Digest, Timestamp};
use store::{CACHE_VALUE_BYTES_MAX, Cache, CacheError};

use super::Record;
use crate::statement::Memo;

/// The largest report that is kept, in bytes.
pub(crate) const REPORT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The length of a report's pieces in the cache, in bytes.
const PIECE_BYTES: usize = CACHE_VALUE_BYTES_MAX / 2;
/// An hour in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// Records in memory.
const RECENT_MAX: usize = 16;
/// The largest record that is kept in memory, in bytes of its JSON.
const RECENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A record, and what was made of it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) record: Arc<Record>,
    pub(crate) memo: Arc<Memo>,
}

impl Found {
    pub(crate) fn new(record: Record) -> Self {
        Self { record: Arc::new(record), memo: Arc::default() }
    }
}

/// The cache, and what is in memory before it. A cache that fails is a cache without the entry.
#[derive(Debug)]
pub(crate) struct Kept {
    cache: Arc<dyn Cache>,
    max_age_ms: i64,
    recent: Mutex<VecDeque<(Sha256Digest, Found)>>,
}

impl Kept {
    pub(crate) fn new(cache: Arc<dyn Cache>, max_age_h: u32) -> Self {
        let max_age_ms = i64::from(max_age_h).saturating_mul(HOUR_MS);
        Self { cache, max_age_ms, recent: Mutex::default() }
    }

    /// Whether a record counts at `now`. Its age is that of its oldest part, and policies bound it.
    fn counts(&self, record: &Record, now: Timestamp) -> bool {
        now.since_ms(record.started) <= self.max_age_ms
    }

    /// A record of which the memory knows, unless it is too old at `now`.
    pub(crate) fn recent(&self, key: Sha256Digest, now: Timestamp) -> Option<Found> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent.iter().find(|(known, _)| *known == key).map(|(_, found)| found)?;
        self.counts(&found.record, now).then(|| found.clone())
    }

    fn remember(&self, key: Sha256Digest, found: &Found) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(known, _)| *known != key);
        recent.push_front((key, found.clone()));
        recent.truncate(RECENT_MAX);
    }

    /// A record, from memory or from the cache, unless it is too old at `now`.
    pub(crate) async fn record(&self, key: Sha256Digest, now: Timestamp) -> Option<Found> {
        if let Some(found) = self.recent(key, now) {
            return Some(found);
        }
        let bytes = self.get(entry(key, "record")).await?;
        let found = Found::new(serde_json::from_slice(&bytes).ok()?);
        if !self.counts(&found.record, now) {
            return None;
        }
        if bytes.len() <= RECENT_BYTES_MAX {
            self.remember(key, &found);
        }
        Some(found)
    }

    /// Keeps a record.
    pub(crate) async fn keep(&self, key: Sha256Digest, record: Record) -> Found {
        let found = Found::new(record);
        let Ok(bytes) = serde_json::to_vec(found.record.as_ref()) else { return found };
        if bytes.len() <= RECENT_BYTES_MAX {
            self.remember(key, &found);
        }
        self.write(vec![(entry(key, "record"), bytes)]).await;
        found
    }

    /// Forgets a record.
    pub(crate) async fn forget(&self, key: Sha256Digest) {
        {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|(known, _)| *known != key);
        }
        let cache = Arc::clone(&self.cache);
        blocking(move || cache.remove(&entry(key, "record")).map(Some)).await;
    }

    /// A raw report by its digest.
    pub(crate) async fn report(&self, sha256: Sha256Digest) -> Option<Vec<u8>> {
        let cache = Arc::clone(&self.cache);
        let read = move || {
            let mut report = Vec::new();
            for index in 0..=REPORT_BYTES_MAX / PIECE_BYTES {
                let Some(piece) = cache.get(&piece(sha256, index))? else { break };
                report.extend_from_slice(&piece);
                if piece.len() < PIECE_BYTES {
                    break;
                }
            }
            Ok((Sha256Digest::of(&report) == sha256).then_some(report))
        };
        blocking(read).await
    }

    /// Keeps a raw report under its digest, when it is not too long.
    pub(crate) async fn keep_report(&self, sha256: Sha256Digest, report: &[u8]) {
        if report.len() > REPORT_BYTES_MAX {
            tracing::warn!(bytes = report.len(), "the raw report is too long to be kept");
            return;
        }
        let pieces = report.chunks(PIECE_BYTES).enumerate();
        let pieces = pieces.map(|(index, bytes)| (piece(sha256, index), bytes.to_vec()));
        self.write(pieces.collect()).await;
    }

    async fn get(&self, at: Vec<u8>) -> Option<Vec<u8>> {
        let cache = Arc::clone(&self.cache);
        blocking(move || cache.get(&at)).await
    }

    async fn write(&self, entries: Vec<(Vec<u8>, Vec<u8>)>) {
        let cache = Arc::clone(&self.cache);
        let write = move || {
            let written = entries.iter().try_for_each(|(key, value)| cache.put(key, value));
            written.map(Some)
        };
        blocking(write).await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<Option<T>, CacheError> + Send + 'static,
) -> Option<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the scan cache failed");
            None
        }
        Err(_) => None,
    }
}

/// The key of a cache entry; the digest first, so that the cache evicts evenly.
fn entry(key: Sha256Digest, kind: &str) -> Vec<u8> {
    [key.as_bytes().as_slice(), kind.as_bytes()].concat()
}

fn piece(sha256: Sha256Digest, index: usize) -> Vec<u8> {
    entry(sha256, &format!("report.{index}"))
}
