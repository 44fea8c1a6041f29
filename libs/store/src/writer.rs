//! Group commit: one thread takes whatever is queued, commits it in one transaction, answers all.
//!
//! There is no timer: while one transaction is being synced the next group gathers by itself.

use std::{
    os::fd::BorrowedFd,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use redb::{Database, Durability, ReadableTable as _, Table, TableDefinition, WriteTransaction};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::batch::{Batch, Operation};

/// The most batches that share one transaction.
pub const GROUP_BATCHES_MAX: usize = 1024;

/// The most bytes that share one transaction.
pub const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most batches that wait for the writer; the next caller waits for a place.
pub const QUEUE_BATCHES_MAX: usize = 1024;

/// The most bytes that wait for the writer; the next caller waits for room.
pub const QUEUE_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Why a batch was not committed. It had no effect, except where a variant says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A key that had to be absent is there.
    #[error("the key {} is already in table {table:?}", String::from_utf8_lossy(key).escape_debug())]
    Exists {
        /// The table.
        table: &'static str,
        /// The key.
        key: Vec<u8>,
    },
    /// The table is none of those that the store was opened with.
    #[error("the store has no table {table:?}")]
    UnknownTable {
        /// The name given.
        table: &'static str,
    },
    /// A key is empty or longer than [`KEY_BYTES_MAX`](crate::KEY_BYTES_MAX).
    #[error(
        "a key of table {table:?} has {length} bytes; 1 to {} are allowed",
        crate::KEY_BYTES_MAX
    )]
    Key {
        /// The table.
        table: &'static str,
        /// The key's length in bytes.
        length: usize,
    },
    /// The batch is larger than [`BATCH_BYTES_MAX`](crate::BATCH_BYTES_MAX).
    #[error("the batch has {bytes} bytes; the limit is {limit}")]
    TooLarge {
        /// The batch's size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file system is nearly full. Reads and deletes go on; writes do once there is room.
    #[error(
        "the disk of {} is full, {free} bytes are free and {reserve} held back: make room",
        directory.display()
    )]
    Full {
        /// The store's directory.
        directory: PathBuf,
        /// Free bytes.
        free: u64,
        /// Bytes that must stay free.
        reserve: u64,
    },
    /// A write or a sync failed and the store takes nothing any more: the process must exit and
    /// reopen it. Whether *this* batch is on disk is not known until then.
    #[error("the store is broken: {reason}")]
    Broken {
        /// What failed.
        reason: Arc<str>,
    },
}

/// One queued batch, its share of the queue's bytes, and who waits for it.
pub(crate) struct Request {
    pub(crate) batch: Batch,
    pub(crate) room: OwnedSemaphorePermit,
    pub(crate) answer: oneshot::Sender<Result<(), CommitError>>,
}

/// What the callers' side and the writer thread share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) broken: CancellationToken,
    reason: OnceLock<Arc<str>>,
    pub(crate) commits: AtomicU64,
    pub(crate) batches: AtomicU64,
}

impl Shared {
    /// Marks the store as broken; the first reason stays.
    pub(crate) fn break_with(&self, reason: String) -> CommitError {
        self.reason.get_or_init(|| {
            tracing::error!(reason, "the store is broken; the process must exit");
            reason.into()
        });
        self.broken.cancel();
        self.as_broken()
    }

    pub(crate) fn as_broken(&self) -> CommitError {
        let reason = self.reason.get().cloned();
        CommitError::Broken { reason: reason.unwrap_or_else(|| "the writer has gone".into()) }
    }
}

/// Breaks the store when the writer thread ends in any way but its own.
struct BrokenUnlessDone<'a>(&'a Shared, bool);

impl Drop for BrokenUnlessDone<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.break_with("the writer thread ended unexpectedly".to_owned());
        }
    }
}

/// The writer thread's own state.
pub(crate) struct Writer {
    pub(crate) database: Arc<Database>,
    pub(crate) receiver: mpsc::Receiver<Request>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) reserve: Reserve,
}

/// How many bytes must stay free on the file system that holds the store.
pub(crate) struct Reserve {
    pub(crate) directory: Option<(std::fs::File, PathBuf)>,
    pub(crate) bytes: u64,
}

impl Reserve {
    /// Refuses growth when too little is free. A file system that will not say is not asked again.
    fn check(&self) -> Result<(), CommitError> {
        use std::os::fd::AsFd as _;
        let Some((directory, path)) = &self.directory else {
            return Ok(());
        };
        let directory: BorrowedFd<'_> = directory.as_fd();
        let Ok(stat) = rustix::fs::fstatvfs(directory) else {
            return Ok(());
        };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free < self.bytes {
            let directory = path.clone();
            return Err(CommitError::Full { directory, free, reserve: self.bytes });
        }
        Ok(())
    }
}

