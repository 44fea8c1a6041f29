//! The one task that owns the machine: takes what is queued, decides, commits once, answers all.

use std::sync::Arc;

use ids::{JobId, Timestamp};
use schedule::{Changes, Event, JobRecord, Machine, Refused, Stage};
use tokio::sync::{Notify, broadcast, mpsc, oneshot};

use crate::records::{RecordError, Records, Write};

/// Commands that wait for the core; the next caller waits for a place.
const QUEUE_MAX: usize = 1_024;
/// Commands that go into one commit.
const GROUP_MAX: usize = 512;
/// Bytes of documents that go into one commit; a single command may be larger.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long after a failed commit the stages that it may have lost start again, in milliseconds.
const AFTER_FAILURE_MS: i64 = 1_000;
/// Notices that a slow watcher may lag behind before it reads the record again.
const NOTICES_MAX: usize = 4_096;

/// Why an event had no effect.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ApplyError {
    /// The machine refused it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store did not take it.
    #[error("the scheduler's store does not take it: {0}")]
    Store(String),
    /// The core is gone: the service is stopping.
    #[error("the scheduler is stopping")]
    Stopping,
}

/// What an event led to, durably.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    /// The machine's answer.
    pub(crate) changes: Changes,
    /// The job that the event was about, as it is now.
    pub(crate) record: Option<JobRecord>,
}

type Query = Box<dyn FnOnce(&Machine) + Send>;

enum Command {
    Apply {
        event: Box<Event>,
        writes: Vec<Write>,
        reply: oneshot::Sender<Result<Applied, ApplyError>>,
    },
    Query(Query),
}

impl Command {
    /// What its writes add to a commit.
    fn bytes(&self) -> usize {
        match self {
            Self::Query(_) => 0,
            Self::Apply { writes, .. } => writes.iter().map(Write::bytes).sum(),
        }
    }
}

/// What the rest of the service does with the core.
#[derive(Clone)]
pub(crate) struct Core {
    sender: mpsc::Sender<Command>,
    moved: broadcast::Sender<JobId>,
    queued: Arc<Notify>,
    due: Arc<Notify>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Core {
    /// Applies `event`, with `writes` in the same commit; the answer comes when it is durable.
    ///
    /// # Errors
    /// When the event is refused or the store does not take it.
    pub(crate) async fn apply(
        &self,
        event: Event,
        writes: Vec<Write>,
    ) -> Result<Applied, ApplyError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Apply { event: Box::new(event), writes, reply };
        self.sender.send(command).await.map_err(|_| ApplyError::Stopping)?;
        answer.await.map_err(|_| ApplyError::Stopping)?
    }

    /// Reads something of the machine.
    ///
    /// # Errors
    /// When the service is stopping.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Machine) -> T + Send + 'static,
    ) -> Result<T, ApplyError> {
        let (reply, answer) = oneshot::channel();
        let query: Query = Box::new(move |machine| {
            let _ = reply.send(read(machine));
        });
        self.sender.send(Command::Query(query)).await.map_err(|_| ApplyError::Stopping)?;
        answer.await.map_err(|_| ApplyError::Stopping)
    }

    /// Ids of jobs as they move or their progress changes; a lagging reader reads records again.
    #[must_use]
    pub(crate) fn moved(&self) -> broadcast::Receiver<JobId> {
        self.moved.subscribe()
    }

    /// Says that a job's progress changed.
    pub(crate) fn touch(&self, job: JobId) {
        let _ = self.moved.send(job);
    }

    /// Waits until a record may be due.
    pub(crate) async fn due(&self) {
        self.due.notified().await;
    }

    /// Says that a record is due.
    pub(crate) fn made_due(&self) {
        self.due.notify_one();
    }

    /// Waits until a job may have been queued.
    pub(crate) async fn queued(&self) {
        self.queued.notified().await;
    }
}

/// Starts a stage of a job; called after the record is durable, returns at once.
pub(crate) trait StartStage: Send + Sync + 'static {
    /// Starts it.
    fn start(&self, core: &Core, job: &JobRecord, stage: Stage);
}

/// The core's task.
pub(crate) struct Running {
    core: Core,
    receiver: mpsc::Receiver<Command>,
    machine: Machine,
    records: Records,
    stages: Arc<dyn StartStage>,
    wake_at: Option<Timestamp>,
}

fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

/// Builds the core over what is on disk; nothing runs before [`Running::run`].
///
/// # Errors
/// When a record cannot be read.
pub(crate) fn build(
    config: schedule::Config,
    records: Records,
    stages: Arc<dyn StartStage>,
) -> Result<(Core, Running, Changes), RecordError> {
    let (jobs, token) = records.load()?;
    let (mut machine, changes) = Machine::resume(config, jobs, now());
    machine.tokens_from(token);
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let (moved, _) = broadcast::channel(NOTICES_MAX);
    let (queued, due) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let core = Core { sender, moved, queued, due };
    let running =
        Running { core: core.clone(), receiver, machine, records, stages, wake_at: Some(now()) };
    Ok((core, running, changes))
}

/// The next commands that fit one commit, at least one.
fn group(waiting: &mut std::iter::Peekable<std::vec::IntoIter<Command>>) -> Vec<Command> {
    let (mut group, mut bytes) = (Vec::new(), 0_usize);
    while let Some(command) = waiting.next_if(|next| {
        let size = next.bytes();
        let fits = bytes == 0 || bytes.saturating_add(size) <= GROUP_BYTES_MAX;
        bytes = bytes.saturating_add(size);
        fits
    }) {
        group.push(command);
    }
    group
}

