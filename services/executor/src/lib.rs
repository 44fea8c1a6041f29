//! The executor: runs one training per lease in a fresh, locked-down container, watches it from
//! outside, and signs what it saw.
//!
//! It dials the scheduler and nobody else; its own port answers health and reflection. Hard rules
//! are pure (`order`, `tenure`, `events`, `outcome`, `statement`); the engine is behind one trait.

pub mod attempt;
mod backoff;
pub mod capture;
pub mod config;
mod control_group;
pub mod docker;
mod energy;
pub mod engine;
pub mod events;
pub mod failure;
mod fetch;
pub mod grpc;
pub mod host;
mod inspect;
pub mod janitor;
mod kernel_log;
mod measured;
pub mod order;
pub mod outcome;
pub mod outputs;
mod progress;
pub mod renewer;
mod results;
pub mod sandbox;
pub mod statement;
pub mod tenure;
mod trainer_spec;
mod upload;
pub mod workdir;
pub mod worker;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rpc::{CancellationToken, MeshIdentity, Server, Services};
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    attempt::Shared,
    config::Config,
    docker::DockerEngine,
    engine::{Engine, EngineError},
    grpc::Scheduler,
    host::HostFacts,
    workdir::{WorkDir, WorkDirError},
    worker::{Active, Ends, Worker},
};

/// After the drain, how long containers and files may take to be removed, in milliseconds.
const CLEAN_UP_MS: u64 = 30_000;

/// Why the executor does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The identity's files are unusable.
    #[error(transparent)]
    Identity(#[from] rpc::IdentityError),
    /// The certificate names another.
    #[error("the certificate names {found}, name in the configuration is {name:?}")]
    Name {
        /// Whom the certificate names.
        found: ids::SpiffeId,
        /// What the configuration says.
        name: String,
    },
    /// The engine is away.
    #[error("docker_socket {path}: {source}")]
    Engine {
        /// The socket.
        path: String,
        /// What happened.
        #[source]
        source: EngineError,
    },
    /// The working directory is unusable.
    #[error(transparent)]
    WorkDir(#[from] WorkDirError),
    /// What a crash left cannot be removed.
    #[error("what was left cannot be removed: {0}")]
    Sweep(#[from] janitor::SweepError),
    /// The own program cannot be read.
    #[error("cannot read the own program: {0}")]
    Own(#[source] std::io::Error),
    /// The scheduler's address is unusable.
    #[error("scheduler: {0}")]
    Scheduler(#[from] rpc::ConnectError),
    /// The port cannot be bound.
    #[error(transparent)]
    Bind(#[from] rpc::BindError),
}

/// What the executor is given from outside.
#[derive(Debug, Clone)]
pub struct Deps {
    /// What runs containers.
    pub engine: Arc<dyn Engine>,
}

impl Deps {
    /// The Docker engine that `config` names.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn real(config: &Config) -> Result<Self, StartError> {
        let engine = DockerEngine::connect(&config.docker_socket).await.map_err(|source| {
            StartError::Engine { path: config.docker_socket.display().to_string(), source }
        })?;
        Ok(Self { engine: Arc::new(engine) })
    }
}

/// A running executor.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    ends: Ends,
    drain_ms: u64,
    workers: JoinSet<()>,
    others: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    active: Active,
}

impl Handle {
    /// Where health is served.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends it: no more leases; what runs may finish within the drain bound, and is handed back
    /// after it. Nothing is left behind.
    pub async fn shutdown(mut self) {
        self.ends.shutdown.cancel();
        let all = async { while self.workers.join_next().await.is_some() {} };
        tokio::pin!(all);
        let bound = Duration::from_millis(self.drain_ms);
        if tokio::time::timeout(bound, &mut all).await.is_err() {
            self.ends.drain.cancel();
            let bound = Duration::from_millis(CLEAN_UP_MS);
            if tokio::time::timeout(bound, &mut all).await.is_err() {
                tracing::error!("attempts did not end in time");
            }
        }
        let _ = janitor::sweep(&self.shared, &self.active).await;
        for task in self.others {
            let _ = task.await;
        }
    }
}

/// Looks at the machine and takes over the working directory; both block.
async fn machine(config: &Config) -> Result<(HostFacts, WorkDir), StartError> {
    let path = config.work_dir.clone();
    let read = move || Ok((HostFacts::read().map_err(StartError::Own)?, WorkDir::open(&path)?));
    match tokio::task::spawn_blocking(read).await {
        Ok(machine) => machine,
        Err(error) => Err(StartError::Own(std::io::Error::other(error))),
    }
}

/// Starts the executor: identity first, then what a crash left is removed, then work is asked for.
///
/// # Errors
/// When anything that it needs is missing.
pub async fn start(config: Config, deps: Deps) -> Result<Handle, StartError> {
    let identity = MeshIdentity::load(&config.identity)?;
    if identity.spiffe_id().name() != config.name {
        let (found, name) = (identity.spiffe_id().clone(), config.name);
        return Err(StartError::Name { found, name });
    }
    let (mut host, work) = machine(&config).await?;
    host.ask(deps.engine.as_ref()).await;
    let scheduler = Scheduler::connect(&config.scheduler, Arc::clone(&identity))?;
    let bound = Server::bind(config.server.clone(), Arc::clone(&identity)).await?;
    let (address, health) = (bound.local_addr(), bound.health());
    let (slots, drain_ms) = (config.slots, config.drain_ms);
    let ends = Ends { shutdown: CancellationToken::new(), drain: CancellationToken::new() };
    let reload = identity.spawn_reload(ends.shutdown.clone());
    let engine = deps.engine;
    let shared = Arc::new(Shared { config, identity, scheduler, engine, host, work });
    let active = Active::default();
    let swept = janitor::sweep(&shared, &active).await?;
    if swept > 0 {
        tracing::warn!(swept, "containers of a crashed executor were removed");
    }
    let stop = ends.shutdown.clone();
    let serving = tokio::spawn(async move {
        if let Err(error) = bound.serve(Services::new(), stop).await {
            tracing::error!(%error, "health is no longer served");
        }
    });
    let sweeping = janitor::run(Arc::clone(&shared), active.clone(), ends.shutdown.clone());
    let mut workers = JoinSet::new();
    for _ in 0..slots {
        let (shared, active) = (Arc::clone(&shared), active.clone());
        let worker = Worker { shared, active, ends: ends.clone(), health: health.clone() };
        workers.spawn(worker.run());
    }
    let others = vec![reload, serving, tokio::spawn(sweeping)];
    Ok(Handle { address, ends, drain_ms, workers, others, shared, active })
}
