//! A ledger of a test mesh on port 0, and clients of every role.

use std::{path::Path, sync::Arc, time::SystemTime};

use ids::{Role, SpiffeId, Timestamp};
use ledger::{Config, Deps, Handle};
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use rpc::{CancellationToken, Channel, ClientConfig, IdentityFiles, MeshIdentity};
use testkit::mesh::{Mesh, Party, TRUST_DOMAIN};

pub(crate) type Client = LedgerServiceClient<Channel>;

pub(crate) struct TestMesh {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) mesh: Mesh,
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
        let directory = tempfile::tempdir().unwrap();
        let mesh = Mesh::new("mesh", Timestamp::from(SystemTime::now()));
        Self { directory, mesh }
    }

    pub(crate) fn config(&self) -> Config {
        let directory = self.directory.path();
        let key = directory.join("ledger-sign.key");
        let pem = keys::generate_ed25519(&self.mesh.ledger_key().to_bytes()).unwrap();
        keys::write_secret(&key, &pem).unwrap();
        let identity = files(directory, &self.mesh.ledger, self.mesh.ca.certificate_pem());
        let text = format!(
            "state_dir = {:?}\nkey = {key:?}\n[identity]\ncertificate = {:?}\nkey = {:?}\nca = {:?}\n",
            directory.join("state"),
            identity.certificate,
            identity.key,
            identity.ca
        );
        let path = directory.join("ledger.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap()
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_with(self.config()).await
    }

    pub(crate) async fn start_with(&self, config: Config) -> Running {
        let shutdown = CancellationToken::new();
        let handle = ledger::start(config, Deps::real(), shutdown.clone()).await.unwrap();
        Running { handle, shutdown }
    }

    pub(crate) fn client(&self, running: &Running, party: &Party) -> Client {
        let files = files(self.directory.path(), party, self.mesh.ca.certificate_pem());
        let identity = MeshIdentity::load(&files).unwrap();
        let server = SpiffeId::new(TRUST_DOMAIN, Role::Ledger, "main").unwrap();
        let config = ClientConfig::new(format!("https://{}", running.handle.address()), server);
        LedgerServiceClient::new(rpc::connect(&config, Arc::clone(&identity)).unwrap())
    }

    pub(crate) fn scheduler(&self, running: &Running) -> Client {
        self.client(running, &self.mesh.scheduler)
    }
}
