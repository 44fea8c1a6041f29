//! One container from its creation to its removal: started only as isolated as the policy asks,
//! watched against every limit, stopped within a bounded time.

use std::{path::Path, pin::Pin, time::Duration};

use evidence::{Container, Usage, check_isolation};
use ids::Timestamp;
use job::Reason;
use tokio::{sync::watch, time};
use tokio_util::sync::CancellationToken;

use crate::{
    capture::{Capture, Snapshot, create_log},
    engine::{Engine, EngineError, ImageFact, Inspection, Settings, Signal},
    failure::{Failure, Kind},
    kernel_log,
    measured::Measured,
    outcome::{Ended, Stop},
    outputs,
    renewer::now,
    tenure::{Standing, Tenure},
};

/// How long a container has between SIGTERM and SIGKILL, in milliseconds.
const GRACE_MS: u64 = 5_000;
/// How long the engine may take to report the end after SIGKILL, in milliseconds.
const KILL_MS: u64 = 10_000;
/// Between two looks at the output directory, in milliseconds.
const OUTPUT_POLL_MS: u64 = 200;
/// Between two questions to the engine where the kernel's counters cannot be seen, in milliseconds.
const STATS_POLL_MS: u64 = 500;
/// How long the last of the log may take after the end, in milliseconds.
const LOG_END_MS: u64 = 5_000;

/// What can end the work from outside.
#[derive(Debug, Clone)]
pub struct Interrupts {
    /// The lease.
    pub tenure: watch::Receiver<Tenure>,
    /// The executor must end now.
    pub drain: CancellationToken,
}

impl Interrupts {
    /// Waits for one of them.
    pub async fn wait(&mut self) -> Stop {
        loop {
            let standing = self.tenure.borrow_and_update().standing();
            match standing {
                Standing::Cancelled => return Stop::Cancelled,
                Standing::Lost => return Stop::LeaseLost,
                Standing::Held => {}
            }
            tokio::select! {
                () = self.drain.cancelled() => return Stop::Drain,
                changed = self.tenure.changed() => {
                    // Nobody keeps the lease any more.
                    if changed.is_err() {
                        return Stop::LeaseLost;
                    }
                }
            }
        }
    }
}

/// A container that ran.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its settings as the engine had them.
    pub container: Container,
    /// What it used.
    pub usage: Usage,
    /// Just before it was started.
    pub started_on: Timestamp,
    /// Just after it was gone.
    pub finished_on: Timestamp,
}

fn engine_failed(error: &EngineError) -> Failure {
    let text = error.to_string();
    match error {
        EngineError::Gpu(_) => Failure::new(Kind::Infrastructure, Reason::GpuUnavailable, &text),
        _ => Failure::infrastructure(&text),
    }
}

/// A container that is about to run, or runs.
struct Sandbox<'a> {
    engine: &'a dyn Engine,
    settings: &'a Settings,
    image: &'a ImageFact,
    id: String,
}

impl Sandbox<'_> {
    async fn inspect(&self) -> Result<Inspection, EngineError> {
        let mut found = self.engine.inspect(&self.id, self.settings).await?;
        found.container.engine = self.engine.describe().await?;
        found.container.repo_digests.clone_from(&self.image.repo_digests);
        found.container.image.clone_from(&self.image.facts);
        Ok(found)
    }

    async fn output_is_over(&self) -> bool {
        let (path, limit) = (self.settings.outputs.clone(), self.settings.limits.output_bytes);
        let usage = tokio::task::spawn_blocking(move || outputs::usage(&path, limit)).await;
        // A directory that cannot be read is judged when the outputs are collected.
        matches!(usage, Ok(Ok(usage)) if usage.over(limit))
    }

    /// Watches until the container ended (`None`) or must be stopped.
    async fn watch(
        &self,
        mut waited: Pin<&mut (impl Future<Output = Result<(), EngineError>> + Send)>,
        over: &CancellationToken,
        interrupts: &mut Interrupts,
        measured: &mut Measured,
    ) -> Option<Stop> {
        let clock = time::sleep(Duration::from_secs(self.settings.limits.wall_clock_s));
        tokio::pin!(clock);
        let mut looks = time::interval(Duration::from_millis(OUTPUT_POLL_MS));
        looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut counts = time::interval(Duration::from_millis(STATS_POLL_MS));
        counts.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                ended = &mut waited => return ended.err().map(|error| {
                    tracing::warn!(%error, "the wait for a container failed");
                    Stop::Engine
                }),
                stop = interrupts.wait() => return Some(stop),
                () = over.cancelled() => return Some(Stop::Log),
                () = &mut clock => return Some(Stop::WallClock),
                _ = looks.tick() => {
                    measured.look();
                    if self.output_is_over().await {
                        return Some(Stop::Output);
                    }
                },
                _ = counts.tick(), if measured.needs_stats() => {
                    let stats = self.engine.stats(&self.id).await.unwrap_or_default();
                    measured.take(stats, self.settings.limits.pids);
                },
            }
        }
    }

    /// Stops the container: politely where it may still do something useful, then not.
    async fn stop(
        &self,
        stop: Stop,
        mut waited: Pin<&mut (impl Future<Output = Result<(), EngineError>> + Send)>,
    ) {
        if stop == Stop::Engine {
            return;
        }
        if matches!(stop, Stop::WallClock | Stop::Cancelled | Stop::Drain)
            && self.engine.signal(&self.id, Signal::Term).await.is_ok()
            && time::timeout(Duration::from_millis(GRACE_MS), &mut waited).await.is_ok()
        {
            return;
        }
        if let Err(error) = self.engine.signal(&self.id, Signal::Kill).await {
            tracing::warn!(%error, "a container could not be killed; its removal will try again");
            return;
        }
        let _ = time::timeout(Duration::from_millis(KILL_MS), waited).await;
    }
}

