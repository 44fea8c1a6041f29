//! A verifier of a test mesh on port 0, with a store, and clients of every role.

use std::{path::Path, sync::Arc, time::SystemTime};

use ids::{Role, SpiffeId, Timestamp};
use proto::verifier::v1::{Verdict, verifier_service_client::VerifierServiceClient};
use rpc::{CancellationToken, Channel, ClientConfig, IdentityFiles, MeshIdentity};
use testkit::{
    evidence::Fixture,
    mesh::{Party, TRUST_DOMAIN},
};
use verifier::{Config, Deps, Handle};

pub(crate) type Client = VerifierServiceClient<Channel>;

pub(crate) struct TestMesh {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) fixture: Fixture,
}

pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) shutdown: CancellationToken,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.handle.stopped().await.unwrap();
    }
}

fn files(directory: &Path, party: &Party, ca: &str) -> IdentityFiles {
    let name = format!("{}-{}", party.id.role(), party.id.name());
    let path = |what: &str| directory.join(format!("{name}.{what}"));
    std::fs::write(path("crt"), &party.certificate_pem).unwrap();
    std::fs::write(path("ca"), ca).unwrap();
    keys::write_secret(&path("key"), &party.key_pem).unwrap();
    IdentityFiles { certificate: path("crt"), key: path("key"), ca: path("ca") }
}

impl TestMesh {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            fixture: Fixture::signed_at(Timestamp::from(SystemTime::now())),
        }
    }

    pub(crate) fn store_config(&self, staging: &str) -> artifacts::StoreConfig {
        artifacts::StoreConfig {
            url: self.directory.path().join("artifacts").display().to_string(),
            staging_dir: self.directory.path().join(staging),
            limits: artifacts::Limits::default(),
        }
    }

    pub(crate) fn config(&self) -> Config {
        let directory = self.directory.path();
        let mesh = self.fixture.mesh();
        let trust_root = directory.join("trust-root.json");
        std::fs::write(&trust_root, mesh.seal_root(&mesh.trust_root())).unwrap();
        let identity = files(directory, &mesh.verifier, mesh.ca.certificate_pem());
        let store = self.store_config("verifier-staging");
        let text = format!(
            "trust_root = {trust_root:?}\n[identity]\ncertificate = {:?}\nkey = {:?}\nca = {:?}\n\
             [artifacts]\nurl = {:?}\nstaging_dir = {:?}\n",
            identity.certificate, identity.key, identity.ca, store.url, store.staging_dir
        );
        let path = directory.join("verifier.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap()
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_with(self.config()).await
    }

    pub(crate) async fn start_with(&self, config: Config) -> Running {
        let shutdown = CancellationToken::new();
        let handle = verifier::start(config, Deps::real(), shutdown.clone()).await.unwrap();
        Running { handle, shutdown }
    }

    pub(crate) fn client(&self, running: &Running, party: &Party) -> Client {
        let ca = self.fixture.mesh().ca.certificate_pem();
        let identity = MeshIdentity::load(&files(self.directory.path(), party, ca)).unwrap();
        let config = Self::client_config(running.handle.address());
        VerifierServiceClient::new(rpc::connect(&config, Arc::clone(&identity)).unwrap())
    }

    pub(crate) fn client_config(address: std::net::SocketAddr) -> ClientConfig {
        let server = SpiffeId::new(TRUST_DOMAIN, Role::Verifier, "main").unwrap();
        ClientConfig::new(format!("https://{address}"), server)
    }

    pub(crate) fn user(&self, running: &Running) -> Client {
        self.client(running, &self.fixture.mesh().user)
    }
}

/// Names of the checks that did not hold.
pub(crate) fn failures(verdict: &Verdict) -> Vec<&str> {
    let failed: Vec<&str> =
        verdict.checks.iter().filter(|c| !c.passed).map(|c| c.name.as_str()).collect();
    assert_eq!(verdict.verified, failed.is_empty());
    failed
}
