//! The signer: the one holder of the platform key, which nobody can misuse.
//!
//! There is no call that signs caller-chosen bytes. `attest` goes from an evidence set to a signed
//! AIBoM or to a refusal that names the rule; `journal` keeps every answer before it is given;
//! `ring` knows which key signs now; `service` counts and audits; `grpc` is the wire. The signer
//! dials nobody, and opens no model or dataset.

mod attest;
mod config;
mod gate;
mod grpc;
mod journal;
mod listing;
mod ring;
mod service;

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use ids::Timestamp;
use keys::KeyStore;
use rpc::{Bound, CancellationToken, HealthHandle, MeshIdentity, Server, Services};
use store::Durable;
use tokio::task::JoinHandle;
use trust::PinnedRoot;

use journal::DurableJournal;
use ring::Ring;
use service::Service;

pub use attest::{AttestError, Attested, Attester, Creation, Journal, JournalError, Record};
pub use config::{AttestsMax, Config, ConfigError, ConfineConfig, KeysConfig, ModuleConfig};
pub use ring::{Keys, Ring as KeyRing, RingError};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the service takes from its surroundings.
#[derive(Clone)]
pub struct Deps {
    /// The clock that dates signatures.
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

/// A running signer.
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

/// The trust root that was in use last, so that an older one is refused after a restart, too.
const SEEN_ROOT_FILE: &str = "trust-root.seen.json";
/// What remembers the policy that was in force last, likewise.
const SEEN_POLICY_FILE: &str = "policy.seen.json";
/// How often the keys are asked whether they can sign, in milliseconds.
const LOOK_EVERY_MS: u64 = 500;

/// Starts a signer over these keys: identity, trust root, listener, then the journal,
/// checked page by page. It is not ready, and says why, while a key cannot be had.
///
/// # Errors
/// When a file or address cannot be used, or the trust root is of another mesh or went back.
pub async fn start(
    config: Config,
    deps: Deps,
    keys: Arc<dyn KeyStore>,
    shutdown: CancellationToken,
) -> anyhow::Result<Handle> {
    let identity = MeshIdentity::load(&config.identity)?;
    let _reload = identity.spawn_reload(shutdown.clone());
    std::fs::create_dir_all(&config.state_dir)?;
    let seen = config.state_dir.join(SEEN_ROOT_FILE);
    let root = PinnedRoot::open_after(&config.trust_root, &seen)?;
    let policy = gate::PolicyFile::open(config.policy, config.state_dir.join(SEEN_POLICY_FILE))?;
    let pinned = root.current();
    anyhow::ensure!(
        pinned.root.admits(identity.spiffe_id()),
        "the trust root is of {:?}, this signer is {}",
        pinned.root.trust_domain,
        identity.spiffe_id()
    );

    let bound = Server::bind(config.server.clone(), Arc::clone(&identity)).await?;
    let public = match &config.public {
        Some(public) => Some(Server::bind(public.clone(), Arc::clone(&identity)).await?),
        None => None,
    };
    let health = bound.health();
    health.not_ready("opening the journal");
    let (address, public_address) = (bound.local_addr(), public.as_ref().map(Bound::local_addr));
    let listeners: Vec<Bound> = std::iter::once(bound).chain(public).collect();
    let healths: Vec<HealthHandle> = listeners.iter().map(Bound::health).collect();

    let service = Arc::new(OnceLock::new());
    let services = grpc::services(Arc::clone(&service));
    let serving = serve(listeners, &services, &shutdown);
    let state_dir = config.state_dir;
    let opened = tokio::task::spawn_blocking(move || open(&state_dir)).await?;
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            shutdown.cancel();
            return Err(error);
        }
    };
    let broken = store.broken();
    let journal = DurableJournal::new(store);
    let attests_max = config.attests_max.get();
    let ready = Service::new(root, Ring::new(keys), policy, journal, deps.clock, attests_max);
    let ready = Arc::new(ready);
    let _ = service.set(Arc::clone(&ready));
    watch(ready, broken.clone(), healths, shutdown).await?;
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

/// Opens the journal. Blocks.
fn open(state_dir: &std::path::Path) -> anyhow::Result<Durable> {
    Ok(Durable::open(state_dir.join("journal.redb"), journal::TABLES)?)
}

/// Keeps the health true: ready while the keys can sign. A store that broke ends the process: only
/// a new one can tell what is on disk. Returns after the first look at the keys.
async fn watch(
    service: Arc<Service>,
    broken: CancellationToken,
    healths: Vec<HealthHandle>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    look(&service, &healths).await?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = broken.cancelled() => {
                    healths.iter().for_each(|health| health.not_ready("the store broke"));
                    shutdown.cancel();
                    break;
                }
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)) => {}
            }
            if look(&service, &healths).await.is_err() {
                break;
            }
        }
    });
    Ok(())
}

/// Asks the keys whether they can sign, and says so.
async fn look(service: &Arc<Service>, healths: &[HealthHandle]) -> anyhow::Result<()> {
    let asked = Arc::clone(service);
    match tokio::task::spawn_blocking(move || asked.ready()).await? {
        Ok(()) => healths.iter().for_each(HealthHandle::set_ready),
        Err(error) => {
            let reason = error.to_string();
            healths.iter().for_each(|health| health.not_ready(reason.clone()));
        }
    }
    Ok(())
}
