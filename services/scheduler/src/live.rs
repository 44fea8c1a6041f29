//! What running jobs say while they run: the end of the log, and the last progress.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use ids::JobId;

/// How much of a job's log is kept here, in bytes; the whole log is an artifact.
pub(crate) const LOG_BYTES_MAX: usize = 1024 * 1024;

/// What the trainer reported last, or what the stage after training is at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Progress {
    /// Epochs done.
    pub(crate) epoch: u32,
    /// Epochs asked for.
    pub(crate) epochs: u32,
    /// Metrics as reported.
    pub(crate) metrics: BTreeMap<String, f64>,
    /// What the stage after training is at; empty while training.
    pub(crate) stage: String,
}

#[derive(Debug, Default)]
struct Running {
    log: Vec<u8>,
    /// Bytes that were dropped at the front of `log`.
    dropped: u64,
    progress: Option<Progress>,
}

/// All running jobs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<Mutex<HashMap<JobId, Running>>>);

impl Live {
    fn with<T>(&self, read: impl FnOnce(&mut HashMap<JobId, Running>) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a new attempt: what an earlier one said is gone.
    pub(crate) fn begin(&self, job: JobId) {
        self.with(|jobs| jobs.insert(job, Running::default()));
    }

    /// Takes news of a running job.
    pub(crate) fn report(&self, job: JobId, log: &[u8], progress: Option<Progress>) {
        self.with(|jobs| {
            let running = jobs.entry(job).or_default();
            running.log.extend_from_slice(log);
            let over = running.log.len().saturating_sub(LOG_BYTES_MAX);
            running.log.drain(..over);
            running.dropped = running.dropped.saturating_add(over as u64);
            running.progress = progress.or_else(|| running.progress.take());
        });
    }

    /// Says what the stage after training is at.
    pub(crate) fn stage(&self, job: JobId, stage: String) {
        self.report(job, &[], Some(Progress { stage, ..Progress::default() }));
    }

    /// The last progress.
    #[must_use]
    pub(crate) fn progress(&self, job: JobId) -> Option<Progress> {
        self.with(|jobs| jobs.get(&job)?.progress.clone())
    }

    /// Log bytes from position `from` on, at most `max` of them, and the position after them;
    /// what was dropped at the front is passed over.
    #[must_use]
    pub(crate) fn log(&self, job: JobId, from: u64, max: usize) -> Option<(Vec<u8>, u64)> {
        self.with(|jobs| {
            let running = jobs.get(&job)?;
            let from = from.max(running.dropped);
            let start = usize::try_from(from.saturating_sub(running.dropped)).ok()?;
            let rest = running.log.get(start..).unwrap_or_default();
            let piece = rest.get(..max.min(rest.len())).unwrap_or_default().to_vec();
            let after = from.saturating_add(piece.len() as u64);
            Some((piece, after))
        })
    }

    /// The end of a job's log, and how many bytes came before it.
    #[must_use]
    pub(crate) fn kept(&self, job: JobId) -> Option<(u64, Vec<u8>)> {
        self.with(|jobs| jobs.get(&job).map(|running| (running.dropped, running.log.clone())))
    }

    /// Forgets a job.
    pub(crate) fn end(&self, job: JobId) {
        self.with(|jobs| drop(jobs.remove(&job)));
    }
}
