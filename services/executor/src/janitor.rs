//! What is left behind is removed: after every attempt, at the start, and at intervals.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    attempt::Shared,
    engine::{EngineError, LABEL_ATTEMPT, LABEL_JOB, Left},
    order::LeaseKey,
    worker::Active,
};

/// Between two sweeps, in milliseconds.
const INTERVAL_MS: u64 = 30_000;

fn belongs(left: &Left, key: &LeaseKey) -> bool {
    left.labels.get(LABEL_JOB).is_some_and(|job| *job == key.job.to_string())
        && left.labels.get(LABEL_ATTEMPT).is_some_and(|n| *n == key.attempt.to_string())
}

/// Removes containers of this executor that `doomed` names; gives how many.
async fn remove(shared: &Shared, doomed: impl Fn(&Left) -> bool) -> Result<usize, EngineError> {
    let mut removed = 0;
    let mut failed = Ok(());
    for left in shared.engine.left_by(&shared.config.name).await? {
        if !doomed(&left) {
            continue;
        }
        match shared.engine.remove(&left.id).await {
            Ok(()) => removed += 1,
            Err(error) => failed = Err(error),
        }
    }
    failed.map(|()| removed)
}

/// Removes container and directory of one attempt; what fails is tried again by [`sweep`].
pub async fn clean_attempt(shared: &Arc<Shared>, key: LeaseKey) {
    match remove(shared, |left| belongs(left, &key)).await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(job = %key.job, count, "containers had been left"),
        Err(error) => tracing::warn!(job = %key.job, %error, "containers may be left"),
    }
    let work = Arc::clone(shared);
    match tokio::task::spawn_blocking(move || work.work.remove(key)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(job = %key.job, %error, "a directory is left"),
        Err(error) => tracing::warn!(job = %key.job, %error, "a directory may be left"),
    }
}

/// Removes every container and directory of this executor that belongs to no active attempt. The
/// engine is asked first: a container in its answer was active when it was made, and is still
/// active if it is wanted.
///
/// # Errors
/// When the engine or the disk fails; the rest was removed.
pub async fn sweep(shared: &Arc<Shared>, active: &Active) -> Result<usize, SweepError> {
    let removed = remove(shared, |left| !active.keys().iter().any(|key| belongs(left, key))).await;
    let (work, active) = (Arc::clone(shared), active.clone());
    let swept = tokio::task::spawn_blocking(move || work.work.sweep(|| active.keys())).await;
    swept.map_err(std::io::Error::other)??;
    Ok(removed?)
}

/// Why something may be left.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The disk failed.
    #[error("the working directory: {0}")]
    Disk(#[from] std::io::Error),
}

/// Sweeps at intervals until the shutdown.
pub async fn run(shared: Arc<Shared>, active: Active, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_millis(INTERVAL_MS));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match sweep(&shared, &active).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "orphaned containers removed"),
            Err(error) => tracing::warn!(%error, "not everything could be swept"),
        }
    }
}
