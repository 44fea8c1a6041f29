//! The ledger without its wire: journal, group commit, witnesses and publication, put together.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rpc::CancellationToken;
use store::Durable;
use tiles::{TileStore, Writer};
use tokio::task::JoinHandle;

use crate::{
    Appender, Clock, FenceError, Head, Log, NotCosigned, ReplayError, Shows, SignKey, Witnessing,
    log::HaltsOnPanic,
    publishing::{Publisher, fence},
    witnessing, writer,
};

/// What a ledger is made of.
#[derive(Debug)]
pub struct Parts {
    /// The open state.
    pub store: Durable,
    /// Where that is, for people.
    pub state: PathBuf,
    /// What signs checkpoints.
    pub key: SignKey,
    /// Who cosigns them; `None`: the log stands alone.
    pub witnesses: Option<Arc<dyn Witnessing>>,
    /// Where it is published: a path or a URL; `None`: nowhere (tests and measurements only).
    pub tiles: Option<String>,
    /// The least time between two publications.
    pub publish_every: Duration,
    /// The longest time without asking the witnesses.
    pub cosign_every: Duration,
}

/// Why a ledger does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stored log is not what its checkpoint says.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The place of publication cannot be used.
    #[error("cannot publish at {place}")]
    Place {
        /// The path or URL.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// More, or something else, was published.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// A witness knows more, or something else.
    #[error(transparent)]
    Witness(Box<dyn std::error::Error + Send + Sync>),
    /// No thread.
    #[error("cannot start the writer thread")]
    Thread(#[from] std::io::Error),
}

/// A ledger that takes commitments.
#[derive(Debug)]
pub struct Core {
    appender: Appender,
    stages: Vec<JoinHandle<()>>,
}

impl Core {
    /// Replays the stored log, holds it against what is published and what witnesses cosigned, and
    /// starts the stages; they end with `shutdown`.
    ///
    /// # Errors
    /// When the stored log is damaged, is older than what others saw, or cannot be published.
    pub async fn start(
        parts: Parts,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        let Parts { store, state, key, witnesses, tiles, publish_every, cosign_every } = parts;
        let shows = if witnesses.is_some() { Shows::Cosigned } else { Shows::Committed };
        let broken = store.broken();
        let replay = tokio::task::spawn_blocking(move || Log::replay(store, key, shows));
        let log = Arc::new(replay.await.map_err(std::io::Error::from)??);
        writer::report(&log);
        metrics::gauge!("ledger_halted").set(0.0);

        let publisher = match tiles {
            Some(place) => Some((open(&log, &place).await?, place)),
            None => None,
        };
        if let Some((writer, place)) = &publisher {
            fence(&log, writer, &state, place)?;
            if witnesses.is_none() && Path::new(place).starts_with(&state) {
                let (state, remedy) = (state.display(), "name a witness, or put 'tiles' elsewhere");
                tracing::warn!(
                    %state, place, remedy,
                    "no witnesses, and published below the state: a backup brings both back, unseen"
                );
            }
            // It is this log's, and somebody may have read it.
            if let (Some(note), Some(head)) = (writer.note(), writer.published()) {
                let head = Head { note: note.to_owned(), size: head.size };
                log.show_at_least(head).await.map_err(ReplayError::Write)?;
            }
        }
        let cosigned = match &witnesses {
            Some(witnesses) => first_round(&log, &**witnesses).await?,
            None => None,
        };
        let appender = Appender::spawn(Arc::clone(&log), witnesses.clone(), clock)?;
        let watch = watch(Arc::clone(&log), broken, shutdown.clone());
        let mut stages = vec![stage(&log, "the watch over the store", watch)];
        if let Some(witnesses) = &witnesses {
            let (witnesses, again) = (Arc::clone(witnesses), cosign_every);
            let witnessing =
                witnessing::Stage { log: Arc::clone(&log), witnesses, cosigned, again };
            stages.push(stage(&log, "the witnessing", witnessing.run(shutdown.clone())));
        }
        if let Some((writer, place)) = publisher {
            let publisher = Publisher {
                log: Arc::clone(&log),
                witnesses,
                writer: Some(writer),
                place,
                state,
                pace: publish_every,
                unswept: false,
            };
            stages.push(stage(&log, "the publisher", publisher.run(shutdown)));
        }
        Ok(Self { appender, stages })
    }

    /// What takes commitments.
    #[must_use]
    pub const fn appender(&self) -> &Appender {
        &self.appender
    }

    /// The log, for reading.
    #[must_use]
    pub const fn log(&self) -> &Arc<Log> {
        self.appender.log()
    }

    /// Waits for the stages to end, after the shutdown: the last checkpoint is published.
    pub async fn stopped(self) {
        for stage in self.stages {
            let _panicked = stage.await;
        }
    }
}

pub(crate) async fn open(log: &Log, place: &str) -> Result<Writer, StartError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| StartError::Place {
        place: place.to_owned(),
        source,
    };
    let store = TileStore::create(place).map_err(|error| failed(error.into()))?;
    let writer = Writer::open(store, log.verifier().clone(), "aibom-ledger").await;
    writer.map_err(|error| failed(error.into()))
}

/// Asks the witnesses before anything is served: one that is ahead shows a rollback.
async fn first_round(
    log: &Arc<Log>,
    witnesses: &dyn Witnessing,
) -> Result<Option<u64>, StartError> {
    match witnessing::first_round(log, witnesses).await {
        Ok(cosigned) => Ok(cosigned),
        Err(NotCosigned::Diverged(error)) => Err(StartError::Witness(error)),
        Err(NotCosigned::Later(error)) => {
            metrics::counter!("ledger_cosign_failures_total").increment(1);
            tracing::warn!(%error, "starting without the witnesses");
            Ok(None)
        }
    }
}

/// Starts a stage; should it panic, the log halts.
fn stage(
    log: &Arc<Log>,
    who: &'static str,
    stage: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let halts = HaltsOnPanic::new(Arc::clone(log), who);
    tokio::spawn(async move {
        let _halts = halts;
        stage.await;
    })
}

/// A store that broke halts the log: only a new process can tell what is on disk.
async fn watch(log: Arc<Log>, broken: CancellationToken, shutdown: CancellationToken) {
    tokio::select! {
        () = broken.cancelled() => log.halt("the store broke; start again"),
        () = log.halted.cancelled() => {}
        () = shutdown.cancelled() => {}
    }
}
