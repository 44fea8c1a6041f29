//! A batch: what one caller wants written together or not at all.

use crate::writer::CommitError;

/// The longest key, in bytes; the shortest is 1.
pub const KEY_BYTES_MAX: usize = 1024;

/// The most keys and values that one batch may hold, in bytes.
pub const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What one operation costs beside its bytes when a batch is measured.
const OPERATION_BYTES: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Put { table: &'static str, key: Vec<u8>, value: Vec<u8> },
    Delete { table: &'static str, key: Vec<u8> },
}

/// Writes that take effect together, in the order given, if every precondition holds.
///
/// Preconditions are looked at before the batch's own writes, whatever the order of the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub(crate) absent: Vec<(&'static str, Vec<u8>)>,
    pub(crate) operations: Vec<Operation>,
    bytes: usize,
}

impl Batch {
    /// A batch that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value` under `key`, over what was there.
    #[must_use]
    pub fn put(
        mut self,
        table: &'static str,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> Self {
        let (key, value) = (key.into(), value.into());
        self.count(key.len().saturating_add(value.len()));
        self.operations.push(Operation::Put { table, key, value });
        self
    }

    /// Removes `key`; nothing happens when it is not there.
    #[must_use]
    pub fn delete(mut self, table: &'static str, key: impl Into<Vec<u8>>) -> Self {
        let key = key.into();
        self.count(key.len());
        self.operations.push(Operation::Delete { table, key });
        self
    }

    /// Refuses the whole batch with [`CommitError::Exists`] when `key` is there.
    #[must_use]
    pub fn absent(mut self, table: &'static str, key: impl Into<Vec<u8>>) -> Self {
        let key = key.into();
        self.count(key.len());
        self.absent.push((table, key));
        self
    }

    /// Writes `value` under a `key` that must not be there yet: [`absent`](Self::absent) and
    /// [`put`](Self::put) in one.
    #[must_use]
    pub fn create(
        self,
        table: &'static str,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> Self {
        let key = key.into();
        self.absent(table, key.clone()).put(table, key, value)
    }

    /// Whether the batch neither writes nor demands anything.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.absent.is_empty() && self.operations.is_empty()
    }

    /// What the batch counts for against [`BATCH_BYTES_MAX`], in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn grows(&self) -> bool {
        self.operations.iter().any(|operation| matches!(operation, Operation::Put { .. }))
    }

    /// Checks every bound and every table name, so that the writer thread need not.
    pub(crate) fn check(&self, tables: &[&'static str]) -> Result<(), CommitError> {
        if self.bytes > BATCH_BYTES_MAX {
            return Err(CommitError::TooLarge { bytes: self.bytes, limit: BATCH_BYTES_MAX });
        }
        let absent = self.absent.iter().map(|(table, key)| (*table, key));
        let written = self.operations.iter().map(|operation| match operation {
            Operation::Put { table, key, .. } | Operation::Delete { table, key } => (*table, key),
        });
        for (table, key) in absent.chain(written) {
            if !tables.contains(&table) {
                return Err(CommitError::UnknownTable { table });
            }
            if !(1..=KEY_BYTES_MAX).contains(&key.len()) {
                return Err(CommitError::Key { table, length: key.len() });
            }
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes).saturating_add(OPERATION_BYTES);
    }
}
