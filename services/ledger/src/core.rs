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
    witnessing::{self, FirstRoundError},
    writer,
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
    /// A witness knows more, or something else, or what it knows cannot be proved to go on here.
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
            if witnesses.is_none() && is_below(writer, &state) {
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
                last: 0,
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

/// Whether what is published is below the state directory: one backup brings both back.
fn is_below(writer: &Writer, state: &Path) -> bool {
    let state = std::fs::canonicalize(state);
    writer.directory().zip(state.ok()).is_some_and(|(tiles, state)| tiles.starts_with(state))
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
        Err(FirstRoundError::Witnesses(
            NotCosigned::Diverged(error) | NotCosigned::Later(error),
        )) => Err(StartError::Witness(error)),
        // What was shown before is served; a store that broke halts the log.
        Err(FirstRoundError::NotKept(error)) => {
            metrics::counter!("ledger_cosign_failures_total").increment(1);
            tracing::warn!(%error, "the witnesses cosigned, and the store did not take it yet");
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

#[cfg(test)]
mod tests {
    //! Where the published files are is known by whatever name they are called.
    use super::*;

    #[tokio::test]
    async fn tiles_below_the_state_are_known_by_every_spelling_of_their_place() {
        let directory = tempfile::tempdir().unwrap();
        let (state, link) = (directory.path().join("state"), directory.path().join("link"));
        std::fs::create_dir(&state).unwrap();
        std::os::unix::fs::symlink(&state, &link).unwrap();
        let pem = keys::generate_ed25519(&[1; 32]).unwrap();
        let key = keys::FileKey::from_pem(&pem).unwrap();
        let key = SignKey::new(key, "mesh.test/ledger").unwrap();
        let below = async |place: &Path, scheme: &str| {
            let place = format!("{scheme}{}", place.display());
            let store = TileStore::create(&place).unwrap();
            let writer = Writer::open(store, key.verifier().clone(), "test").await.unwrap();
            is_below(&writer, &state)
        };
        for place in [state.join("tiles"), link.join("tiles"), link.join("../state/tiles")] {
            assert!(below(&place, "").await && below(&place, "file://").await, "{place:?}");
        }
        assert!(!below(&directory.path().join("tiles"), "file://").await);
    }
}
