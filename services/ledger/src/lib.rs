//! The ledger: an append-only Merkle log of commitments to signatures.
//!
//! It keeps what it was given and can prove it to anybody; it knows nothing of jobs, and dials
//! nobody but its witnesses (`cosign`). `log` is the tree and its durable entries, `replay` rebuilds and checks it at start,
//! `writer` appends many commitments in one durable commit, `grpc` is the wire.

mod config;
pub mod cosign;
mod grpc;
mod log;
mod replay;
mod writer;

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use ids::Timestamp;
use keys::FileKey;
use rpc::{Bound, CancellationToken, HealthHandle, MeshIdentity, Server, Services};
use store::Durable;
use tokio::task::JoinHandle;

pub use config::{Config, ConfigError};
pub use log::{Appended, Leaf, Log, LookupError, Proof, SignKey, SignKeyError, TABLES};
pub use replay::ReplayError;
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
    broken: CancellationToken,
    serving: Vec<JoinHandle<Result<(), rpc::ServeError>>>,
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

    /// Its health.
    #[must_use]
    pub const fn health(&self) -> &HealthHandle {
        &self.health
    }

    /// Waits until it has drained after the shutdown.
    ///
    /// # Errors
    /// When it could not serve, or its store broke.
    pub async fn stopped(self) -> anyhow::Result<()> {
        for serving in self.serving {
            serving.await??;
        }
        anyhow::ensure!(!self.broken.is_cancelled(), "the store broke: see the log");
        Ok(())
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
    let health = bound.health();
    health.not_ready("checking the stored log");
    let (address, public_address) = (bound.local_addr(), public.as_ref().map(Bound::local_addr));
    let listeners: Vec<Bound> = std::iter::once(bound).chain(public).collect();
    let healths: Vec<HealthHandle> = listeners.iter().map(Bound::health).collect();

    let appender = Arc::new(OnceLock::new());
    let services = grpc::services(Arc::clone(&appender));
    let serving = serve(listeners, &services, &shutdown);
    let state_dir = config.state_dir;
    let opened = tokio::task::spawn_blocking(move || open(&state_dir, key, &deps)).await?;
    let (log, broken) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            shutdown.cancel();
            return Err(error);
        }
    };
    let _ = appender.set(log);
    healths.iter().for_each(HealthHandle::set_ready);
    watch(broken.clone(), healths, shutdown);
    Ok(Handle { address, public_address, health, broken, serving })
}

fn serve(
    listeners: Vec<Bound>,
    services: &Services,
    shutdown: &CancellationToken,
) -> Vec<JoinHandle<Result<(), rpc::ServeError>>> {
    let one = |bound: Bound| tokio::spawn(bound.serve(services.clone(), shutdown.clone()));
    listeners.into_iter().map(one).collect()
}

/// Opens, replays and checks the log. Blocks.
fn open(
    state_dir: &std::path::Path,
    key: SignKey,
    deps: &Deps,
) -> anyhow::Result<(Appender, CancellationToken)> {
    std::fs::create_dir_all(state_dir)?;
    let store = Durable::open(state_dir.join("ledger.redb"), TABLES)?;
    let broken = store.broken();
    let log = Arc::new(Log::replay(store, key)?);
    Ok((Appender::spawn(log, Arc::clone(&deps.clock))?, broken))
}

/// A store that broke ends the process: only a new one can tell what is on disk.
fn watch(broken: CancellationToken, healths: Vec<HealthHandle>, shutdown: CancellationToken) {
    tokio::spawn(async move {
        tokio::select! {
            () = broken.cancelled() => {
                healths.iter().for_each(|health| health.not_ready("the store broke"));
                shutdown.cancel();
            }
            () = shutdown.cancelled() => {}
        }
    });
}
