//! The machine: jobs, the queue, and one entry point for everything that happens.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ids::{FencingToken, JobId, SpiffeId, Timestamp};
use job::{JobState, Reason};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Changes, Done, Event, JobRecord, Refused, Stage};

/// The bounds of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A lease ends this long after its last renewal, in milliseconds.
    pub lease_ttl_ms: i64,
    /// A grant outlives its lease by this much, for the report's way back, in milliseconds.
    pub grant_grace_ms: i64,
    /// The most attempts of one job when the platform fails.
    pub max_attempts: u32,
    /// The wait before another try, in milliseconds; grows with each.
    pub backoff_ms: i64,
    /// The longest wait before a stage is tried again, in milliseconds.
    pub max_backoff_ms: i64,
    /// The most jobs that are not in a terminal state.
    pub max_live: usize,
    /// The most such jobs of one user.
    pub max_live_per_user: usize,
    /// How long a job may wait in one stage for its service, in milliseconds.
    pub max_stage_ms: i64,
    /// How long after its training a held job can be released, in milliseconds.
    pub max_held_ms: i64,
}

/// A release needs this much time to be signed before the evidence is too old, in milliseconds.
const RELEASE_MARGIN_MS: i64 = 3_600_000;

impl Default for Config {
    fn default() -> Self {
        Self {
            lease_ttl_ms: 15_000,
            grant_grace_ms: 60_000,
            max_attempts: 3,
            backoff_ms: 1_000,
            // A job is signed within ten seconds of its keys' return: a module that hung may take
            // five of them to be killed, and a token two to be opened again.
            max_backoff_ms: 4_000,
            max_live: 100_000,
            max_live_per_user: 20_000,
            max_stage_ms: evidence::MAX_EVIDENCE_AGE_MS,
            max_held_ms: evidence::MAX_EVIDENCE_AGE_MS - RELEASE_MARGIN_MS,
        }
    }
}

/// Jobs that one tick ends at most: all that it changes goes into one commit, which is bounded. The
/// next tick, due at once, takes the rest.
pub(crate) const TICK_MAX: usize = 100;

/// All jobs and what is decided about them.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(crate) config: Config,
    pub(crate) jobs: BTreeMap<JobId, JobRecord>,
    /// Waiting jobs, oldest first.
    pub(crate) queue: BTreeSet<(Timestamp, JobId)>,
    /// Jobs with a lease.
    pub(crate) training: BTreeSet<JobId>,
    /// Jobs whose stage waits to be tried again.
    pub(crate) retry: BTreeSet<(Timestamp, JobId)>,
    /// Held jobs by the instant at which they end; the longest held come first.
    pub(crate) held: BTreeSet<(Timestamp, JobId)>,
    pub(crate) next_token: FencingToken,
    pub(crate) live: usize,
    pub(crate) live_of: HashMap<SpiffeId, usize>,
    pub(crate) keys: HashMap<(SpiffeId, Uuid), JobId>,
}

impl Changes {
    pub(crate) fn moved(id: JobId) -> Self {
        Self { changed: vec![id], moved: vec![id], ..Self::default() }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.changed.extend(other.changed);
        self.moved.extend(other.moved);
        self.start.extend(other.start);
    }
}

impl Machine {
    /// A machine that goes on from stored records at the instant `at`; also what to start now.
    /// Leases that were running get one more period to be renewed.
    #[must_use]
    pub fn resume(config: Config, records: Vec<JobRecord>, at: Timestamp) -> (Self, Changes) {
        let mut machine = Self {
            config,
            jobs: BTreeMap::new(),
            queue: BTreeSet::new(),
            training: BTreeSet::new(),
            retry: BTreeSet::new(),
            held: BTreeSet::new(),
            next_token: 1,
            live: 0,
            live_of: HashMap::new(),
            keys: HashMap::new(),
        };
        let mut changes = Changes::default();
        for mut record in records {
            let id = record.id;
            if let Some(lease) = &mut record.lease {
                lease.deadline = at.plus_ms(machine.config.lease_ttl_ms);
                machine.next_token = machine.next_token.max(lease.token.saturating_add(1));
            }
            machine.keys.insert((record.user.clone(), record.idempotency_key), id);
            if !record.state.is_terminal() {
                machine.begin(&record.user);
            }
            match record.state {
                JobState::Queued => {
                    machine.queue.insert((record.created_at, id));
                }
                JobState::Training => {
                    machine.training.insert(id);
                }
                JobState::Held => {
                    machine.held.insert((record.held_until(), id));
                }
                _ => {}
            }
            if let Some(stage) = Stage::of(record.state) {
                changes.start.push((id, stage));
            }
            machine.jobs.insert(id, record);
        }
        (machine, changes)
    }

