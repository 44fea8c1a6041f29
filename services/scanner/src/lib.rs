//! The scanner: what is in everything that touched a model, which of it is known to be vulnerable,
//! and what is dangerous to open.
//!
//! It looks at the trainer's image, at the files that a job came with and those that training left,
//! and at the programs of the mesh; it runs Trivy and the rules of `inspect` on them, and signs what
//! they found with its own key, together with the digests of tool, database and report. What was not
//! looked at, such as vulnerabilities without a usable database, the evidence says; it never answers
//! with a clean result that nobody looked for. See `README.md`.

mod archive;
mod child;
pub mod config;
mod database;
mod engine;
mod files;
mod fingerprint;
mod grpc;
mod inventory;
mod programs;
mod report;
mod scan;
mod statement;
mod tool;
mod update;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rpc::{CancellationToken, HealthHandle, MeshIdentity, Server};
use store::Cache;
use tokio::task::JoinHandle;

pub use archive::{ArchiveError, BindingError};
pub use child::ChildError;
pub use config::{Config, ConfigError};
pub use database::Database;
pub use engine::{Engine, EngineError, Export, Images};
pub use files::{Files, FilesError, Receiving, WantedFile};
pub use inventory::Inventory;
pub use programs::ProgramsError;
pub use report::{About, FINDINGS_MAX, PACKAGES_MAX, ReportError};
pub use scan::{Clock, Record, ScanError, Scanned, Scans};
pub use scandb::Unusable;
pub use statement::{SignError, seal, statement};
pub use tool::{RunConfined, Target, Tool, ToolMissing};
pub use update::{UpdateError, Updates};

/// How often readiness and the database's age are looked at, in milliseconds.
const READY_INTERVAL_MS: u64 = 15_000;

/// What the service works with; tests give others.
#[derive(Clone)]
pub struct Deps {
    /// Who it is.
    pub identity: Arc<MeshIdentity>,
    /// Where images come from.
    pub images: Arc<dyn Images>,
    /// Where results are remembered.
    pub cache: Arc<dyn Cache>,
    /// The time now.
    pub clock: Clock,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Why the service did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its identity does not hold.
    #[error(transparent)]
    Identity(#[from] rpc::IdentityError),
    /// The scratch directory is not usable.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] rpc::BindError),
    /// It cannot serve.
    #[error(transparent)]
    Serve(#[from] rpc::ServeError),
    /// A task ended with a panic.
    #[error("the server ended abnormally")]
    Task(#[source] tokio::task::JoinError),
}

/// The running service.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    health: HealthHandle,
    shutdown: CancellationToken,
    server: JoinHandle<Result<(), rpc::ServeError>>,
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Its health.
    #[must_use]
    pub const fn health(&self) -> &HealthHandle {
        &self.health
    }

    /// Waits until the server ends by itself.
    ///
    /// # Errors
    /// When it could not serve.
    pub async fn ended(&mut self) -> Result<(), StartError> {
        Ok((&mut self.server).await.map_err(StartError::Task)??)
    }

    /// Ends it: no new calls, calls in flight may finish within the drain bound.
    ///
    /// # Errors
    /// When it could not serve.
    pub async fn stop(mut self) -> Result<(), StartError> {
        self.shutdown.cancel();
        self.ended().await
    }
}

impl Deps {
    /// What a deployment works with: files, engine, sled cache and the system's clock.
    ///
    /// # Errors
    /// When the identity does not hold. A cache that cannot be opened is replaced by memory.
    pub fn of(config: &Config) -> Result<Self, StartError> {
        let (directory, entries) = (&config.scan.cache_directory, config.scan.max_cache_entries);
        let cache: Arc<dyn Cache> = match store::SledCache::open(directory, entries) {
            Ok(cache) => Arc::new(cache),
            Err(error) => {
                tracing::warn!(%error, "no scan cache on disk: results are kept in memory only");
                Arc::new(store::MemoryCache::new(entries.min(32)))
            }
        };
        Ok(Self {
            identity: MeshIdentity::load(&config.identity)?,
            images: Arc::new(Engine::new(config.engine.socket.clone())),
            cache,
            clock: Arc::new(|| std::time::SystemTime::now().into()),
        })
    }
}

/// Starts the service; it is ready as soon as Trivy is there.
///
/// # Errors
/// When the scratch directory is unusable or the address cannot be bound.
pub async fn start(config: Config, deps: Deps) -> Result<Handle, StartError> {
    let updates = Updates::of(&config, Arc::clone(&deps.clock));
    let scans = Scans::new(&config, deps.images, deps.cache, deps.clock)?;
    let bound = Server::bind(config.server, Arc::clone(&deps.identity)).await?;
    let (address, health) = (bound.local_addr(), bound.health());
    let shutdown = CancellationToken::new();
    look(&scans, &health).await;
    let services = grpc::services(Arc::clone(&scans), deps.identity);
    let server = tokio::spawn(bound.serve(services, shutdown.clone()));
    tokio::spawn(watch(scans, health.clone(), shutdown.clone()));
    if let Some(updates) = updates {
        tokio::spawn(updates.run(shutdown.clone()));
    }
    tracing::info!(%address, "scanner listens");
    Ok(Handle { address, health, shutdown, server })
}

async fn look(scans: &Scans, health: &HealthHandle) {
    match scans.ready().await {
        Ok(()) => health.set_ready(),
        Err(missing) => health.not_ready(missing.to_string()),
    }
}

/// Trivy may be installed, or go away, while the service runs.
async fn watch(scans: Arc<Scans>, health: HealthHandle, shutdown: CancellationToken) {
    let mut interval = tokio::time::interval(Duration::from_millis(READY_INTERVAL_MS));
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = interval.tick() => look(&scans, &health).await,
        }
    }
}
