//! The ledger: an append-only Merkle log of commitments to signatures.
//!
//! It keeps what it was given and can prove it to anybody; it knows nothing of jobs, and dials
//! nobody but its witnesses. An entry goes through three stages: `writer` appends many in one
//! durable commit, `witnessing` has the checkpoint cosigned (`cosign` asks), `publishing` writes static
//! files, which `statics` serves. `log` is the tree and its durable entries, `lookup` reads and proves, `replay` rebuilds and checks
//! everything at start, `core` puts it together, `grpc` is the wire.

mod config;
mod core;
pub mod cosign;
mod grpc;
mod key;
mod log;
mod lookup;
mod places;
mod publishing;
mod record;
mod replay;
mod statics;
mod witnessing;
mod writer;

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use cosign::{CosignConfigError, Cosigners};
use ids::Timestamp;
use keys::FileKey;
use rpc::{Bound, CancellationToken, HealthHandle, MeshIdentity, Server, Services};
use store::Durable;
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

pub use config::{Config, ConfigError};
pub use core::{Core, Parts, StartError};
pub use cosign::Proofs;
pub use key::{SignKey, SignKeyError};
pub use log::{Head, Leaf, Log, Shows};
pub use lookup::{Appended, LookupError, Proof};
pub use publishing::FenceError;
pub use record::TABLES;
pub use replay::ReplayError;
pub use witnessing::{NotCosigned, Witnessing};
pub use writer::{AppendError, Appender};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the service takes from its surroundings.
#[derive(Clone)]
pub struct Deps {
    /// The clock that dates entries.
    pub clock: Clock,
}

impl Deps {
    /// The machine's own.
    #[must_use]
    pub fn real() -> Self {
        Self { clock: Arc::new(|| Timestamp::from(SystemTime::now())) }
    }
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").finish_non_exhaustive()
    }
}

/// A running ledger.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    public_address: Option<SocketAddr>,
    health: HealthHandle,
    core: Core,
    files: Option<(String, JoinHandle<()>)>,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its public listener is, if it has one.
    #[must_use]
    pub const fn public_address(&self) -> Option<SocketAddr> {
        self.public_address
    }

    /// The URL below which the published files are, if it serves them.
    #[must_use]
    pub fn files_url(&self) -> Option<&str> {
        self.files.as_ref().map(|(url, _)| url.as_str())
    }

    /// Its health.
    #[must_use]
    pub const fn health(&self) -> &HealthHandle {
        &self.health
    }

    /// Waits until it has drained after the shutdown, and published what it has.
    ///
    /// # Errors
    /// When it could not serve, or had to halt: its store broke, or its history is not the one that
    /// others saw.
    pub async fn stopped(self) -> anyhow::Result<()> {
        self.served.await??;
        if let Some((_, serving)) = self.files {
            serving.await?;
        }
        let log = Arc::clone(self.core.log());
        self.core.stopped().await;
        match log.halted() {
            Some(reason) => Err(anyhow::anyhow!("the ledger halted: {reason}")),
            None => Ok(()),
        }
    }
}

/// Starts a ledger: identity, listener, then the log, checked from its first entry to its last.
///
/// # Errors
/// When a file or address cannot be used, or the stored log is not what its checkpoint says.
pub async fn start(
    config: Config,
    deps: Deps,
    shutdown: CancellationToken,
) -> anyhow::Result<Handle> {
    let identity = MeshIdentity::load(&config.identity)?;
    let _reload = identity.spawn_reload(shutdown.clone());
    let origin = config
        .origin
        .clone()
        .unwrap_or_else(|| format!("{}/ledger", identity.spiffe_id().trust_domain()));
    let key = SignKey::new(FileKey::load(&config.key)?, &origin)?;

    let bound = Server::bind(config.server.clone(), Arc::clone(&identity)).await?;
    let public = match &config.public {
        Some(public) => Some(Server::bind(public.clone(), Arc::clone(&identity)).await?),
        None => None,
    };
    let files = config.statics.clone().map(web::Server::bind).transpose()?;
    let health = bound.health();
    health.not_ready("checking the stored log");
    let (address, public_address) = (bound.local_addr(), public.as_ref().map(Bound::local_addr));
    let listeners: Vec<Bound> = std::iter::once(bound).chain(public).collect();
    let healths: Vec<HealthHandle> = listeners.iter().map(Bound::health).collect();

    let appender = Arc::new(OnceLock::new());
    let services = grpc::services(Arc::clone(&appender));
    let serving = serve(listeners, &services, &shutdown);
    // The stages end after the last call: what is in flight still wants its cosignatures.
    let stages = CancellationToken::new();
    let served = tokio::spawn(ended(serving, stages.clone().drop_guard()));
    let opened = tokio::select! {
        opened = open(&config, key, &deps, &stages) => opened,
        () = shutdown.cancelled() => Err(anyhow::anyhow!("stopped before it had started")),
    };
    let opened = opened.and_then(|core| {
        let files = files.map(|bound| serve_files(&config, bound, &shutdown)).transpose()?;
        Ok((core, files))
    });
    // Nothing stays up of a ledger that did not start.
    let (core, files) = opened.inspect_err(|_| shutdown.cancel())?;
    let _ = appender.set(core.appender().clone());
    healths.iter().for_each(HealthHandle::set_ready);
    watch(core.log().halting(), healths, shutdown);
    Ok(Handle { address, public_address, health, core, files, served })
}

