//! The scheduler: the hub of the mesh. It keeps jobs, leases them to executors and drives each
//! stage after training; it signs grants and vouches for nothing else.
//!
//! `core` owns the state machine of `libs/schedule` and is the only writer; `grpc` decodes and
//! authorises; `stages` calls scanner, signer and ledger; `outbox` logs what has no AIBoM; `rescan`
//! looks at images again later; `records` is what is on disk.

mod config;
mod core;
mod fleet;
mod grpc;
mod key_changes;
mod ledger;
mod live;
mod outbox;
mod proto;
mod records;
mod rescan;
mod scanning;
mod stages;
mod tags;

use std::{net::SocketAddr, sync::Arc};

pub use config::{ArtifactsConfig, Config, ConfigError, RescanConfig};
use evidence::Program;
pub use records::RecordError;
use rpc::{CancellationToken, MeshIdentity};
pub use tags::TagsError;
use tokio::task::JoinHandle;

/// Why the scheduler does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory cannot be made.
    #[error("cannot use the state directory {path}")]
    StateDir {
        /// Which directory.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The own program cannot be read.
    #[error("cannot read the scheduler's own program")]
    Program(#[source] std::io::Error),
    /// The identity cannot be loaded.
    #[error(transparent)]
    Identity(#[from] rpc::IdentityError),
    /// The state cannot be read.
    #[error("cannot read the scheduler's state")]
    Records(#[from] RecordError),
    /// There is no secret of tags.
    #[error("cannot make the secret of the ledger's tags")]
    Tags(#[from] TagsError),
    /// The artifact store cannot be opened.
    #[error("cannot open the artifact store")]
    Artifacts(#[from] artifacts::OpenError),
    /// A channel to another service cannot be made.
    #[error(transparent)]
    Connect(#[from] rpc::ConnectError),
    /// The address cannot be bound.
    #[error(transparent)]
    Bind(#[from] rpc::BindError),
}

/// A running scheduler.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    serving: JoinHandle<Result<(), rpc::ServeError>>,
    core: JoinHandle<()>,
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has stopped after its token was cancelled.
    ///
    /// # Errors
    /// When serving ended by itself.
    pub async fn stopped(self) -> anyhow::Result<()> {
        self.serving.await??;
        self.core.await?;
        Ok(())
    }
}

/// Starts everything; it stops when `shutdown` is cancelled.
///
/// # Errors
/// When the state, the identity or the address cannot be used.
pub async fn start(config: Config, shutdown: CancellationToken) -> Result<Handle, StartError> {
    std::fs::create_dir_all(&config.state_dir)
        .map_err(|source| StartError::StateDir { path: config.state_dir.clone(), source })?;
    let digest = telemetry::own_program().map_err(StartError::Program)?;
    let program = Program { version: env!("CARGO_PKG_VERSION").to_owned(), digest };
    let identity = MeshIdentity::load(&config.identity)?;
    identity.spawn_reload(shutdown.clone());
    let records = records::Records::open(&config.state_dir)?;
    let store = artifacts::ArtifactStore::open(&config.artifacts.store())?;
    let bound = rpc::Server::bind(config.server.clone(), Arc::clone(&identity)).await?;
    let address = bound.local_addr();

    let peers = grpc::Peers::connect(&config, &identity)?;
    let tags = tags::Tags::open(&records).await?;
    let ledger = ledger::Ledger::new(peers.clone(), records.clone(), tags.clone());
    let live = live::Live::default();
    let scanning = scanning::Scanning::new(store.clone(), peers.clone(), live.clone());
    let stages = stages::Stages::new(
        records.clone(),
        store.clone(),
        peers.clone(),
        ledger.clone(),
        scanning,
        shutdown.clone(),
    );
    let built = core::build(config.schedule.clone(), records.clone(), Arc::new(stages))?;
    let (core, running, resumed) = built;
    let core_task = tokio::spawn(running.run(resumed, shutdown.clone()));

    log_outcomes(&core, &records, &peers, &identity, ledger, &shutdown);
    let rescans = rescan::Rescans {
        core: core.clone(),
        records: records.clone(),
        peers,
        trainers: config.trainers.values().cloned().collect(),
        config: config.rescan,
    };
    tokio::spawn(rescans.run(shutdown.clone()));
    tokio::spawn(forget_ended(core.clone(), live.clone()));
    let state = grpc::State {
        core,
        records: records.clone(),
        store,
        identity,
        live,
        tags,
        fleet: fleet::Fleet::new(config.trainers.clone()),
        lease_ttl_ms: config.schedule.lease_ttl_ms,
        program,
        operator: config.operator,
    };
    let health = bound.health();
    let (broken, stop) = (records.broken(), shutdown.clone());
    let guard = health.clone();
    tokio::spawn(async move {
        broken.cancelled().await;
        guard.not_ready("the store failed");
        stop.cancel();
    });
    let serving = tokio::spawn(bound.serve(grpc::services(state), shutdown));
    health.set_ready();
    Ok(Handle { address, serving, core: core_task })
}

/// Starts what logs every outcome that leaves no AIBoM, and every trust root and policy.
fn log_outcomes(
    core: &core::Core,
    records: &records::Records,
    peers: &grpc::Peers,
    identity: &Arc<MeshIdentity>,
    ledger: ledger::Ledger,
    shutdown: &CancellationToken,
) {
    let outbox = outbox::Outbox {
        core: core.clone(),
        records: records.clone(),
        identity: Arc::clone(identity),
        ledger: ledger.clone(),
    };
    tokio::spawn(outbox.run(shutdown.clone()));
    let changes = key_changes::KeyChanges {
        core: core.clone(),
        records: records.clone(),
        peers: peers.clone(),
        ledger,
        own: identity.spiffe_id().clone(),
    };
    tokio::spawn(changes.run(shutdown.clone()));
}

/// Forgets what jobs said while they ran, however they ended.
async fn forget_ended(core: core::Core, live: live::Live) {
    use tokio::sync::broadcast::error::RecvError;
    let mut moved = core.moved();
    loop {
        let id = match moved.recv().await {
            Ok(id) => id,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let ended = move |m: &schedule::Machine| m.job(id).is_none_or(|r| r.state.is_terminal());
        match core.query(ended).await {
            Ok(true) => live.end(id),
            Ok(false) => {}
            Err(_) => return,
        }
    }
}
