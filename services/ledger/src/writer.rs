//! Group commit: one thread takes whatever is queued, appends all of it in one durable commit,
//! and answers all.
//!
//! There is no timer: while one commit is being synced the next group gathers by itself. Callers
//! prove their entries themselves, each in its own task, once a checkpoint that is shown covers it.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use rpc::status::chain;
use store::CommitError;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    Appended, Clock, Leaf, Log, Witnessing,
    log::{GroupError, HaltsOnPanic, Placed},
    record::GROUP_ENTRIES_MAX,
};

/// The most callers at one time, waiting for the writer or for witnesses; the next waits for a place.
pub(crate) const CALLERS_MAX: usize = 4096;

/// Why a commitment was not logged, or not proved.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The disk is nearly full; the source names the directory.
    #[error("the ledger's disk is full; ask again once there is room")]
    Full(#[source] CommitError),
    /// The log has entries from the future of this machine's clock, or the clock is wrong.
    #[error("the ledger's clock is behind its newest entry; ask again")]
    Clock(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The store failed; whether the commitment is in the log is known after the next start, and
    /// asking again is safe.
    #[error("the ledger's store failed; ask again once it has restarted")]
    Store(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The caller's time ran out before its turn came; the commitment may still be logged.
    #[error("the ledger was too busy; ask again")]
    Busy,
    /// The entry is durable, and too few witnesses have cosigned a checkpoint that covers it.
    #[error(
        "the entry is logged, but too few witnesses have cosigned it yet{}; ask again",
        without(.missing)
    )]
    WitnessesAway {
        /// The names of those that have not.
        missing: Vec<String>,
    },
    /// The ledger ends.
    #[error("the ledger is shutting down; ask again once it has restarted")]
    Stopping,
    /// It stopped for good; whether the commitment is in the log is known after the next start.
    #[error("the ledger has halted: {0}")]
    Halted(String),
}

fn without(missing: &[String]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    format!(" (missing: {})", missing.join(", "))
}

struct Request {
    leaf: Leaf,
    answer: oneshot::Sender<Result<Placed, AppendError>>,
}

/// Queues commitments for the writer thread. Clones share the queue; the thread ends with the
/// last of them.
#[derive(Debug, Clone)]
pub struct Appender {
    log: Arc<Log>,
    room: Arc<Semaphore>,
    queue: mpsc::Sender<Request>,
    witnesses: Option<Arc<dyn Witnessing>>,
}

impl Appender {
    /// Starts the writer thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn spawn(
        log: Arc<Log>,
        witnesses: Option<Arc<dyn Witnessing>>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let (queue, receiver) = mpsc::channel(CALLERS_MAX);
        let writer = Arc::clone(&log);
        std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || write(&writer, receiver, &clock))?;
        Ok(Self { log, room: Arc::new(Semaphore::new(CALLERS_MAX)), queue, witnesses })
    }

    /// The log, for reading.
    #[must_use]
    pub const fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Logs `leaf` durably and proves it under a checkpoint that is shown; a commitment that is
    /// there keeps its index and tag. Gives up at `until`. Dropping the future, or giving up, does
    /// not take the entry back: asking again finds it.
    ///
    /// # Errors
    /// When the store does not take it, or no checkpoint that covers it is shown in time.
    pub async fn append(
        &self,
        leaf: Leaf,
        until: Option<Instant>,
    ) -> Result<Appended, AppendError> {
        let durable = OnceLock::new();
        let appended = self.appended(leaf, &durable);
        let Some(until) = until else { return appended.await };
        match tokio::time::timeout_at(until.into(), appended).await {
            Ok(answer) => answer,
            Err(_) if durable.get().is_some() => {
                let missing = self.witnesses.as_ref().map(|witnesses| witnesses.missing());
                Err(AppendError::WitnessesAway { missing: missing.unwrap_or_default() })
            }
            Err(_) => Err(AppendError::Busy),
        }
    }

    async fn appended(&self, leaf: Leaf, durable: &OnceLock<()>) -> Result<Appended, AppendError> {
        let _room = self.room.acquire().await.map_err(|_| self.ended())?;
        let (answer, answered) = oneshot::channel();
        let queued = self.queue.send(Request { leaf, answer }).await;
        queued.map_err(|_| self.ended())?;
        let Ok(placed) = answered.await else {
            // The writer forgets a caller only when it panics, and halts the log a moment later.
            self.log.halted.cancelled().await;
            return Err(self.ended());
        };
        let placed = placed?;
        let _ = durable.set(());
        let mut shown = self.log.shown.subscribe();
        let covers = shown.wait_for(|shown| shown.halted || shown.covers(placed.index)).await;
        let head = match covers {
            Ok(shown) if !shown.halted => Arc::clone(&shown.head),
            Ok(_) | Err(_) => return Err(self.ended()),
        };
        self.log.prove(placed, &head).map_err(|error| AppendError::Store(Arc::new(error)))
    }

    /// Why there is no answer any more.
    fn ended(&self) -> AppendError {
        let reason = self.log.halted().map(str::to_owned);
        reason.map_or(AppendError::Stopping, AppendError::Halted)
    }
}

