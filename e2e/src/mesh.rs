//! A running mesh as tests see it: its directory, its identities, and the `aibom` command on it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context as _, ensure};
use ids::{JobId, Role, SpiffeId};
use rpc::{ClientConfig, IdentityFiles};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    keeper::{Guard, Keys, Order, hold},
    place,
    probe::Probe,
    run::{self, Output},
    wait,
};

/// How long the shared mesh outlives its last user, in milliseconds: the pause between two tests.
const GRACE_MS: u64 = 5_000;
/// Jobs that a mesh runs at once: a job that misbehaves must not keep the others waiting.
const SLOTS: u32 = 2;
/// How long any job of these tests may take, in seconds.
const JOB_S: u64 = 240;
/// The command's exit code when nobody answers.
const UNREACHABLE: i32 = 3;

/// A running mesh; it stops after its last user.
#[derive(Debug)]
pub struct Mesh {
    guard: Guard,
    directory: PathBuf,
}

impl Mesh {
    /// The mesh that all tests share which leave it as they found it.
    ///
    /// # Errors
    /// When it does not start, or something is missing (`cargo xtask setup`).
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: OnceLock<Result<Mesh, String>> = OnceLock::new();
        let open = || Self::open("shared", GRACE_MS, Keys::Files);
        let open = || open().map_err(|error| format!("{error:#}"));
        SHARED.get_or_init(open).as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// The mesh whose signing keys are in a token; tests of it take turns, and leave it working.
    ///
    /// # Errors
    /// As [`Self::shared`].
    pub fn with_token() -> anyhow::Result<Self> {
        Self::open("token", GRACE_MS, Keys::Token)
    }

    /// A mesh for one test alone.
    ///
    /// # Errors
    /// As [`Self::shared`].
    pub fn private(name: &str) -> anyhow::Result<Self> {
        Self::open(name, 0, Keys::Files)
    }

    /// As [`Self::private`], with the signing keys in a token.
    ///
    /// # Errors
    /// As [`Self::shared`].
    pub fn private_with_token(name: &str) -> anyhow::Result<Self> {
        Self::open(name, 0, Keys::Token)
    }

    fn open(name: &str, grace_ms: u64, keys: Keys) -> anyhow::Result<Self> {
        rpc::install_crypto();
        let order = Order { directory: place::work()?.join(name), grace_ms, slots: SLOTS, keys };
        let directory = order.mesh();
        Ok(Self { guard: hold(order)?, directory })
    }

