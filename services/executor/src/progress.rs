//! The progress pump: every quarter of a second what is new in the log and the epochs goes to the
//! scheduler. It reads the log file, so nothing is held in memory and nothing waits for it.

use std::{io::SeekFrom, path::PathBuf, time::Duration};

use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
    sync::watch,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    capture::Snapshot,
    grpc::{CallError, News, Scheduler},
    order::LeaseKey,
};

/// The most log bytes in one call (`aibom.dispatch.v1.ProgressRequest`).
pub(crate) const MAX_LOG_CHUNK_BYTES: u64 = 256 * 1024;
/// Between two calls, in milliseconds.
const INTERVAL_MS: u64 = 250;
/// The longest that the last news may take after the end, in milliseconds.
const LAST_MS: u64 = 10_000;

struct Pump {
    scheduler: Scheduler,
    key: LeaseKey,
    log: PathBuf,
    sent: u64,
    last: Snapshot,
}

impl Pump {
    async fn chunk(&self, until: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let wanted = until.saturating_sub(self.sent).min(MAX_LOG_CHUNK_BYTES);
        if wanted > 0 {
            let mut file = File::open(&self.log).await?;
            file.seek(SeekFrom::Start(self.sent)).await?;
            file.take(wanted).read_to_end(&mut bytes).await?;
        }
        Ok(bytes)
    }

    /// Sends all that is new. A call whose answer is lost is sent again: a repeated line is
    /// better than a missing one.
    async fn tell(&mut self, now: &Snapshot) -> Result<(), CallError> {
        while *now != self.last || self.sent < now.log_bytes {
            let log = self.chunk(now.log_bytes).await;
            let log = log.map_err(|e| CallError::Refused(format!("the log: {e}")))?;
            let length = log.len() as u64;
            let (epoch, epochs) = (now.epoch, now.epochs);
            let news = News { log, epoch, epochs, metrics: now.metrics.clone() };
            self.scheduler.progress(self.key, news).await?;
            self.sent += length;
            self.last = now.clone();
            if length == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn run(mut self, snapshot: watch::Receiver<Snapshot>, ended: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_millis(INTERVAL_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let last = tokio::select! {
                () = ended.cancelled() => true,
                _ = ticks.tick() => false,
            };
            let now = snapshot.borrow().clone();
            match self.tell(&now).await {
                Err(CallError::LeaseLost) => return,
                Err(error) => tracing::debug!(%error, "progress not told"),
                Ok(()) => {}
            }
            if last {
                return;
            }
        }
    }
}

/// A running pump.
#[derive(Debug)]
pub(crate) struct Progress {
    task: JoinHandle<()>,
    ended: CancellationToken,
}

impl Progress {
    /// Tells what `snapshot` and the log file hold until [`Self::finish`].
    #[must_use]
    pub(crate) fn spawn(
        scheduler: Scheduler,
        key: LeaseKey,
        log: PathBuf,
        snapshot: watch::Receiver<Snapshot>,
    ) -> Self {
        let ended = CancellationToken::new();
        let pump = Pump { scheduler, key, log, sent: 0, last: Snapshot::default() };
        let task = tokio::spawn(pump.run(snapshot, ended.clone()));
        Self { task, ended }
    }

    /// Sends the last news, for at most a bounded time.
    pub(crate) async fn finish(mut self) {
        self.ended.cancel();
        let bound = Duration::from_millis(LAST_MS);
        if tokio::time::timeout(bound, &mut self.task).await.is_err() {
            tracing::warn!("the last progress was not told in time");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
    }
}
