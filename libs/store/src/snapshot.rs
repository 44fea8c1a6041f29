//! Reads: one consistent view of every table, and the spans of keys that a scan walks.

use std::ops::Bound;

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, TableDefinition};

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Why a read gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The table is none of those that the store was opened with.
    #[error("the store has no table {table:?}")]
    UnknownTable {
        /// The name asked for.
        table: &'static str,
    },
    /// The file could not be read, or what it says makes no sense.
    #[error("cannot read the store")]
    Storage(#[source] Box<redb::Error>),
}

/// Which keys a scan walks, in key order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
}

impl Span {
    /// Every key.
    #[must_use]
    pub const fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// Keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let start = prefix.into();
        let mut end = start.clone();
        // The first key after the prefix: the last byte that can grow, grown by one.
        while end.pop_if(|byte| *byte == u8::MAX).is_some() {}
        let end = match end.last_mut() {
            Some(last) => {
                *last = last.saturating_add(1);
                Bound::Excluded(end)
            }
            None => Bound::Unbounded,
        };
        Self { start: Bound::Included(start), end }
    }

    /// Keys from `start` on, up to but without `end`.
    #[must_use]
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self { start: Bound::Included(start.into()), end: Bound::Excluded(end.into()) }
    }

    /// The part of this span that follows `key`: the next page after a scan that ended there.
    #[must_use]
    pub fn after(self, key: impl Into<Vec<u8>>) -> Self {
        Self { start: Bound::Excluded(key.into()), end: self.end }
    }

    fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Excluded(end) | Bound::Included(end),
            ) => start >= end,
        }
    }

    fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.start.as_ref().map(Vec::as_slice), self.end.as_ref().map(Vec::as_slice))
    }
}

/// The store at one instant: everything committed before, nothing after.
///
/// Holding one keeps the pages it sees from being reused, and the file open: let go of it soon.
pub struct Snapshot {
    transaction: ReadTransaction,
    tables: &'static [&'static str],
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("tables", &self.tables).finish_non_exhaustive()
    }
}

fn storage(error: impl Into<redb::Error>) -> ReadError {
    ReadError::Storage(Box::new(error.into()))
}

impl Snapshot {
    pub(crate) fn new(
        database: &Database,
        tables: &'static [&'static str],
    ) -> Result<Self, ReadError> {
        Ok(Self { transaction: database.begin_read().map_err(storage)?, tables })
    }

    /// The value under `key`, if any.
    ///
    /// # Errors
    /// When the table is unknown or the file cannot be read.
    pub fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let found = self.table(table)?.get(key).map_err(storage)?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    /// Up to `limit` entries of the span, in key order.
    ///
    /// # Errors
    /// When the table is unknown or the file cannot be read.
    pub fn scan(
        &self,
        table: &'static str,
        span: &Span,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let table = self.table(table)?;
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let range = table.range::<&[u8]>(span.bounds()).map_err(storage)?;
        range.take(limit).map(|entry| entry.map(owned).map_err(storage)).collect()
    }

    /// The entry of the span with the greatest key.
    ///
    /// # Errors
    /// When the table is unknown or the file cannot be read.
    pub fn last(&self, table: &'static str, span: &Span) -> Result<Option<Entry>, ReadError> {
        let table = self.table(table)?;
        if span.is_empty() {
            return Ok(None);
        }
        let mut range = table.range::<&[u8]>(span.bounds()).map_err(storage)?;
        range.next_back().map(|entry| entry.map(owned).map_err(storage)).transpose()
    }

    fn table(
        &self,
        name: &'static str,
    ) -> Result<ReadOnlyTable<&'static [u8], &'static [u8]>, ReadError> {
        if !self.tables.contains(&name) {
            return Err(ReadError::UnknownTable { table: name });
        }
        self.transaction.open_table(TableDefinition::new(name)).map_err(storage)
    }
}

type Guards<'a> = (redb::AccessGuard<'a, &'static [u8]>, redb::AccessGuard<'a, &'static [u8]>);

fn owned((key, value): Guards<'_>) -> Entry {
    (key.value().to_vec(), value.value().to_vec())
}
