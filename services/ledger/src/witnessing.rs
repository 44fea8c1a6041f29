//! The second stage: the newest committed checkpoint is cosigned, made durable, and shown.
//!
//! One round at a time, always of the newest checkpoint; commits go on meanwhile, and the next round
//! takes in all of them.

use std::{fmt, sync::Arc, time::Duration};

use rpc::CancellationToken;

use crate::{
    Head, Log,
    cosign::{Cosigners, Proofs},
    writer::report,
};

/// How long a round that failed is waited for before the next, at first and at most.
const WAIT: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(8);

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum NotCosigned {
    /// A witness knows another history of this log: it must not serve any more.
    #[error("{0}")]
    Diverged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Too few witnesses answered; asking again may help.
    #[error("{0}")]
    Later(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A log's witnesses, enough of them at once.
#[tonic::async_trait]
pub trait Witnessing: fmt::Debug + Send + Sync + 'static {
    /// `note` (of `size` entries, signed by the log) with the cosignatures of a quorum.
    ///
    /// # Errors
    /// When they know another history, or too few cosigned in time.
    async fn cosign(&self, note: &str, size: u64, proof: &Proofs) -> Result<String, NotCosigned>;

    /// The newest note that was to be cosigned, if it has `size` entries, with every cosignature
    /// that came since.
    fn collected(&self, size: u64) -> Option<String> {
        let _no_more_than_cosign_gave = size;
        None
    }
}

#[tonic::async_trait]
impl Witnessing for Cosigners {
    async fn cosign(&self, note: &str, size: u64, proof: &Proofs) -> Result<String, NotCosigned> {
        Self::cosign(self, note, size, proof).await.map_err(|error| {
            if error.stops_the_ledger() {
                NotCosigned::Diverged(error.into())
            } else {
                NotCosigned::Later(error.into())
            }
        })
    }

    fn collected(&self, size: u64) -> Option<String> {
        Self::collected(self, size)
    }
}

/// One round: the newest committed checkpoint is shown once it is cosigned.
pub(crate) async fn round(log: &Arc<Log>, witnesses: &dyn Witnessing) -> Result<(), NotCosigned> {
    let head = log.committed();
    let size = head.size;
    if size == 0 {
        return Ok(());
    }
    let tree = Arc::clone(log);
    let proof = move |old: u64| tree.read().tree.consistency(old, size).ok();
    let note = witnesses.cosign(&head.note, size, &proof).await?;
    let shown = log.show(Head { note, size }).await;
    report(log);
    shown.map_err(|error| NotCosigned::Later(error.into()))
}

/// Rounds until the shutdown, or until the log halts.
pub(crate) async fn run(
    log: Arc<Log>,
    witnesses: Arc<dyn Witnessing>,
    shutdown: CancellationToken,
) {
    let mut committed = log.committed.subscribe();
    let mut wait = WAIT;
    while !shutdown.is_cancelled() && log.halted().is_none() {
        let size = committed.borrow_and_update().size;
        let more =
            async { if size > log.shown().size { Ok(()) } else { committed.changed().await } };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = log.halted.cancelled() => return,
            more = more => if more.is_err() { return },
        }
        let cosigned = tokio::select! {
            () = shutdown.cancelled() => return,
            cosigned = round(&log, &*witnesses) => cosigned,
        };
        match cosigned {
            Ok(()) => wait = WAIT,
            Err(NotCosigned::Diverged(error)) => return log.halt(&error.to_string()),
            Err(NotCosigned::Later(error)) => {
                metrics::counter!("ledger_cosign_failures_total").increment(1);
                let wait_ms = wait.as_millis();
                tracing::warn!(%error, wait_ms, "the newest checkpoint is not cosigned yet");
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
                wait = wait.saturating_mul(2).min(WAIT_MAX);
            }
        }
    }
}
