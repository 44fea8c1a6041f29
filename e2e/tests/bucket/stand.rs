//! Real ledgers that publish into the bucket, and the real `aibom` that reads it.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::SystemTime,
};

use anyhow::Context as _;
use bundle::TAG_BYTES;
use e2e::{
    grpc::{Caller, Refused},
    place, run, wait,
};
use ids::{Sha256Digest, Timestamp};
use merkle::VerifierKey;
use proto::ledger::v1::{AppendRequest, ledger_service_client::LedgerServiceClient};
use rpc::{ClientConfig, IdentityFiles};
use tempfile::TempDir;
use testkit::mesh::{Mesh, Party, TRUST_DOMAIN};

use crate::server::{Keys, Server};

/// Where the ledgers publish.
pub(crate) const PLACE: &str = "s3://logs/ledger";
/// How long a ledger may take to start, publish or halt, in seconds.
const LEDGER_S: u64 = 60;

/// Identities, a bucket, and a directory for ledgers' states.
pub(crate) struct Stand {
    pub(crate) server: Server,
    mesh: Mesh,
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

/// A running ledger, killed when this is dropped.
pub(crate) struct Ledger {
    process: Child,
    caller: Caller,
}

impl Ledger {
    /// Waits until it ended of itself.
    pub(crate) fn until_ended(&mut self) -> anyhow::Result<()> {
        wait::until("the ledger to end", LEDGER_S, || Ok(self.process.try_wait()?.map(drop)))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

impl Stand {
    pub(crate) fn new() -> anyhow::Result<Self> {
        rpc::install_crypto();
        let (server, folder) = (Server::start(&[])?, tempfile::tempdir()?);
        let mesh = Mesh::new("mesh", Timestamp::from(SystemTime::now()));
        let runtime = tokio::runtime::Runtime::new()?;
        let stand = Self { server, mesh, folder, runtime };
        std::fs::write(stand.path("ca.pem"), stand.mesh.ca.certificate_pem())?;
        for party in [&stand.mesh.ledger, &stand.mesh.scheduler] {
            let files = stand.files(party);
            std::fs::write(&files.certificate, &party.certificate_pem)?;
            keys::write_secret(&files.key, &party.key_pem)?;
        }
        let key = keys::generate_ed25519(&stand.mesh.ledger_key().to_bytes()).context("a key")?;
        keys::write_secret(&stand.path("checkpoint.key.pem"), &key)?;
        Ok(stand)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn files(&self, party: &Party) -> IdentityFiles {
        let role = party.id.role();
        let path = |what: &str| self.path(&format!("{role}.{what}.pem"));
        IdentityFiles { certificate: path("crt"), key: path("key"), ca: self.path("ca.pem") }
    }

    /// A ledger over the state in the directory `state`, with these keys to the bucket; not started.
    pub(crate) fn program(&self, state: &str, keys: &Keys, port: u16) -> anyhow::Result<Command> {
        let IdentityFiles { certificate, key, ca } = self.files(&self.mesh.ledger);
        let config = format!(
            "state_dir = {:?}\nkey = {:?}\ntiles = {PLACE:?}\npublish_every_ms = 10\n\
             [server]\nlisten = \"127.0.0.1:{port}\"\n\
             [identity]\ncertificate = {certificate:?}\nkey = {key:?}\nca = {ca:?}\n",
            self.path(state),
            self.path("checkpoint.key.pem"),
        );
        let path = self.path(&format!("{state}.toml"));
        std::fs::write(&path, config)?;
        let mut program = Command::new(place::program("aibom-ledger")?);
        program.arg("--config").arg(path);
        self.server.admit(&mut program, keys);
        Ok(program)
    }

    /// Starts one and waits until it serves.
    pub(crate) fn start(&self, state: &str, keys: &Keys) -> anyhow::Result<Ledger> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut program = self.program(state, keys, port)?;
        let log = std::fs::File::create(self.log_path(state))?;
        program.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let service =
            ClientConfig::new(format!("https://127.0.0.1:{port}"), self.mesh.ledger.id.clone());
        let caller = {
            let _inside = self.runtime.enter();
            Caller::new(&service, &self.files(&self.mesh.scheduler))?
        };
        let process = program.spawn().context("cannot start the ledger")?;
        let mut ledger = Ledger { process, caller };
        wait::until("the ledger to serve", LEDGER_S, || {
            let ended = ledger.process.try_wait()?;
            anyhow::ensure!(ended.is_none(), "it ended: {}", self.log(state)?);
            let serving = self.runtime.block_on(client::is_serving(ledger.caller.channel()));
            Ok((serving.ok() == Some(true)).then_some(()))
        })?;
        Ok(ledger)
    }

    fn log_path(&self, state: &str) -> PathBuf {
        self.path(&format!("{state}.log"))
    }

    pub(crate) fn log(&self, state: &str) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.log_path(state))?)
    }

    /// Waits until a ledger's log says `what`.
    pub(crate) fn until_log(&self, state: &str, what: &str) -> anyhow::Result<()> {
        wait::until(&format!("the log to say {what:?}"), LEDGER_S, || {
            Ok(self.log(state)?.contains(what).then_some(()))
        })
    }

    /// Appends the entry of that name.
    pub(crate) fn append(&self, ledger: &Ledger, name: &str) -> Result<(), Refused> {
        let commitment = Sha256Digest::of(name.as_bytes()).as_bytes().to_vec();
        let mut client = LedgerServiceClient::new(ledger.caller.channel());
        let request = AppendRequest { commitment, tag: vec![7; TAG_BYTES] };
        self.runtime.block_on(client.append(request)).map(drop).map_err(Refused::from)
    }

    /// Runs `aibom ledger WHAT` on the bucket with these keys, pinned to the ledger's key.
    pub(crate) fn aibom(&self, what: &str, keys: &Keys) -> anyhow::Result<run::Output> {
        let origin = format!("{TRUST_DOMAIN}/ledger");
        let key = VerifierKey::new(&origin, self.mesh.ledger_key().verifying_key())?;
        let mut aibom = Command::new(place::program("aibom")?);
        aibom.args(["ledger", what, PLACE, "--format", "json", "--key", &key.to_string()]);
        self.server.admit(&mut aibom, keys);
        run::output(&mut aibom)
    }

    /// Waits until so many entries are published, and has all of them checked.
    pub(crate) fn until_published(&self, entries: u64) -> anyhow::Result<()> {
        wait::until(&format!("{entries} entries to be published"), LEDGER_S, || {
            let checked = self.aibom("fsck", &self.server.reader)?;
            Ok((checked.is(0) && checked.json()?["entries"] == entries).then_some(()))
        })
    }
}

/// Copies a state directory.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    run::output(Command::new("cp").arg("-a").arg(from).arg(to))?.expect(0)?;
    Ok(())
}