/// Waits until every listener has drained; then the stages may end.
async fn ended(
    serving: Vec<JoinHandle<Result<(), rpc::ServeError>>>,
    _stages: DropGuard,
) -> anyhow::Result<()> {
    for serving in serving {
        serving.await??;
    }
    Ok(())
}

fn serve(
    listeners: Vec<Bound>,
    services: &Services,
    shutdown: &CancellationToken,
) -> Vec<JoinHandle<Result<(), rpc::ServeError>>> {
    let one = |bound: Bound| tokio::spawn(bound.serve(services.clone(), shutdown.clone()));
    listeners.into_iter().map(one).collect()
}

/// Serves what is published, from where it is published.
fn serve_files(
    config: &Config,
    bound: web::Bound,
    shutdown: &CancellationToken,
) -> anyhow::Result<(String, JoinHandle<()>)> {
    let source = Arc::new(tiles::TileStore::open(&config.tiles())?);
    let url = bound.url();
    tracing::info!(%url, "serving the published files");
    Ok((url, statics::serve(bound, source, shutdown.clone())))
}

/// Opens, replays and checks the log.
async fn open(
    config: &Config,
    key: SignKey,
    deps: &Deps,
    shutdown: &CancellationToken,
) -> anyhow::Result<Core> {
    let state = config.state_dir.clone();
    std::fs::create_dir_all(&state)?;
    let path = state.join("ledger.redb");
    let store = tokio::task::spawn_blocking(move || Durable::open(path, TABLES)).await??;
    let parts = Parts {
        store,
        state,
        key,
        witnesses: witnesses(config)?,
        tiles: Some(config.tiles()),
        publish_every: Duration::from_millis(config.publish_every_ms),
        cosign_every: Duration::from_millis(config.cosign_every_ms),
    };
    Ok(Core::start(parts, Arc::clone(&deps.clock), shutdown.clone()).await?)
}

/// The witnesses of the configuration, if it has any.
fn witnesses(config: &Config) -> Result<Option<Arc<dyn Witnessing>>, CosignConfigError> {
    if config.witnesses.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Cosigners::new(&config.cosign())?)))
}

/// A log that halted ends the process: only a new one can tell what is on disk, and none may serve
/// another history than others saw.
fn watch(halted: CancellationToken, healths: Vec<HealthHandle>, shutdown: CancellationToken) {
    tokio::spawn(async move {
        tokio::select! {
            () = halted.cancelled() => {
                healths.iter().for_each(|health| health.not_ready("the ledger halted"));
                shutdown.cancel();
            }
            () = shutdown.cancelled() => {}
        }
    });
}

#[cfg(test)]
mod tests {
    //! What is in flight at the shutdown still has its stages.
    use super::*;

    #[tokio::test]
    async fn the_stages_end_after_the_last_call() {
        let (last, answered) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            answered.await.unwrap();
            Ok(())
        });
        let stages = CancellationToken::new();
        let served = tokio::spawn(ended(vec![serving], stages.clone().drop_guard()));
        tokio::task::yield_now().await;
        assert!(!stages.is_cancelled());
        last.send(()).unwrap();
        served.await.unwrap().unwrap();
        assert!(stages.is_cancelled());
    }
}