    /// Stops the mesh, when nobody else uses it, and waits until it is gone. Its files stay.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(self) -> anyhow::Result<()> {
        self.guard.stop()
    }

    /// Where everything of it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The connection profile.
    #[must_use]
    pub fn profile(&self) -> PathBuf {
        self.directory.join("mesh.json")
    }

    /// What verifiers pin.
    #[must_use]
    pub fn trust_root(&self) -> PathBuf {
        self.directory.join("certs/trust-root.json")
    }

    /// Where what was submitted is written down: below the mesh, not in the tester's own home.
    fn home(&self) -> PathBuf {
        self.directory.join("state")
    }

    /// The `aibom` command on this mesh.
    ///
    /// # Errors
    /// When it was not built.
    pub fn aibom(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(place::program("aibom")?);
        command.env("XDG_STATE_HOME", self.home());
        command.env_remove("AIBOM_MESH").arg("--mesh").arg(self.profile()).args(arguments);
        Ok(command)
    }

    /// Runs the `aibom` command on this mesh.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        run::output(&mut self.aibom(arguments)?)
    }

    /// Runs `aibom verify` against this mesh's trust root.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn verify(&self, bundle: &Path) -> anyhow::Result<Output> {
        let mut verify = Command::new(place::program("aibom")?);
        verify.args(["--format", "json", "verify"]).arg(bundle);
        verify.arg("--trust-root").arg(self.trust_root());
        run::output(&mut verify)
    }

    // === Jobs ===

    /// Submits a probe; gives its job at once.
    ///
    /// # Errors
    /// When it is refused.
    pub fn submit(&self, probe: &Probe) -> anyhow::Result<JobId> {
        self.submit_from(probe, &self.home())
    }

    /// As [`Self::submit`], from the machine that keeps its state in `home`.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn submit_from(&self, probe: &Probe, home: &Path) -> anyhow::Result<JobId> {
        let job = probe.write(&self.directory.join("jobs").join(&probe.mark))?;
        let mut submit = self.aibom(&["--format", "json", "submit", &job.to_string_lossy()])?;
        let submitted = run::output(submit.env("XDG_STATE_HOME", home))?;
        let id = &submitted.expect(0)?.json()?["id"];
        Ok(id.as_str().context("the answer names the job")?.parse()?)
    }

    /// A job as it stands, in the JSON form of the command.
    ///
    /// # Errors
    /// When there is none.
    pub fn job(&self, id: JobId) -> anyhow::Result<Value> {
        self.get(id)?.expect(0)?.json()
    }

    fn get(&self, id: JobId) -> anyhow::Result<run::Output> {
        self.run(&["--format", "json", "jobs", "get", &id.to_string()])
    }

    /// Waits for a job's terminal state.
    ///
    /// # Errors
    /// When it reaches none in time.
    pub fn finished(&self, id: JobId) -> anyhow::Result<Value> {
        let terminal = ["completed", "failed", "cancelled", "refused"];
        self.until(id, |job| terminal.iter().any(|state| job["state"] == *state))
    }

    /// Waits until a job is as `wanted`.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn until(&self, id: JobId, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        let looked = wait::until("the job to get where it should", JOB_S, || {
            let got = self.get(id)?;
            // A scheduler that was killed is there before it listens.
            if got.is(UNREACHABLE) {
                return Ok(None);
            }
            last = got.expect(0)?.json()?;
            Ok(wanted(&last).then(|| last.clone()))
        });
        looked.with_context(|| format!("the job is {last}"))
    }

    /// A directory that `make` fills once for all tests of this mesh.
    ///
    /// # Errors
    /// When `make` fails.
    pub fn fixture(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let folder = self.directory.join("fixtures");
        std::fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join(format!("{name}.lock")))?;
        lock.lock()?;
        let (done, part) = (folder.join(name), folder.join(format!("{name}.part")));
        if !done.is_dir() {
            let _ = std::fs::remove_dir_all(&part);
            std::fs::create_dir(&part)?;
            make(&part).with_context(|| format!("the fixture {name}"))?;
            std::fs::rename(&part, &done)?;
        }
        Ok(done)
    }

    /// Two runs of examples/wine: `one` and `two`, each with what the command said beside it.
    ///
    /// # Errors
    /// When a run does not complete.
    pub fn wine(&self) -> anyhow::Result<PathBuf> {
        self.fixture("wine", |folder| {
            let job = place::repository()?.join("examples/wine/job.yaml");
            for name in ["one", "two"] {
                let out = folder.join(name);
                let (job, out) = (job.to_string_lossy(), out.to_string_lossy());
                let said = self.run(&["submit", &job, "--wait", "--out", &out])?.expect(0)?;
                std::fs::write(folder.join(format!("{name}.stdout")), said.stdout)?;
                std::fs::write(folder.join(format!("{name}.stderr")), said.stderr)?;
            }
            Ok(())
        })
    }

    /// The fetched directory of a probe job that behaved; another one for each name.
    ///
    /// # Errors
    /// When the job does not complete.
    pub fn completed_probe(&self, name: &str) -> anyhow::Result<PathBuf> {
        let made = self.fixture(name, |folder| {
            let job = self.submit(&Probe::new("ok"))?;
            let ended = self.finished(job)?;
            ensure!(ended["state"] == "completed", "the job ended as {ended}");
            let out = folder.join("out");
            self.run(&["fetch", &job.to_string(), "--out", &out.to_string_lossy()])?.expect(0)?;
            Ok(())
        })?;
        Ok(made.join("out"))
    }

    // === Services ===

    fn config(&self, role: Role) -> anyhow::Result<toml::Table> {
        let path = self.directory.join("config").join(format!("{role}.toml"));
        Ok(std::fs::read_to_string(&path)?.parse()?)
    }

    /// Where a service answers, and as whom.
    ///
    /// # Errors
    /// When its configuration does not say.
    pub fn service(&self, role: Role) -> anyhow::Result<ClientConfig> {
        let config = self.config(role)?;
        let listen = config["server"]["listen"].as_str().context("server.listen")?;
        Ok(ClientConfig::new(format!("https://{listen}"), self.id(role)?))
    }

    /// The identity of a party that `aibom up` made.
    ///
    /// # Errors
    /// Never for a role.
    pub fn id(&self, role: Role) -> anyhow::Result<SpiffeId> {
        let person = matches!(role, Role::User | Role::Approver);
        let name = if person { "local".to_owned() } else { format!("{role}-1") };
        Ok(SpiffeId::new("mesh.local", role, &name)?)
    }

    /// The real certificate and key of a party that `aibom up` made.
    ///
    /// # Errors
    /// Never for a role.
    pub fn identity(&self, role: Role) -> anyhow::Result<IdentityFiles> {
        let id = self.id(role)?;
        Ok(identity_files(&self.directory.join("certs/identities"), role, id.name()))
    }

    /// Has the mesh's CA issue another identity, as its operator would.
    ///
    /// # Errors
    /// When it cannot be issued.
    pub fn issue(&self, role: Role, name: &str) -> anyhow::Result<IdentityFiles> {
        issue(&self.directory.join("certs"), role, name, &self.directory.join("issued"))
    }

    /// The log of a service, as far as it is written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn log(&self, role: Role) -> anyhow::Result<String> {
        let path = self.directory.join("logs").join(format!("{role}.log"));
        Ok(String::from_utf8_lossy(&std::fs::read(&path)?).into_owned())
    }

    /// The process of a service now.
    ///
    /// # Errors
    /// When `aibom up` does not say.
    pub fn process(&self, role: Role) -> anyhow::Result<i32> {
        let state: Value = serde_json::from_slice(&std::fs::read(self.directory.join("up.json"))?)?;
        let services = state["services"].as_array().context("services")?;
        let service = services.iter().find(|service| service["name"] == role.as_str());
        let pid = service.and_then(|service| service["pid"].as_i64()).context("a process")?;
        Ok(i32::try_from(pid)?)
    }

    fn signal(&self, role: Role, signal: Signal) -> anyhow::Result<i32> {
        let process = self.process(role)?;
        kill_process(Pid::from_raw(process).context("a process id")?, signal)?;
        Ok(process)
    }

    /// Stops a service in its tracks (SIGSTOP): whoever waits for it goes on waiting.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self, role: Role) -> anyhow::Result<()> {
        self.signal(role, Signal::STOP).map(drop)
    }

    /// Lets a frozen service go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&self, role: Role) -> anyhow::Result<()> {
        self.signal(role, Signal::CONT).map(drop)
    }

    /// Kills a service with SIGKILL; `aibom up` starts it again, which this waits for.
    ///
    /// # Errors
    /// When it is not started again.
    pub fn kill(&self, role: Role) -> anyhow::Result<()> {
        let before = self.signal(role, Signal::KILL)?;
        wait::until(&format!("{role} to be started again"), 60, || {
            Ok(self.process(role).ok().filter(|now| *now != before).map(drop))
        })
    }
}

/// The files of an identity as `aibom certs issue` names them.
#[must_use]
pub fn identity_files(folder: &Path, role: Role, name: &str) -> IdentityFiles {
    IdentityFiles {
        certificate: folder.join(format!("{role}-{name}.pem")),
        key: folder.join(format!("{role}-{name}.key.pem")),
        ca: folder.join("ca.pem"),
    }
}

/// Issues an identity from the CA in `certs` into `out`.
///
/// # Errors
/// When it cannot be issued.
pub fn issue(certs: &Path, role: Role, name: &str, out: &Path) -> anyhow::Result<IdentityFiles> {
    let mut issue = Command::new(place::program("aibom")?);
    issue.args(["certs", "issue", "--dir"]).arg(certs);
    issue.args(["--role", role.as_str(), "--name", name, "--out"]).arg(out);
    run::output(&mut issue)?.expect(0)?;
    Ok(identity_files(out, role, name))
}
