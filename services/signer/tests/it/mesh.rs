//! A signer of a test mesh on port 0, and clients of every role.

use std::{path::Path, sync::Arc, time::SystemTime};

use evidence::TrustRoot;
use ids::{Role, SpiffeId, Timestamp};
use keys::DirectoryStore;
use proto::signer::v1::{
    AttestRequest, AttestResponse, SignedAibom, attest_response::Outcome,
    signer_service_client::SignerServiceClient,
};
use rpc::{CancellationToken, Channel, ClientConfig, IdentityFiles, MeshIdentity};
use signer::{Config, Deps, Handle};
use testkit::{
    evidence::Fixture,
    mesh::{Party, TRUST_DOMAIN},
};

pub(crate) type Client = SignerServiceClient<Channel>;

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

/// The signed one.
pub(crate) fn signed(answer: AttestResponse) -> SignedAibom {
    match answer.outcome {
        Some(Outcome::Signed(signed)) => signed,
        other => unreachable!("not signed: {other:?}"),
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
    /// Evidence of the recent past, for a signer with a real clock.
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            fixture: Fixture::signed_at(Timestamp::from(SystemTime::now())),
        }
    }

    /// The same mesh with the fixture changed.
    pub(crate) fn with(self, edit: impl FnOnce(Fixture) -> Fixture) -> Self {
        Self { fixture: edit(self.fixture), ..self }
    }

    pub(crate) fn config_with(&self, root: &TrustRoot) -> Config {
        let directory = self.directory.path();
        let mesh = self.fixture.mesh();
        let (keys, trust_root) = (directory.join("keys"), directory.join("trust-root.json"));
        std::fs::create_dir_all(&keys).unwrap();
        for (name, pem) in mesh.signing_keys_pem() {
            keys::write_secret(&keys.join(format!("{name}.key.pem")), &pem).unwrap();
        }
        std::fs::write(&trust_root, mesh.seal_root(root)).unwrap();
        let policy = self.policy_path();
        if !policy.exists() {
            self.write_policy(&self.fixture.policy_bytes());
        }
        let identity = files(directory, &mesh.signer, mesh.ca.certificate_pem());
        let text = format!(
            "state_dir = {:?}\ntrust_root = {trust_root:?}\npolicy = {policy:?}\n[keys]\n\
             directory = {keys:?}\n[identity]\ncertificate = {:?}\nkey = {:?}\nca = {:?}\n",
            directory.join("state"),
            identity.certificate,
            identity.key,
            identity.ca
        );
        let path = directory.join("signer.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap()
    }

    pub(crate) fn policy_path(&self) -> std::path::PathBuf {
        self.directory.path().join("policy/policy.dsse.json")
    }

    /// Puts a policy in place, as a deployment does: another file of the same name.
    pub(crate) fn write_policy(&self, bytes: &[u8]) {
        let path = self.policy_path();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let new = path.with_extension("new");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    /// Puts a trust root in place, of another length than any before: its stamp differs.
    pub(crate) fn write_root(&self, root: &TrustRoot) {
        let path = self.directory.path().join("trust-root.json");
        let mut bytes = self.fixture.mesh().seal_root(root);
        if std::fs::metadata(&path).is_ok_and(|data| data.len() == bytes.len() as u64) {
            bytes.push(b'\n');
        }
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) async fn try_start(&self, root: &TrustRoot) -> anyhow::Result<Running> {
        let shutdown = CancellationToken::new();
        let config = self.config_with(root);
        let store = Arc::new(DirectoryStore::new(self.directory.path().join("keys"), None));
        let handle = signer::start(config, Deps::real(), store, shutdown.clone()).await?;
        Ok(Running { handle, shutdown })
    }

    pub(crate) async fn start(&self) -> Running {
        self.try_start(&self.fixture.trust_root()).await.unwrap()
    }

    pub(crate) fn client(&self, running: &Running, party: &Party) -> Client {
        self.client_at(running.handle.address(), party)
    }

    pub(crate) fn client_at(&self, address: std::net::SocketAddr, party: &Party) -> Client {
        let ca = self.fixture.mesh().ca.certificate_pem();
        let identity = MeshIdentity::load(&files(self.directory.path(), party, ca)).unwrap();
        let server = SpiffeId::new(TRUST_DOMAIN, Role::Signer, "main").unwrap();
        let config = ClientConfig::new(format!("https://{address}"), server);
        SignerServiceClient::new(rpc::connect(&config, Arc::clone(&identity)).unwrap())
            .max_decoding_message_size(rpc::MAX_RESPONSE_BYTES)
    }

    pub(crate) fn scheduler(&self, running: &Running) -> Client {
        self.client(running, &self.fixture.mesh().scheduler)
    }

    pub(crate) fn request(&self) -> AttestRequest {
        AttestRequest { evidence: Some(self.fixture.set().into()) }
    }
}