    /// Starts the stages of `changes` at `at` instead of now.
    pub fn start_later(&mut self, changes: &Changes, at: Timestamp) {
        self.retry.extend(changes.start.iter().map(|(id, _)| (at, *id)));
    }

    /// Never gives a fencing token below `token` again: the store remembers the highest one.
    pub fn tokens_from(&mut self, token: FencingToken) {
        self.next_token = self.next_token.max(token);
    }

    /// The token that the next lease gets.
    #[must_use]
    pub const fn next_token(&self) -> FencingToken {
        self.next_token
    }

    /// The machine's bounds.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// A job.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&JobRecord> {
        self.jobs.get(&id)
    }

    /// Every job, newest first.
    pub fn jobs(&self) -> impl Iterator<Item = &JobRecord> {
        self.jobs.values().rev()
    }

    /// A job of `user`'s; another's does not exist.
    ///
    /// # Errors
    /// When there is none.
    pub fn job_of(&self, id: JobId, user: &SpiffeId) -> Result<&JobRecord, Refused> {
        self.jobs.get(&id).filter(|r| &r.user == user).ok_or(Refused::UnknownJob(id))
    }

    /// The jobs of `user` before `before`, newest first.
    pub fn jobs_of<'a>(
        &'a self,
        user: &'a SpiffeId,
        before: Option<JobId>,
    ) -> impl Iterator<Item = &'a JobRecord> {
        self.jobs
            .iter()
            .rev()
            .filter(move |(id, _)| before.is_none_or(|before| **id < before))
            .map(|(_, record)| record)
            .filter(move |record| &record.user == user)
    }

    /// Jobs that are not in a terminal state.
    #[must_use]
    pub const fn live(&self) -> usize {
        self.live
    }

    /// Jobs that wait for an executor.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Takes one event at the instant `at`.
    ///
    /// # Errors
    /// When the event is refused; then nothing changed.
    pub fn apply(&mut self, at: Timestamp, event: Event) -> Result<Changes, Refused> {
        let mut changes = match event {
            Event::Submitted { submission } => self.submit(at, *submission),
            Event::CancelAsked { job, user } => self.cancel(at, job, &user),
            Event::LeaseAsked { executor, images, gpus, nonce } => {
                Ok(self.lease(at, executor, &images, gpus, nonce))
            }
            Event::Renewed { lease, key } => self.renew(at, &lease, key),
            Event::Trained { lease, result } => self.trained(at, &lease, result),
            Event::AttemptFailed { lease, failure } => self.attempt_failed(at, &lease, &failure),
            Event::StageDone { job, done } => self.stage_done(at, job, done),
            Event::Held { job, hold, held, message } => self.hold(at, job, hold, held, &message),
            Event::Released { job, release } => self.release(at, job, release),
            Event::StageFailed { job, stage, reason, message, again } => {
                self.stage_failed(at, job, stage, reason, &message, again)
            }
            Event::Tick => Ok(self.tick(at)),
        }?;
        let moved = changes.moved.iter().filter_map(|id| self.jobs.get(id));
        changes.due = moved.filter_map(JobRecord::due).collect();
        changes.wake_at = self.wake_at();
        Ok(changes)
    }

    /// One more job of `user` is live.
    pub(crate) fn begin(&mut self, user: &SpiffeId) {
        self.live += 1;
        *self.live_of.entry(user.clone()).or_default() += 1;
    }

    /// Job `id` has reached a terminal state.
    pub(crate) fn end(&mut self, id: JobId) {
        self.live = self.live.saturating_sub(1);
        let Some(record) = self.jobs.get(&id) else { return };
        if let Some(count) = self.live_of.get_mut(&record.user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.live_of.remove(&record.user);
            }
        }
    }

    fn cancel(&mut self, at: Timestamp, id: JobId, user: &SpiffeId) -> Result<Changes, Refused> {
        self.job_of(id, user)?;
        let Some(record) = self.jobs.get_mut(&id) else {
            return Err(Refused::UnknownJob(id));
        };
        match record.state {
            state if state.is_terminal() || record.cancel_requested => Ok(Changes::default()),
            JobState::Training => {
                record.cancel_requested = true;
                record.updated_at = record.updated_at.max(at);
                Ok(Changes { changed: vec![id], ..Changes::default() })
            }
            // What is being signed is not called back: an answer may already be on its way.
            JobState::Signing | JobState::Logging | JobState::Publishing => Ok(Changes::default()),
            _ => {
                self.queue.remove(&(record.created_at, id));
                self.held.remove(&(record.held_until(), id));
                record.cancel_requested = true;
                record.transition(
                    at,
                    JobState::Cancelled,
                    Some(Reason::Cancelled),
                    "stopped by its user",
                );
                self.end(id);
                self.retry.retain(|(_, waiting)| *waiting != id);
                Ok(Changes::moved(id))
            }
        }
    }

    /// What a job that has just entered a stage needs.
    pub(crate) fn enter_stage(&self, id: JobId) -> Changes {
        let stage = self.jobs.get(&id).and_then(|record| Stage::of(record.state));
        let start = stage.map(|stage| (id, stage)).into_iter().collect();
        Changes { start, ..Changes::moved(id) }
    }

    fn stage_done(&mut self, at: Timestamp, id: JobId, done: Done) -> Result<Changes, Refused> {
        let stage = done.stage();
        let record = self.jobs.get_mut(&id).ok_or(Refused::UnknownJob(id))?;
        if Stage::of(record.state) != Some(stage) {
            return Err(Refused::WrongStage(id));
        }
        match done {
            Done::Scanned(scans) => record.documents.scans = scans,
            Done::Signed(answer) => record.documents.signed = Some(answer),
            Done::Logged(inclusion) => record.documents.inclusion = Some(inclusion),
            Done::Published(bundle) => record.bundle = Some(bundle),
        }
        record.transition(at, stage.next(), None, "");
        if record.state.is_terminal() {
            self.end(id);
        }
        Ok(self.enter_stage(id))
    }

    fn stage_failed(
        &mut self,
        at: Timestamp,
        id: JobId,
        stage: Stage,
        reason: Reason,
        message: &str,
        again: bool,
    ) -> Result<Changes, Refused> {
        if stage == Stage::Sign && !again && self.is_released(id) {
            return self.refuse_release(at, id, message);
        }
        let (backoff, max) = (self.config.backoff_ms, self.config.max_backoff_ms);
        let max_stage = self.config.max_stage_ms;
        let record = self.jobs.get_mut(&id).ok_or(Refused::UnknownJob(id))?;
        if Stage::of(record.state) != Some(stage) {
            return Err(Refused::WrongStage(id));
        }
        let since = record.history.last().map_or(at, |entered| entered.at);
        if !again || at.since_ms(since) > max_stage {
            record.transition(at, JobState::Failed, Some(reason), message);
            self.end(id);
            return Ok(Changes::moved(id));
        }
        record.stage_failures = record.stage_failures.saturating_add(1);
        let doubled = backoff.saturating_mul(1 << record.stage_failures.min(10));
        record.not_before = at.plus_ms(doubled.min(max));
        record.reason = Some(reason);
        record.message = message.chars().take(4096).collect();
        record.updated_at = record.updated_at.max(at);
        self.retry.insert((record.not_before, id));
        Ok(Changes { changed: vec![id], ..Changes::default() })
    }

    fn tick(&mut self, at: Timestamp) -> Changes {
        let mut changes = Changes::default();
        self.expire_leases(at, TICK_MAX, &mut changes);
        let left = TICK_MAX.saturating_sub(changes.changed.len());
        self.expire_holds(at, left, &mut changes);
        let later = self.retry.split_off(&(at.plus_ms(1), JobId::new(0, [0; 10])));
        for (_, id) in std::mem::replace(&mut self.retry, later) {
            let stage = self.jobs.get(&id).and_then(|record| Stage::of(record.state));
            changes.start.extend(stage.map(|stage| (id, stage)));
        }
        changes
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let leases = self
            .training
            .iter()
            .filter_map(|id| Some(self.jobs.get(id)?.lease.as_ref()?.deadline))
            .min();
        let retries = self.retry.first().map(|(at, _)| *at);
        let holds = self.held.first().map(|(until, _)| *until);
        leases.into_iter().chain(retries).chain(holds).min()
    }
}
