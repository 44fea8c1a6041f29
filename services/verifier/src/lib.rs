//! The verifier: checks bundles, in-toto links, files and the store, and tells every check.
//!
//! It knows no secret and keeps no state: `libs/verify` does the work, as it does for the command
//! line offline, and `libs/trust` the pinned root. `verdicts` runs the checks off the async threads,
//! `grpc` is the wire.

mod config;
mod grpc;
mod verdicts;

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use artifacts::ArtifactStore;
use ids::Timestamp;
use rpc::{Bound, CancellationToken, HealthHandle, MeshIdentity, Server};
use tokio::task::JoinHandle;
use trust::PinnedRoot;

use verdicts::Verdicts;

pub use config::{ArtifactsConfig, ChecksMax, Config, ConfigError};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the service takes from its surroundings.
#[derive(Clone)]
pub struct Deps {
    /// The clock that layouts expire by.
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

/// A running verifier.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    public_address: Option<SocketAddr>,
    health: HealthHandle,
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
    /// When it could not serve.
    pub async fn stopped(self) -> anyhow::Result<()> {
        for serving in self.serving {
            serving.await??;
        }
        Ok(())
    }
}

/// Starts a verifier: identity, trust root, store, listener.
///
/// # Errors
/// When a file or address cannot be used.
pub async fn start(
    config: Config,
    deps: Deps,
    shutdown: CancellationToken,
) -> anyhow::Result<Handle> {
    let identity = MeshIdentity::load(&config.identity)?;
    let _reload = identity.spawn_reload(shutdown.clone());
    let (path, artifacts) = (config.trust_root, config.artifacts);
    let opened = tokio::task::spawn_blocking(move || {
        let root = PinnedRoot::open(&path)?;
        let store = artifacts.map(|config| ArtifactStore::open(&config.store())).transpose()?;
        anyhow::Ok((root, store))
    });
    let (root, store) = opened.await??;
    let checks_max = config.checks_max.get();
    let verdicts = Verdicts::new(Arc::new(root), store, deps.clock, checks_max);
    let services = grpc::services(Arc::new(verdicts));

    let bound = Server::bind(config.server, Arc::clone(&identity)).await?;
    let public = match config.public {
        Some(public) => Some(Server::bind(public, identity).await?),
        None => None,
    };
    let health = bound.health();
    let (address, public_address) = (bound.local_addr(), public.as_ref().map(Bound::local_addr));
    let mut serving = Vec::new();
    for bound in std::iter::once(bound).chain(public) {
        let health = bound.health();
        serving.push(tokio::spawn(bound.serve(services.clone(), shutdown.clone())));
        health.set_ready();
    }
    Ok(Handle { address, public_address, health, serving })
}
