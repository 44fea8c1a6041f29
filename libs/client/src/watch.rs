//! Streams that outlive connections: a job's transitions and its log.

use std::collections::BTreeMap;

use ids::JobId;
use proto::job::v1::{self as wire, watch_response::Event};
use rpc::status::{Code, Status};
use serde::Serialize;
use tonic::Streaming;

use crate::{
    CallError, JobView, Jobs, MAX_TRIES,
    call::{is_transient, pause},
};

/// One thing that happened to a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum WatchEvent {
    /// It changed its state.
    Transition {
        /// From 1, without gaps.
        sequence: u32,
        /// The job after the change.
        job: JobView,
    },
    /// Training went on.
    Progress {
        /// Epochs done.
        epoch: u32,
        /// Epochs asked for.
        epochs: u32,
        /// Metric name to value as reported.
        metrics: BTreeMap<String, f64>,
    },
    /// A stage after training went on.
    Stage {
        /// What it is at, for people.
        stage: String,
    },
}

/// Counts failures in a row; an answer in between starts the count again.
#[derive(Debug, Default)]
struct Patience {
    failures: u32,
}

impl Patience {
    /// Waits before the next try, or gives the failure back when it is one too many.
    async fn endure(&mut self, what: &str, status: Status) -> Result<(), CallError> {
        self.failures += 1;
        if self.failures >= MAX_TRIES || !is_transient(&status) {
            return Err(CallError::new(what, status));
        }
        tokio::time::sleep(pause(self.failures - 1)).await;
        Ok(())
    }
}

fn cut_short() -> Status {
    Status::new(Code::Unavailable, "the stream ended before the job did")
}

/// A job's events; connects again when the connection is lost, and repeats no transition.
#[derive(Debug)]
pub struct Watch {
    jobs: Jobs,
    id: JobId,
    stream: Option<Streaming<wire::WatchResponse>>,
    seen: u32,
    ended: bool,
    patience: Patience,
}

impl Watch {
    pub(crate) fn new(jobs: Jobs, id: JobId) -> Self {
        Self { jobs, id, stream: None, seen: 0, ended: false, patience: Patience::default() }
    }

    async fn message(&mut self) -> Result<Option<wire::WatchResponse>, Status> {
        if self.stream.is_none() {
            let request = wire::WatchRequest { id: self.id.to_string() };
            self.stream = Some(self.jobs.raw().watch(request).await?.into_inner());
        }
        match self.stream.as_mut() {
            Some(stream) => stream.message().await,
            None => Ok(None),
        }
    }

    /// The next event; `None` after the terminal state.
    ///
    /// # Errors
    /// When there is no such job, or the scheduler stays unreachable.
    pub async fn next(&mut self) -> Result<Option<WatchEvent>, CallError> {
        let what = format!("cannot watch the job {}", self.id);
        while !self.ended {
            let event = match self.message().await {
                Ok(Some(message)) => message.event,
                Ok(None) => {
                    self.stream = None;
                    self.patience.endure(&what, cut_short()).await?;
                    continue;
                }
                Err(status) => {
                    self.stream = None;
                    self.patience.endure(&what, status).await?;
                    continue;
                }
            };
            match event {
                Some(Event::Transition(wire::Transition { sequence, job: Some(job) })) => {
                    if sequence <= self.seen {
                        continue;
                    }
                    let job = JobView::try_from(job).map_err(|e| CallError::malformed(&what, e))?;
                    self.patience = Patience::default();
                    self.seen = sequence;
                    self.ended = job.state.is_terminal();
                    return Ok(Some(WatchEvent::Transition { sequence, job }));
                }
                Some(Event::Progress(wire::Progress { epoch, epochs, metrics, stage })) => {
                    self.patience = Patience::default();
                    if !stage.is_empty() {
                        return Ok(Some(WatchEvent::Stage { stage }));
                    }
                    let metrics = metrics.into_iter().collect();
                    return Ok(Some(WatchEvent::Progress { epoch, epochs, metrics }));
                }
                Some(Event::Transition(_)) | None => {}
            }
        }
        Ok(None)
    }

    /// The job in its terminal state; events on the way are dropped.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn finished(mut self) -> Result<JobView, CallError> {
        let mut last = None;
        while let Some(event) = self.next().await? {
            if let WatchEvent::Transition { job, .. } = event {
                last = Some(job);
            }
        }
        let what = format!("cannot watch the job {}", self.id);
        last.ok_or_else(|| CallError::new(what, cut_short()))
    }
}

/// A job's log; connects again when the connection is lost, and repeats no byte.
#[derive(Debug)]
pub struct LogStream {
    jobs: Jobs,
    id: JobId,
    stream: Option<Streaming<wire::LogsResponse>>,
    seen: u64,
    skip: u64,
    patience: Patience,
}

impl LogStream {
    pub(crate) fn new(jobs: Jobs, id: JobId) -> Self {
        Self { jobs, id, stream: None, seen: 0, skip: 0, patience: Patience::default() }
    }

    async fn message(&mut self) -> Result<Option<wire::LogsResponse>, Status> {
        if self.stream.is_none() {
            let request = wire::LogsRequest { id: self.id.to_string() };
            self.stream = Some(self.jobs.raw().logs(request).await?.into_inner());
            self.skip = self.seen;
        }
        match self.stream.as_mut() {
            Some(stream) => stream.message().await,
            None => Ok(None),
        }
    }

    /// The next bytes; `None` at the end of the log.
    ///
    /// # Errors
    /// When there is no such job, or the scheduler stays unreachable.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        let what = format!("cannot read the log of the job {}", self.id);
        loop {
            let mut chunk = match self.message().await {
                Ok(Some(message)) => message.chunk,
                Ok(None) => return Ok(None),
                Err(status) => {
                    self.stream = None;
                    self.patience.endure(&what, status).await?;
                    continue;
                }
            };
            let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
            self.skip -= known as u64;
            chunk.drain(..known);
            if chunk.is_empty() {
                continue;
            }
            self.patience = Patience::default();
            self.seen += chunk.len() as u64;
            return Ok(Some(chunk));
        }
    }
}