impl Writer {
    /// Commits groups until every sender is gone or the store breaks.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut guard = BrokenUnlessDone(&shared, false);
        let mut next = self.receiver.blocking_recv();
        while let Some(first) = next.take() {
            let (group, held) = self.gather(first);
            if !self.serve(group) {
                self.refuse_rest(held);
                break;
            }
            next = held.or_else(|| self.receiver.blocking_recv());
        }
        guard.1 = true;
    }

    /// Takes what is queued, within the bounds of one transaction; the one that did not fit waits.
    fn gather(&mut self, first: Request) -> (Vec<Request>, Option<Request>) {
        let mut bytes = first.batch.bytes();
        let mut group = vec![first];
        while group.len() < GROUP_BATCHES_MAX {
            let Ok(request) = self.receiver.try_recv() else {
                break;
            };
            bytes = bytes.saturating_add(request.batch.bytes());
            if bytes > GROUP_BYTES_MAX {
                return (group, Some(request));
            }
            group.push(request);
        }
        (group, None)
    }

    /// Commits one group and answers it; false when the store broke.
    fn serve(&self, group: Vec<Request>) -> bool {
        let begun = Instant::now();
        let full = self.reserve.check().err();
        let outcomes = match commit(&self.database, &group, full.as_ref()) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let broken = self.shared.break_with(error.to_string());
                for request in group {
                    let _gone = request.answer.send(Err(broken.clone()));
                }
                return false;
            }
        };
        let batches = group.len() as u64;
        if outcomes.iter().any(Result::is_ok) {
            self.shared.commits.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("store_commits_total").increment(1);
        }
        self.shared.batches.fetch_add(batches, Ordering::Relaxed);
        metrics::counter!("store_batches_total").increment(batches);
        metrics::histogram!("store_commit_seconds").record(begun.elapsed().as_secs_f64());
        for (request, outcome) in group.into_iter().zip(outcomes) {
            drop(request.room);
            let _gone = request.answer.send(outcome);
        }
        true
    }

    fn refuse_rest(&mut self, held: Option<Request>) {
        self.receiver.close();
        let mut next = held;
        while let Some(request) = next.take().or_else(|| self.receiver.blocking_recv()) {
            let _gone = request.answer.send(Err(self.shared.as_broken()));
        }
    }
}

/// Applies every batch of the group to one transaction and makes it durable.
///
/// The outer error is fatal; the inner ones refuse single batches.
fn commit(
    database: &Database,
    group: &[Request],
    full: Option<&CommitError>,
) -> Result<Vec<Result<(), CommitError>>, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    let outcomes = {
        let mut tables = Tables { transaction: &transaction, open: Vec::new() };
        let apply = |request: &Request| match full {
            Some(error) if request.batch.grows() => Ok(Err(error.clone())),
            _ => tables.apply(&request.batch),
        };
        group.iter().map(apply).collect::<Result<Vec<_>, redb::Error>>()?
    };
    if outcomes.iter().all(Result::is_err) {
        transaction.abort()?;
    } else {
        transaction.commit()?;
    }
    Ok(outcomes)
}

type BytesTable<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

/// The tables that a transaction has touched so far.
struct Tables<'txn> {
    transaction: &'txn WriteTransaction,
    open: Vec<(&'static str, BytesTable<'txn>)>,
}

impl<'txn> Tables<'txn> {
    fn table(&mut self, name: &'static str) -> Result<&mut BytesTable<'txn>, redb::Error> {
        let index = match self.open.iter().position(|(open, _)| *open == name) {
            Some(index) => index,
            None => {
                self.open.push((name, self.transaction.open_table(TableDefinition::new(name))?));
                self.open.len() - 1
            }
        };
        Ok(&mut self.open[index].1)
    }

    fn apply(&mut self, batch: &Batch) -> Result<Result<(), CommitError>, redb::Error> {
        for (table, key) in &batch.absent {
            if self.table(table)?.get(key.as_slice())?.is_some() {
                return Ok(Err(CommitError::Exists { table, key: key.clone() }));
            }
        }
        for operation in &batch.operations {
            match operation {
                Operation::Put { table, key, value } => {
                    self.table(table)?.insert(key.as_slice(), value.as_slice())?;
                }
                Operation::Delete { table, key } => {
                    self.table(table)?.remove(key.as_slice())?;
                }
            }
        }
        Ok(Ok(()))
    }
}
