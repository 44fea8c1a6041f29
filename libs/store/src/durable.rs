//! The durable store: named tables of bytes, many writers in one commit, reads that never wait.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Wake, Waker},
    thread::{JoinHandle, Thread},
};

use redb::Database;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    batch::Batch,
    opening::{OpenError, directory_of, open_backend, open_file},
    snapshot::{Entry, ReadError, Snapshot, Span},
    writer::{CommitError, QUEUE_BATCHES_MAX, QUEUE_BYTES_MAX, Request, Reserve, Shared, Writer},
};

/// What [`Durable::open`] keeps free on the file system, in bytes: many times what one
/// transaction can grow the file by, so that a full disk is refused before redb meets it.
const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// How many transactions and batches were committed since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Transactions: each cost one sync of the disk.
    pub commits: u64,
    /// Batches answered by them, refused ones included.
    pub batches: u64,
}

/// A store whose answers are durable: `Ok` from a commit means that a power cut cannot undo it.
///
/// Clones share the one store. When the last is dropped, what was queued is committed, the writer
/// thread is joined and the file closed; that takes as long as one or two syncs of the disk.
#[derive(Clone)]
pub struct Durable(Arc<Inner>);

struct Inner {
    tables: &'static [&'static str],
    database: Arc<Database>,
    shared: Arc<Shared>,
    room: Arc<Semaphore>,
    sender: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Durable").field("tables", &self.0.tables).finish_non_exhaustive()
    }
}

impl Durable {
    /// Opens the store at `path`, creating it (mode 0600) if there is none, with these tables.
    ///
    /// Every page's checksum is verified first, so this reads the whole file: call it at start,
    /// off the async threads.
    ///
    /// # Errors
    /// When the file cannot be used, is in use by another process, or is damaged.
    pub fn open(
        path: impl AsRef<Path>,
        tables: &'static [&'static str],
    ) -> Result<Self, OpenError> {
        Self::open_with_reserve(path, tables, RESERVE_BYTES)
    }

    /// [`open`](Self::open), refusing writes with [`CommitError::Full`] while fewer than
    /// `reserve_bytes` are free on the file system.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with_reserve(
        path: impl AsRef<Path>,
        tables: &'static [&'static str],
        reserve_bytes: u64,
    ) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let failed = |source| OpenError::Io { path: path.into(), source };
        let database = open_file(path, tables)?;
        let directory = directory_of(path);
        let opened = File::open(directory).map_err(failed)?;
        let reserve = Reserve { directory: Some((opened, directory.into())), bytes: reserve_bytes };
        Self::start(database, tables, reserve).map_err(failed)
    }

    /// A store over another kind of file, checked as any: for tests of what happens when that one
    /// loses or tears what was written. Nothing is held back, and nothing is locked.
    ///
    /// # Errors
    /// As for [`open`](Self::open); the path is the one of the message only.
    #[doc(hidden)]
    pub fn open_on(
        backend: impl redb::StorageBackend,
        path: impl AsRef<Path>,
        tables: &'static [&'static str],
    ) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let database = open_backend(backend, path, tables)?;
        let reserve = Reserve { directory: None, bytes: 0 };
        Self::start(database, tables, reserve)
            .map_err(|source| OpenError::Io { path: path.into(), source })
    }

    /// Starts the writer thread over an open database.
    pub(crate) fn start(
        database: Database,
        tables: &'static [&'static str],
        reserve: Reserve,
    ) -> std::io::Result<Self> {
        let database = Arc::new(database);
        let shared = Arc::new(Shared::default());
        let (sender, receiver) = mpsc::channel(QUEUE_BATCHES_MAX);
        let writer = Writer {
            database: Arc::clone(&database),
            receiver,
            shared: Arc::clone(&shared),
            reserve,
        };
        let thread =
            std::thread::Builder::new().name("store-writer".into()).spawn(|| writer.run())?;
        Ok(Self(Arc::new(Inner {
            tables,
            database,
            shared,
            room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)),
            sender: Some(sender),
            thread: Some(thread),
        })))
    }

    /// Commits the batch, together with whatever else is queued, and waits until it is durable.
    ///
    /// Waits for room while the queue is full. Dropping the future does not take a queued batch
    /// back: it may or may not be committed.
    ///
    /// # Errors
    /// When a precondition fails, a bound is exceeded, the disk is full or the store is broken.
    pub async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        batch.check(self.0.tables)?;
        if batch.is_empty() {
            return Ok(());
        }
        let inner = &*self.0;
        let broken = |()| inner.shared.as_broken();
        if inner.shared.broken.is_cancelled() {
            return Err(broken(()));
        }
        let bytes = u32::try_from(batch.bytes()).unwrap_or(u32::MAX);
        let room = Arc::clone(&inner.room).acquire_many_owned(bytes).await;
        let room = room.map_err(|_| broken(()))?;
        let sender = inner.sender.as_ref().ok_or(()).map_err(broken)?;
        let (answer, answered) = oneshot::channel();
        let queued = sender.send(Request { batch, room, answer }).await;
        queued.map_err(|_| broken(()))?;
        answered.await.unwrap_or_else(|_| Err(broken(())))
    }

    /// [`commit`](Self::commit) for threads that may block: tests and start-up code.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub fn commit_blocking(&self, batch: Batch) -> Result<(), CommitError> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut commit = std::pin::pin!(self.commit(batch));
        loop {
            match commit.as_mut().poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// One consistent view of every table, as of now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, ReadError> {
        Snapshot::new(&self.0.database, self.0.tables)
    }

    /// The value under `key`, if any. Everything that was acknowledged before is seen.
    ///
    /// # Errors
    /// When the table is unknown or the file cannot be read.
    pub fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.snapshot()?.get(table, key)
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
        self.snapshot()?.scan(table, span, limit)
    }

    /// The entry of the span with the greatest key.
    ///
    /// # Errors
    /// When the table is unknown or the file cannot be read.
    pub fn last(&self, table: &'static str, span: &Span) -> Result<Option<Entry>, ReadError> {
        self.snapshot()?.last(table, span)
    }

    /// Cancelled when the store breaks: the service should then stop and exit, for only a new
    /// process can tell what is on disk.
    #[must_use]
    pub fn broken(&self) -> CancellationToken {
        self.0.shared.broken.child_token()
    }

    /// How many transactions and batches were committed since the store was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            commits: self.0.shared.commits.load(Ordering::Relaxed),
            batches: self.0.shared.batches.load(Ordering::Relaxed),
        }
    }
}

/// Wakes the thread that waits in [`Durable::commit_blocking`].
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has already broken the store and told everybody.
            let _ended = thread.join();
        }
    }
}
