//! The place of a run: a temporary directory, the identities of a mesh, and server processes.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use ids::{SpiffeId, Timestamp};
use rpc::{Channel, ClientConfig, IdentityFiles, MeshIdentity};
use tempfile::TempDir;
use testkit::mesh::{Mesh, Party};
use tokio::process::{Child, Command};

/// How long a server may take until it answers, in milliseconds.
const START_MS: u64 = 15_000;
/// How long to wait between two tries to reach a starting server, in milliseconds.
const LOOK_AGAIN_MS: u64 = 20;

/// Everything of a run that must be gone after it.
pub(crate) struct Site {
    directory: TempDir,
    pub(crate) mesh: Arc<Mesh>,
}

/// A server process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    url: String,
    spiffe_id: SpiffeId,
    caller: IdentityFiles,
}

/// What is started, as whom, and who calls it.
pub(crate) struct Program<'a> {
    pub(crate) binary: &'a Path,
    /// The last one; the configuration file follows.
    pub(crate) arguments: &'a [&'a str],
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
    pub(crate) identity: &'a Party,
    pub(crate) caller: &'a Party,
}

impl Site {
    /// A place in `base`, which is made where it is missing.
    pub(crate) fn new(base: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(base).with_context(|| format!("cannot make {}", base.display()))?;
        let directory = tempfile::Builder::new().prefix("work-").tempdir_in(base)?;
        let now = Timestamp::from(std::time::SystemTime::now());
        let site = Self { directory, mesh: Arc::new(Mesh::new("loadtest", now)) };
        std::fs::write(site.path("ca.pem"), site.mesh.ca.certificate_pem())?;
        site.write_identity(&site.mesh.user)?;
        site.write_identity(&site.mesh.scheduler)?;
        site.write_identity(&site.mesh.signer)?;
        Ok(site)
    }

    /// A path in the place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn files(&self, party: &Party) -> IdentityFiles {
        let role = party.id.role();
        IdentityFiles {
            certificate: self.path(&format!("{role}.crt.pem")),
            key: self.path(&format!("{role}.key.pem")),
            ca: self.path("ca.pem"),
        }
    }

    fn write_identity(&self, party: &Party) -> anyhow::Result<()> {
        let files = self.files(party);
        std::fs::write(&files.certificate, &party.certificate_pem)?;
        keys::write_secret(&files.key, &party.key_pem)?;
        Ok(())
    }

    /// The part of a configuration that all servers share: where they listen, and as whom.
    pub(crate) fn common(&self, party: &Party, port: u16) -> String {
        let IdentityFiles { certificate, key, ca } = self.files(party);
        format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\ndrain_ms = 200\n\
             [identity]\ncertificate = {certificate:?}\nkey = {key:?}\nca = {ca:?}\n",
        )
    }

    /// Starts the real scheduler with empty state in the directory `name`.
    pub(crate) async fn scheduler(&self, binary: &Path, name: &str) -> anyhow::Result<Server> {
        let home = self.path(name);
        std::fs::create_dir_all(&home)?;
        let port = free_port()?;
        let peers = ["scanner", "signer", "ledger"].map(|role| {
            let id = format!("spiffe://{}/{role}/main", testkit::mesh::TRUST_DOMAIN);
            format!("[{role}]\nurl = \"https://127.0.0.1:1\"\nspiffe_id = \"{id}\"\n")
        });
        // Rounds leave more jobs queued than a mesh would: only the bounds on them are raised.
        let config = format!(
            "state_dir = {:?}\n{}[artifacts]\nurl = {:?}\nstaging_dir = {:?}\n\
             [schedule]\nmax_live = 10000000\nmax_live_per_user = 10000000\n{}",
            home.join("state"),
            self.common(&self.mesh.scheduler, port),
            home.join("artifacts"),
            home.join("staging"),
            peers.concat(),
        );
        self.start(&self.scheduling(binary, &["--config"]), &home, &config, port).await
    }

    /// Starts the echo: this program, as a process of its own.
    pub(crate) async fn echo(&self) -> anyhow::Result<Server> {
        let home = self.path("echo");
        std::fs::create_dir_all(&home)?;
        let port = free_port()?;
        let binary = std::env::current_exe()?;
        let program = self.scheduling(&binary, &["echo-server", "--config"]);
        self.start(&program, &home, &self.common(&self.mesh.scheduler, port), port).await
    }

    /// A program that is the scheduler to its user.
    fn scheduling<'a>(&'a self, binary: &'a Path, arguments: &'a [&'a str]) -> Program<'a> {
        let (identity, caller) = (&self.mesh.scheduler, &self.mesh.user);
        Program { binary, arguments, environment: Vec::new(), identity, caller }
    }

    /// Starts a program with this configuration in `home`, and waits until it serves.
    pub(crate) async fn start(
        &self,
        program: &Program<'_>,
        home: &Path,
        config: &str,
        port: u16,
    ) -> anyhow::Result<Server> {
        let (path, log) = (home.join("config.toml"), home.join("log"));
        std::fs::write(&path, config)?;
        let binary = program.binary;
        let child = Command::new(binary)
            .args(program.arguments)
            .envs(program.environment.iter().cloned())
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let spiffe_id = program.identity.id.clone();
        let url = format!("https://127.0.0.1:{port}");
        let caller = self.files(program.caller);
        let mut server = Server { child, url, spiffe_id, caller };
        self.wait_for(&mut server).await.with_context(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{} does not serve; it said:\n{said}", binary.display())
        })?;
        Ok(server)
    }

    async fn wait_for(&self, server: &mut Server) -> anyhow::Result<()> {
        let until = Instant::now() + Duration::from_millis(START_MS);
        loop {
            let Err(status) = self.channel(server)?.probe().await else { return Ok(()) };
            if let Some(ended) = server.child.try_wait()? {
                anyhow::bail!("it ended: {ended}");
            }
            anyhow::ensure!(Instant::now() < until, rpc::describe(&status));
            tokio::time::sleep(Duration::from_millis(LOOK_AGAIN_MS)).await;
        }
    }

    /// One connection to `server`, as who calls it; made at its first call.
    pub(crate) fn channel(&self, server: &Server) -> anyhow::Result<Channel> {
        let identity: Arc<MeshIdentity> = MeshIdentity::load(&server.caller)?;
        let config = ClientConfig::new(&server.url, server.spiffe_id.clone());
        Ok(rpc::connect(&config, identity)?)
    }
}

impl Server {
    /// Processor seconds of the process so far.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        crate::cpu::seconds(self.pid()?)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Ends it and waits until it is gone.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The release build of a service: built by cargo when cargo runs this program, else the file beside
/// it.
pub(crate) async fn service_binary(service: &str) -> anyhow::Result<PathBuf> {
    let name = format!("aibom-{service}");
    let beside = std::env::current_exe()?.with_file_name(&name);
    if let Some(cargo) = std::env::var_os("CARGO") {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--release", "-p", service, "--bin", &name])
            .args(["--manifest-path", manifest])
            .kill_on_drop(true)
            .status()
            .await?;
        anyhow::ensure!(status.success(), "cannot build {name}");
    }
    anyhow::ensure!(
        beside.is_file(),
        "{} is missing: cargo build --release -p {service}",
        beside.display()
    );
    Ok(beside)
}