async fn kernel_log_tells(id: String) -> bool {
    tokio::task::spawn_blocking(move || kernel_log::fork_refused(&id)).await.unwrap_or(false)
}

/// Creates the container, and starts it when the engine describes it as isolated as it must be.
async fn start(
    sandbox: &Sandbox<'_>,
    log: &Path,
) -> Result<(Capture, Timestamp, Measured), Failure> {
    let inspection = sandbox.inspect().await.map_err(|e| engine_failed(&e))?;
    check_isolation(&inspection.container)
        .map_err(|breach| Failure::infrastructure(&format!("not started: {breach}")))?;
    let log = create_log(log).map_err(|e| Failure::infrastructure(&format!("the log: {e}")))?;
    let stream = sandbox.engine.attach(&sandbox.id).await.map_err(|e| engine_failed(&e))?;
    let capture = Capture::spawn(stream, log);
    let mut measured = Measured::before(sandbox.settings.gpus).await;
    let started_on = now();
    sandbox.engine.start(&sandbox.id).await.map_err(|e| engine_failed(&e))?;
    // A trainer may run into the limit at once: nothing is asked before its counter is watched.
    let running = sandbox.engine.inspect(&sandbox.id, sandbox.settings).await;
    let running = running.map_err(|e| engine_failed(&e))?;
    measured.watch(running.pid);
    Ok((capture, started_on, measured))
}

async fn run_created(
    sandbox: &Sandbox<'_>,
    log: &Path,
    interrupts: &mut Interrupts,
    on_start: impl FnOnce(watch::Receiver<Snapshot>),
) -> Result<Finished, Failure> {
    let began = std::time::Instant::now();
    let (capture, started_on, mut measured) = start(sandbox, log).await?;
    metrics::histogram!("executor_container_start_seconds").record(began.elapsed().as_secs_f64());
    on_start(capture.snapshot.clone());
    let waited = sandbox.engine.wait(&sandbox.id);
    tokio::pin!(waited);
    let over = capture.over.clone();
    let mut stop = sandbox.watch(waited.as_mut(), &over, interrupts, &mut measured).await;
    if let Some(why) = stop {
        sandbox.stop(why, waited.as_mut()).await;
    }
    let finished_on = now();
    let report = capture.finish(Duration::from_millis(LOG_END_MS)).await;
    let report = report.map_err(|e| Failure::infrastructure(&format!("the log: {e}")))?;
    // A container that ends by itself just before the look is over the limit all the same.
    if stop.is_none() && over.is_cancelled() {
        stop = Some(Stop::Log);
    }
    // The kernel ends a trainer at the size limit of one file: the reason is the size, not the signal.
    if stop.is_none() && sandbox.output_is_over().await {
        stop = Some(Stop::Output);
    }
    let (inspection, running) = match sandbox.inspect().await {
        Ok(found) => (found.container, found.running),
        Err(error) => return Err(engine_failed(&error)),
    };
    if stop.is_none() && running {
        stop = Some(Stop::Engine);
    }
    let failed = stop.is_none() && inspection.exit_code != 0;
    let pids_limit_hit =
        measured.pids_limit_touched() || (failed && kernel_log_tells(sandbox.id.clone()).await);
    let usage = measured.usage().await;
    let ended = Ended {
        stop,
        exit_code: inspection.exit_code,
        oom_killed: inspection.oom_killed,
        pids_limit_hit,
        report,
    };
    Ok(Finished { ended, container: inspection, usage, started_on, finished_on })
}

/// Runs one fresh container and removes it, however it ended.
///
/// # Errors
/// When the engine or the disk failed; what the container did wrong is in [`Finished`].
pub async fn run(
    engine: &dyn Engine,
    settings: &Settings,
    image: &ImageFact,
    log: &Path,
    interrupts: &mut Interrupts,
    on_start: impl FnOnce(watch::Receiver<Snapshot>),
) -> Result<Finished, Failure> {
    let id = engine.create(settings).await.map_err(|e| engine_failed(&e))?;
    let sandbox = Sandbox { engine, settings, image, id };
    let finished = run_created(&sandbox, log, interrupts, on_start).await;
    if let Err(error) = engine.remove(&sandbox.id).await {
        tracing::warn!(%error, "a container was not removed; the janitor tries again");
    }
    finished
}
