//! The second stage: the newest committed checkpoint is cosigned, made durable, and shown.
//!
//! One round at a time, always of the newest checkpoint; commits go on meanwhile, and the next round
//! takes in all of them. Where nothing is committed a round is repeated now and then.

use std::{fmt, sync::Arc, time::Duration};

use ids::Sha256Digest;
use rpc::CancellationToken;
use store::CommitError;

use crate::{
    Head, Log,
    cosign::{CosignError, Cosigners, Proofs},
    writer::report,
};

/// How long a round that failed is waited for before the next, at first and at most.
const WAIT: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum NotCosigned {
    /// A witness knows another history of this log: it must not serve any more.
    #[error(transparent)]
    Diverged(Box<dyn std::error::Error + Send + Sync>),
    /// Too few witnesses answered; asking again may help.
    #[error(transparent)]
    Later(Box<dyn std::error::Error + Send + Sync>),
}

/// A log's witnesses, enough of them at once.
#[async_trait::async_trait]
pub trait Witnessing: fmt::Debug + Send + Sync + 'static {
    /// `note` (of `size` entries, signed by the log) with the cosignatures of a quorum.
    ///
    /// # Errors
    /// When they know another history, or too few cosigned in time.
    async fn cosign(&self, note: &str, size: u64, proof: &Proofs) -> Result<String, NotCosigned>;

    /// The first round of a start, before anything is served. `None`: nobody knows another history,
    /// and too few for a quorum cosigned.
    ///
    /// # Errors
    /// When they know another history, or ask for a proof that the log cannot give: no error of it is
    /// one to start with.
    async fn first(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<Option<String>, NotCosigned>;

    /// Whether `note`, which was shown before this start, has the quorum of now.
    fn has_quorum(&self, note: &str) -> bool;

    /// The newest note that was to be cosigned, if it has `size` entries, with every cosignature
    /// that came since.
    fn collected(&self, size: u64) -> Option<String>;

    /// The names of those that have not cosigned the newest note that was to be cosigned, as far as
    /// they are told apart.
    fn missing(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The witnesses of the configuration.
#[async_trait::async_trait]
impl Witnessing for Cosigners {
    async fn cosign(&self, note: &str, size: u64, proof: &Proofs) -> Result<String, NotCosigned> {
        self.cosign(note, size, proof).await.map_err(NotCosigned::from)
    }

    async fn first(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<Option<String>, NotCosigned> {
        self.first(note, size, proof).await.map_err(NotCosigned::from)
    }

    fn has_quorum(&self, note: &str) -> bool {
        self.has_quorum(note)
    }

    fn collected(&self, size: u64) -> Option<String> {
        self.collected(size)
    }

    fn missing(&self) -> Vec<String> {
        self.missing()
    }
}

impl From<CosignError> for NotCosigned {
    fn from(error: CosignError) -> Self {
        if error.stops_the_ledger() {
            Self::Diverged(error.into())
        } else {
            Self::Later(error.into())
        }
    }
}

/// What witnesses ask for: proofs from an old size to `size`.
fn proofs(log: &Arc<Log>, size: u64) -> impl Fn(u64) -> Option<Vec<Sha256Digest>> + use<> {
    let tree = Arc::clone(log);
    move |old| tree.read().tree.consistency(old, size).ok()
}

/// Why the first round gave no checkpoint to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstRoundError {
    /// The log is not the one that the witnesses know, or cannot prove that it is.
    #[error(transparent)]
    Witnesses(NotCosigned),
    /// They cosigned, and the store did not take it.
    #[error(transparent)]
    NotKept(#[from] CommitError),
}

/// The first round, before anything is served: what was shown earlier counts if it has the quorum
/// of now. Gives the size that was cosigned, if any was. An empty log is asked about as any: whoever
/// knows entries of it says that they were lost.
pub(crate) async fn first_round(
    log: &Arc<Log>,
    witnesses: &dyn Witnessing,
) -> Result<Option<u64>, FirstRoundError> {
    if witnesses.has_quorum(&log.shown().note) {
        log.shown_counts();
    }
    let head = log.committed();
    let size = head.size;
    let cosigned = witnesses.first(&head.note, size, &proofs(log, size)).await;
    match cosigned.map_err(FirstRoundError::Witnesses)? {
        None => Ok(None),
        Some(note) => Ok(Some(show(log, Head { note, size }).await?)),
    }
}

/// One round: the newest committed checkpoint is shown once it is cosigned. Gives its size.
async fn round(log: &Arc<Log>, witnesses: &dyn Witnessing) -> Result<u64, NotCosigned> {
    let head = log.committed();
    let size = head.size;
    let note = witnesses.cosign(&head.note, size, &proofs(log, size)).await?;
    show(log, Head { note, size }).await.map_err(|error| NotCosigned::Later(error.into()))
}

async fn show(log: &Arc<Log>, head: Head) -> Result<u64, CommitError> {
    let size = head.size;
    let shown = log.show(head).await;
    report(log);
    shown.map(|()| size)
}

/// The second stage.
pub(crate) struct Stage {
    pub(crate) log: Arc<Log>,
    pub(crate) witnesses: Arc<dyn Witnessing>,
    /// What was cosigned since this start: what an earlier one showed may lack the quorum of now.
    pub(crate) cosigned: Option<u64>,
    /// The longest time without a round: a witness that knew another history when nobody listened
    /// any more must stop a quiet log too.
    pub(crate) again: Duration,
}

impl Stage {
    /// Rounds until the shutdown, or until the log halts.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let log = Arc::clone(&self.log);
        let mut committed = log.committed.subscribe();
        let mut wait = WAIT;
        while !shutdown.is_cancelled() && log.halted().is_none() {
            let size = committed.borrow_and_update().size;
            let due = async {
                if self.cosigned.is_none_or(|cosigned| cosigned < size) {
                    return Ok(());
                }
                tokio::time::timeout(self.again, committed.changed()).await.unwrap_or(Ok(()))
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = log.halted.cancelled() => return,
                due = due => if due.is_err() { return },
            }
            let cosigned = tokio::select! {
                () = shutdown.cancelled() => return,
                cosigned = round(&log, &*self.witnesses) => cosigned,
            };
            match cosigned {
                Ok(size) => (self.cosigned, wait) = (Some(size), WAIT),
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
}
