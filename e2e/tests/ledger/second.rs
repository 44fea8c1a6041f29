//! A second witness of a mesh's log: a process of its own, with a directory of its own.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, place, run, wait};
use serde_json::Value;
use web::{Answer, Client, ClientOptions};

/// The name in its signature lines.
pub(crate) const NAME: &str = "w2.example/second";

/// A witness.
pub(crate) struct Second {
    directory: PathBuf,
    address: String,
    /// Its verifier key.
    pub(crate) key: String,
    process: Option<Child>,
}

impl Second {
    /// Makes one that watches the log of `mesh`; it does not run yet.
    pub(crate) fn init(mesh: &Mesh, directory: &Path) -> anyhow::Result<Self> {
        let mut init = Command::new(place::program("aibom")?);
        init.args(["--format", "json", "witness", "init", "--name", NAME, "--dir"]).arg(directory);
        let made = run::output(&mut init)?.expect(0)?.json()?;
        let key = made["key"].as_str().context("its key")?.to_owned();
        // Free now, and nobody else's while the tests run, as far as the system can help it.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let root = std::fs::read(mesh.trust_root())?;
        let log = evidence::TrustRoot::parse(&root)?.ledger_key;
        let path = directory.join("witness.toml");
        let mut config: toml::Table = std::fs::read_to_string(&path)?.parse()?;
        let table = |name: &str, value: &str| {
            toml::Value::Table([(name.to_owned(), value.into())].into_iter().collect())
        };
        config.insert("log".to_owned(), toml::Value::Array(vec![table("key", &log)]));
        config.insert("server".to_owned(), table("listen", &address));
        std::fs::write(&path, config.to_string())?;
        Ok(Self { directory: directory.to_owned(), address, key, process: None })
    }

    /// Where its key is.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.directory.join("witness.key.pem")
    }

    /// What it remembers.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.join("state.json")
    }

    fn command(&self, what: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(place::program("aibom")?);
        command.args(["--format", "json", "witness", what, "--config"]);
        command.arg(self.directory.join("witness.toml"));
        Ok(command)
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let log = self.directory.join("log");
        let mut serve = self.command("serve")?;
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let process = self.process.insert(serve.spawn()?);
        wait::until("the second witness to listen", 30, || {
            let ended = process.try_wait()?;
            ensure!(ended.is_none(), "it ended: {}", std::fs::read_to_string(&log)?);
            Ok(std::net::TcpStream::connect(&self.address).is_ok().then_some(()))
        })
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Runs it where it is to refuse to start.
    pub(crate) fn refused(&self) -> anyhow::Result<String> {
        Ok(run::output(&mut self.command("serve")?)?.expect(2)?.stderr)
    }

    /// What `aibom witness show` says.
    pub(crate) fn show(&self) -> anyhow::Result<Value> {
        run::output(&mut self.command("show")?)?.expect(0)?.json()
    }

    /// Sends it `body`, as anybody may (C2SP tlog-witness, "add-checkpoint").
    pub(crate) fn ask(&self, body: String) -> anyhow::Result<Answer> {
        let url = format!("http://{}/add-checkpoint", self.address);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = Client::new(ClientOptions::default())?;
        Ok(runtime.block_on(client.post(&url, "text/plain; charset=utf-8", body))?)
    }

    /// Has the ledger of `mesh` ask it, too, and wait for two cosignatures from then on.
    pub(crate) fn join(&self, mesh: &Mesh) -> anyhow::Result<()> {
        let path = mesh.directory().join("config/ledger.toml");
        let mut config: toml::Table = std::fs::read_to_string(&path)?.parse()?;
        let witnesses = config.get_mut("witness").and_then(toml::Value::as_array_mut);
        let members = [("key", self.key.clone()), ("url", format!("http://{}", self.address))];
        let members = members.map(|(name, value)| (name.to_owned(), value.into()));
        let witness = toml::Value::Table(members.into_iter().collect());
        witnesses.context("the mesh's own witness")?.push(witness);
        config.insert("quorum".to_owned(), 2.into());
        std::fs::write(&path, config.to_string())?;
        mesh.kill(ids::Role::Ledger)
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
