//! The third stage: what is shown is published as static files (C2SP tlog-tiles), and what is
//! published is what the state is held against at the next start.

mod lines;

use std::{path::PathBuf, sync::Arc, time::Duration};

use rpc::{CancellationToken, status::chain};
use tiles::{PublishError, Writer};
use tokio::time::Instant;

use crate::{Head, Log, Witnessing};
use lines::with_lines_of;

/// How long a publication that failed is waited for before the next, at first and at most: the pace,
/// where that is longer.
const WAIT: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long the last publication may take once the ledger ends.
const LAST: Duration = Duration::from_secs(5);

/// What is published is not a part of this log.
#[derive(Debug, thiserror::Error)]
#[error(
    "the state in {} is older than what was published at {place}, or of another history: {detail}. \
     It was restored from a backup, or another ledger writes this log. Stop the other one, or bring \
     the newest state back (docs/runbooks/ledger.md)", state.display()
)]
pub struct FenceError {
    /// The state directory.
    pub state: PathBuf,
    /// Where the log is published.
    pub place: String,
    /// What differs.
    pub detail: String,
}

/// Refuses a log that lacks something of what is published: whoever saw that would see it forked.
pub(crate) fn fence(
    log: &Log,
    writer: &Writer,
    state: &std::path::Path,
    place: &str,
) -> Result<(), FenceError> {
    let Some(published) = writer.published() else { return Ok(()) };
    let refused =
        |detail: String| FenceError { state: state.to_owned(), place: place.to_owned(), detail };
    let (size, here) = (published.size, log.committed().size);
    let root = log
        .root_at(size)
        .map_err(|_| refused(format!("{size} entries are published, {here} are here")))?;
    if root == published.root {
        return Ok(());
    }
    Err(refused(format!(
        "the first {size} entries have root {root} here, root {} is published",
        published.root
    )))
}

/// The publisher.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) log: Arc<Log>,
    pub(crate) witnesses: Option<Arc<dyn Witnessing>>,
    /// `None` between one that broke and the next.
    pub(crate) writer: Option<Writer>,
    /// What the one that broke had published, in entries.
    pub(crate) last: u64,
    /// Where the log is published, and its state directory.
    pub(crate) place: String,
    pub(crate) state: PathBuf,
    /// The least time between the beginnings of two publications.
    pub(crate) pace: Duration,
    /// Whether partial files wait to be deleted.
    pub(crate) unswept: bool,
}

impl Publisher {
    /// Publishes until the shutdown, then once more, or until the log halts.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut shown = self.log.shown.subscribe();
        let mut wait = self.pace;
        loop {
            let begun = Instant::now();
            shown.borrow_and_update();
            match self.attempt().await {
                Ok(()) => wait = self.pace,
                Err(error) if is_final(&error) => return self.log.halt(&format!("{error}")),
                Err(error) => {
                    metrics::counter!("ledger_publish_failures_total").increment(1);
                    wait = wait.max(WAIT).saturating_mul(2).min(WAIT_MAX).max(self.pace);
                    let (error, wait_ms) = (chain(&error), wait.as_millis());
                    tracing::warn!(error, wait_ms, "the newest checkpoint is not published yet");
                }
            }
            // Something new, and not before its time.
            let next = async {
                tokio::time::sleep_until(begun + wait).await;
                if self.behind() { Ok(()) } else { shown.changed().await }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.log.halted.cancelled() => return,
                more = next => if more.is_err() { break },
            }
        }
        if let Ok(Err(error)) = tokio::time::timeout(LAST, self.publish()).await {
            tracing::warn!(error = chain(&error), "the last checkpoint is not published yet");
        }
    }

    /// Publishes. A writer that broke of it is followed by another one at once.
    async fn attempt(&mut self) -> Result<(), PublishError> {
        let ended = self.publish().await;
        if ended.as_ref().is_err_and(PublishError::is_broken) {
            self.reopen().await;
        }
        ended
    }

    /// A writer that broke is let go, with its lock, before another looks at what it left.
    async fn reopen(&mut self) {
        self.last = self.published();
        self.writer = None;
        match crate::core::open(&self.log, &self.place).await {
            Ok(writer) => match fence(&self.log, &writer, &self.state, &self.place) {
                Ok(()) => self.writer = Some(writer),
                Err(error) => self.log.halt(&format!("{error}")),
            },
            Err(error) => {
                tracing::warn!(error = chain(&error), "the log cannot be published for now");
            }
        }
    }

    /// How many entries are published, as far as is known.
    fn published(&self) -> u64 {
        let Some(writer) = &self.writer else { return self.last };
        writer.published().map_or(0, |head| head.size)
    }

    /// Whether there is something to do though nothing new is shown.
    fn behind(&self) -> bool {
        let shown = self.log.shown.borrow();
        self.writer.is_none() || (shown.counts && self.published() < shown.head.size)
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
    async fn publish(&mut self) -> Result<(), PublishError> {
        let published = self.published();
        let lag = |published: u64| {
            let lag = self.log.shown().size.saturating_sub(published);
            metrics::gauge!("ledger_unpublished_entries").set(lag as f64);
        };
        lag(published);
        let broken = || PublishError::Broken { place: self.place.clone() };
        let writer = self.writer.as_mut().ok_or_else(broken)?;
        let Some(head) = publishable(&self.log, writer) else { return Ok(()) };
        let more = self.witnesses.as_ref().and_then(|w| w.collected(head.size));
        let note = with_lines_of(&head.note, more.as_deref().into_iter().chain(writer.note()));
        writer.publish(&*self.log, &note).await?;
        lag(head.size);
        self.unswept |= published / 256 != head.size / 256;
        if self.unswept {
            self.sweep().await;
        }
        Ok(())
    }

    /// What is left over is nobody's loss: the next publication tries again.
    async fn sweep(&mut self) {
        let Some(writer) = &mut self.writer else { return };
        match writer.sweep().await {
            Ok(_) => self.unswept = false,
            Err(error) => {
                tracing::warn!(error = chain(&error), "partial files are left over for now");
            }
        }
    }
}

/// What is shown, if it has the quorum of now. What an earlier start showed with other witnesses, or
/// none, may lack it: only where that is published already it may gain lines.
fn publishable(log: &Log, writer: &Writer) -> Option<Arc<Head>> {
    let shown = log.shown.borrow();
    let is_out = writer.published().is_some_and(|published| shown.head.size <= published.size);
    (shown.counts || is_out).then(|| Arc::clone(&shown.head))
}

/// Whether another history is published: going on would fork the log.
const fn is_final(error: &PublishError) -> bool {
    matches!(
        error,
        PublishError::Back { .. }
            | PublishError::Root { .. }
            | PublishError::Diverged { .. }
            | PublishError::Superseded { .. }
    )
}

#[cfg(test)]
mod tests;
