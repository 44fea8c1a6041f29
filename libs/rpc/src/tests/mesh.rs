//! A CA, identities and running servers in a temporary directory.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ids::{Role, SpiffeId};
use keys::ca::{Authority, Issued, LeafRequest, create_root};
use proto::artifact::v1::{
    artifact_service_client::ArtifactServiceClient, artifact_service_server::ArtifactServiceServer,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::service::Probe;
use crate::{
    CancellationToken, Channel, ClientConfig, HealthHandle, IdentityFiles, MeshIdentity,
    ServeError, Server, ServerConfig, Services, identity::now,
};

pub(super) const DOMAIN: &str = "mesh.test";
const HOUR_MS: i64 = 3_600_000;

pub(super) struct Mesh {
    pub(super) directory: TempDir,
    pub(super) root: Issued,
    authority: Authority,
}

pub(super) fn id(role: Role, name: &str) -> SpiffeId {
    SpiffeId::new(DOMAIN, role, name).unwrap()
}

fn serial() -> [u8; 20] {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut serial = [1; 20];
    serial[12..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    serial
}

impl Mesh {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = create_root(DOMAIN, now(), 24 * HOUR_MS, serial()).unwrap();
        let authority = Authority::load(&root.certificate_pem, &root.key_pem).unwrap();
        std::fs::write(directory.path().join("ca.pem"), &root.certificate_pem).unwrap();
        Self { directory, root, authority }
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub(super) fn issue(&self, spiffe_id: &SpiffeId, ttl_ms: i64) -> Issued {
        let request = LeafRequest { spiffe_id, names: &[], now: now(), ttl_ms, serial: serial() };
        self.authority.issue(&request).unwrap()
    }

    pub(super) fn write(&self, name: &str, issued: &Issued) -> IdentityFiles {
        let path = |kind: &str| self.directory.path().join(format!("{name}.{kind}.pem"));
        let files = IdentityFiles { certificate: path("crt"), key: path("key"), ca: self.ca() };
        replace(&files.certificate, &issued.certificate_pem);
        keys::write_secret(&files.key, &issued.key_pem).unwrap();
        files
    }

    pub(super) fn identity_of(&self, spiffe_id: &SpiffeId) -> Arc<MeshIdentity> {
        let name =
            format!("{}-{}-{}", spiffe_id.trust_domain(), spiffe_id.role(), spiffe_id.name());
        MeshIdentity::load(&self.write(&name, &self.issue(spiffe_id, HOUR_MS))).unwrap()
    }

    pub(super) fn identity(&self, role: Role, name: &str) -> Arc<MeshIdentity> {
        self.identity_of(&id(role, name))
    }

    /// A scheduler that answers for the artifact service.
    pub(super) async fn serve(&self, change: impl FnOnce(&mut ServerConfig)) -> Running {
        let identity = self.identity(Role::Scheduler, "hub");
        serve_as(identity, change).await
    }

    pub(super) fn client(&self, server: &Running, role: Role) -> ArtifactServiceClient<Channel> {
        ArtifactServiceClient::new(self.channel(server, role))
    }

    pub(super) fn channel(&self, server: &Running, role: Role) -> Channel {
        crate::connect(&server.client_config(), self.identity(role, "caller")).unwrap()
    }
}

/// Replaces a file in one step, as `aibom` and certificate managers do.
pub(super) fn replace(path: &Path, text: &str) {
    let temporary = path.with_extension("new");
    std::fs::write(&temporary, text).unwrap();
    std::fs::rename(temporary, path).unwrap();
}

pub(super) async fn serve_as(
    identity: Arc<MeshIdentity>,
    change: impl FnOnce(&mut ServerConfig),
) -> Running {
    let mut config = ServerConfig { drain_ms: 5_000, ..ServerConfig::default() };
    change(&mut config);
    let spiffe_id = identity.spiffe_id().clone();
    let bound = Server::bind(config, identity).await.unwrap();
    let (address, health) = (bound.local_addr(), bound.health());
    let shutdown = CancellationToken::new();
    let probe = Probe::default();
    let service = ArtifactServiceServer::new(probe.clone()).max_decoding_message_size(4 << 20);
    let serving = bound.serve(Services::new().add(service), shutdown.clone());
    health.set_ready();
    Running { address, spiffe_id, health, shutdown, probe, task: tokio::spawn(serving) }
}

pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) spiffe_id: SpiffeId,
    pub(super) health: HealthHandle,
    pub(super) shutdown: CancellationToken,
    pub(super) probe: Probe,
    pub(super) task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    pub(super) fn client_config(&self) -> ClientConfig {
        ClientConfig::new(format!("https://{}", self.address), self.spiffe_id.clone())
    }

    /// Shuts down and waits for the end.
    pub(super) async fn end(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until `condition` holds; fails after a time that no healthy run needs.
pub(super) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = std::time::Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(std::time::Instant::now() < give_up, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The future's result, or a failure after a time that no healthy run needs.
pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .unwrap_or_else(|_| panic!("no end: {what}"))
}