/// An event's answer that waits for the commit.
struct Pending {
    reply: oneshot::Sender<Result<Applied, ApplyError>>,
    applied: Applied,
}

impl Running {
    /// Runs until `shutdown`.
    pub(crate) async fn run(mut self, resumed: Changes, shutdown: rpc::CancellationToken) {
        self.act(&resumed);
        let mut commands = Vec::with_capacity(GROUP_MAX);
        loop {
            let sleep = self.until_wake();
            tokio::select! {
                () = shutdown.cancelled() => break,
                received = self.receiver.recv_many(&mut commands, GROUP_MAX) => {
                    if received == 0 { break }
                }
                () = tokio::time::sleep(sleep) => {}
            }
            if self.wake_at.is_some_and(|at| at <= now()) {
                let (reply, _) = oneshot::channel();
                let event = Box::new(Event::Tick);
                commands.insert(0, Command::Apply { event, writes: Vec::new(), reply });
            }
            let mut waiting = std::mem::take(&mut commands).into_iter().peekable();
            while waiting.peek().is_some() {
                self.take(group(&mut waiting)).await;
            }
        }
    }

    fn until_wake(&self) -> std::time::Duration {
        const IDLE_MS: i64 = 1_000;
        let ms = self.wake_at.map_or(IDLE_MS, |at| at.since_ms(now()).clamp(0, IDLE_MS));
        std::time::Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }

    /// One group: decide all, commit once, then answer and act.
    async fn take(&mut self, commands: Vec<Command>) {
        let at = now();
        let (mut pending, mut queries, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        let mut changed = std::collections::BTreeSet::new();
        for command in commands {
            match command {
                Command::Query(query) => queries.push(query),
                Command::Apply { event, writes: own, reply } => {
                    match self.machine.apply(at, *event) {
                        Err(refused) => {
                            let _ = reply.send(Err(refused.into()));
                        }
                        Ok(changes) => {
                            self.wake_at = changes.wake_at;
                            changed.extend(changes.changed.iter().copied());
                            writes.extend(own);
                            let due = changes.due.iter().cloned();
                            writes.extend(due.map(|due| Write::Due(Box::new(due))));
                            pending.push(Pending { reply, applied: self.applied(changes) });
                        }
                    }
                }
            }
        }
        let jobs = changed.iter().filter_map(|id| self.machine.job(*id));
        match self.records.commit(jobs, writes, Some(self.machine.next_token())).await {
            Ok(()) => self.answer(pending),
            Err(error) => self.undo(&error, pending),
        }
        metrics::gauge!("scheduler_jobs_live").set(to_f64(self.machine.live()));
        metrics::gauge!("scheduler_jobs_queued").set(to_f64(self.machine.queued()));
        metrics::gauge!("scheduler_jobs_held").set(to_f64(self.machine.held()));
        for query in queries {
            query(&self.machine);
        }
    }

    fn applied(&self, changes: Changes) -> Applied {
        let about = changes.job.map(|(id, _)| id).or_else(|| changes.changed.first().copied());
        let about = about.or_else(|| changes.grant.as_ref().map(|grant| grant.job));
        Applied { record: about.and_then(|id| self.machine.job(id)).cloned(), changes }
    }

    fn answer(&self, pending: Vec<Pending>) {
        for Pending { reply, applied } in pending {
            self.act(&applied.changes);
            let _ = reply.send(Ok(applied));
        }
    }

    fn act(&self, changes: &Changes) {
        for (id, stage) in &changes.start {
            if let Some(record) = self.machine.job(*id) {
                self.stages.start(&self.core, record, *stage);
            }
        }
        for id in &changes.moved {
            let _ = self.core.moved.send(*id);
            if let Some(record) = self.machine.job(*id) {
                let state = format!("{:?}", record.state);
                let reason = record.reason.map(job::Reason::as_str);
                tracing::info!(job = %id, state, attempt = record.attempt, reason, "job moved");
                metrics::counter!("scheduler_transitions_total", "state" => state).increment(1);
                if record.state == job::JobState::Held {
                    metrics::counter!("scheduler_holds_total").increment(1);
                }
            }
        }
        if !changes.moved.is_empty() {
            self.core.queued.notify_waiters();
        }
        if !changes.due.is_empty() {
            self.core.made_due();
        }
    }

    /// A commit failed: what is in memory was never true. Goes back to what is on disk.
    fn undo(&mut self, error: &RecordError, pending: Vec<Pending>) {
        tracing::error!(%error, "a commit failed; going back to the last durable state");
        match self.records.load() {
            Ok((jobs, token)) => {
                let config = self.machine.config().clone();
                let (mut machine, lost) = Machine::resume(config, jobs, now());
                machine.tokens_from(token);
                // A stage whose end was in this group is over for its task: start it again.
                let later = now().plus_ms(AFTER_FAILURE_MS);
                machine.start_later(&lost, later);
                self.machine = machine;
                self.wake_at = Some(later);
            }
            Err(error) => tracing::error!(%error, "cannot read the store back"),
        }
        for Pending { reply, .. } in pending {
            let _ = reply.send(Err(ApplyError::Store(error.to_string())));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
const fn to_f64(count: usize) -> f64 {
    count as f64
}
