//! Group commit: one thread takes whatever is queued, appends all of it in one durable commit,
//! and answers all.
//!
//! There is no timer: while one commit is being synced the next group gathers by itself.

use std::sync::Arc;

use store::CommitError;
use tokio::sync::{mpsc, oneshot};

use crate::{Appended, Clock, Leaf, Log, log::GroupError};

/// The most commitments that wait for the writer; the next caller waits for a place.
const QUEUE_COMMITMENTS_MAX: usize = 4096;
/// The most commitments that share one commit.
const GROUP_COMMITMENTS_MAX: usize = 1024;

/// Why a commitment was not logged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The disk is nearly full.
    #[error("the ledger's disk is full")]
    Full(#[source] CommitError),
    /// The store failed; whether the commitment is in the log is known after the next start, and
    /// asking again is safe.
    #[error("the ledger's store failed; ask again once it has restarted")]
    Store(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The ledger ends.
    #[error("the ledger is shutting down")]
    Stopping,
}

struct Request {
    leaf: Leaf,
    answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// Queues commitments for the writer thread. Clones share the queue; the thread ends with the
/// last of them.
#[derive(Debug, Clone)]
pub struct Appender {
    log: Arc<Log>,
    queue: mpsc::Sender<Request>,
}

impl Appender {
    /// Starts the writer thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(log: Arc<Log>, clock: Clock) -> std::io::Result<Self> {
        let (queue, receiver) = mpsc::channel(QUEUE_COMMITMENTS_MAX);
        let writer = Arc::clone(&log);
        std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || write(&writer, receiver, &clock))?;
        Ok(Self { log, queue })
    }

    /// The log, for reading.
    #[must_use]
    pub const fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Logs `leaf` durably and proves it; a commitment that is there keeps its index and tag. Dropping the
    /// future does not take it back.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn append(&self, leaf: Leaf) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        let queued = self.queue.send(Request { leaf, answer }).await;
        queued.map_err(|_| AppendError::Stopping)?;
        answered.await.unwrap_or(Err(AppendError::Stopping))
    }
}

fn write(log: &Log, mut receiver: mpsc::Receiver<Request>, clock: &Clock) {
    #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
    let report = || metrics::gauge!("ledger_entries").set(log.size() as f64);
    report();
    while let Some(first) = receiver.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_COMMITMENTS_MAX {
            let Ok(next) = receiver.try_recv() else { break };
            group.push(next);
        }
        let leaves: Vec<_> = group.iter().map(|request| request.leaf).collect();
        let answers = log.append(&leaves, clock()).map_err(failed);
        metrics::histogram!("ledger_group_size").record(u32::try_from(group.len()).unwrap_or(0));
        report();
        match answers {
            Ok(answers) => {
                metrics::counter!("ledger_appends_total", "result" => "ok")
                    .increment(group.len() as u64);
                for (request, answer) in group.into_iter().zip(answers) {
                    let _gone = request.answer.send(Ok(answer));
                }
            }
            Err(error) => {
                metrics::counter!("ledger_appends_total", "result" => "error")
                    .increment(group.len() as u64);
                tracing::error!(%error, "a group was not logged");
                for request in group {
                    let _gone = request.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

fn failed(error: GroupError) -> AppendError {
    match error {
        GroupError::Commit(full @ CommitError::Full { .. }) => AppendError::Full(full),
        GroupError::Commit(_)
        | GroupError::Lookup(_)
        | GroupError::Sign(_)
        | GroupError::Write(_) => AppendError::Store(Arc::new(error)),
    }
}