/// Takes what is queued, and once more what came while it did: whoever was answered together comes
/// again together, and half of them would else wait for two commits.
fn gather(first: Request, receiver: &mut mpsc::Receiver<Request>, last: usize) -> Vec<Request> {
    let mut group = Vec::with_capacity(last.max(16));
    group.push(first);
    let mut looks = 0;
    while group.len() < GROUP_ENTRIES_MAX {
        match receiver.try_recv() {
            Ok(next) => group.push(next),
            Err(_) if group.len() < last && looks < LOOKS_MAX => {
                looks += 1;
                std::thread::yield_now();
            }
            Err(_) => break,
        }
    }
    group
}

/// How often the writer lets others run while its group is smaller than the last one.
const LOOKS_MAX: u32 = 16;

fn write(log: &Arc<Log>, mut receiver: mpsc::Receiver<Request>, clock: &Clock) {
    let _halts = HaltsOnPanic::new(Arc::clone(log), "the writer");
    let mut last = 0;
    while let Some(first) = receiver.blocking_recv() {
        let begun = Instant::now();
        let group = gather(first, &mut receiver, last);
        last = group.len();
        let leaves: Vec<_> = group.iter().map(|request| request.leaf).collect();
        let now = clock();
        let answers = match log.append(&leaves, now) {
            Ok(answers) => answers,
            Err(error) => {
                tracing::error!(error = chain(&error), "a group was not logged");
                vec![Err(AppendError::from(error)); group.len()]
            }
        };
        metrics::histogram!("ledger_commit_seconds").record(begun.elapsed().as_secs_f64());
        metrics::histogram!("ledger_group_size").record(u32::try_from(group.len()).unwrap_or(0));
        count(&answers);
        let behind = log.is_ahead_of(now);
        metrics::gauge!("ledger_clock_behind").set(if behind { 1.0 } else { 0.0 });
        report(log);
        for (request, answer) in group.into_iter().zip(answers) {
            let _gone = request.answer.send(answer);
        }
    }
}

/// What became of a group.
fn count(answers: &[Result<Placed, AppendError>]) {
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    let refusals = refused.clone().count();
    if let Some(error) = refused.clone().next() {
        tracing::warn!(error = chain(error), refusals, "some of a group was not logged");
    }
    let total = |result| metrics::counter!("ledger_appends_total", "result" => result);
    total("ok").increment((answers.len().saturating_sub(refusals)) as u64);
    total("error").increment(refusals as u64);
}

/// How much there is, and how far what is shown lags behind it.
#[expect(clippy::cast_precision_loss, reason = "counts of entries")]
pub(crate) fn report(log: &Log) {
    let (committed, shown) = (log.committed().size, log.shown().size);
    metrics::gauge!("ledger_entries").set(committed as f64);
    metrics::gauge!("ledger_unwitnessed_entries").set(committed.saturating_sub(shown) as f64);
}

impl From<GroupError> for AppendError {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Commit(full @ CommitError::Full { .. }) => Self::Full(full),
            GroupError::Halted(reason) => Self::Halted(reason),
            GroupError::Clock { .. } => Self::Clock(Arc::new(error)),
            GroupError::Commit(_)
            | GroupError::Read(_)
            | GroupError::Missing(_)
            | GroupError::Sign(_)
            | GroupError::Record(_)
            | GroupError::Write(_) => Self::Store(Arc::new(error)),
        }
    }
}
