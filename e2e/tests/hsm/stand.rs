//! What every test here stands on: the mesh with a token, in turns, and a job in flight.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, entries, grpc::Caller, probe::Probe, run, token::Token, wait};
use evidence::TrustRoot;
use ids::{JobId, Role};
use serde_json::Value;
use testkit::softhsm::SoftHsm;
use tokio::runtime::Runtime;

/// How long the signer, or its agent, may take to be as it should, in seconds.
pub(crate) const SIGNER_S: u64 = 60;
/// How long a job may still wait for its signature when the keys are back, in seconds.
const RETURN_S: u64 = 30;

/// The mesh with a token, for one test at a time.
pub(crate) struct Stand {
    pub(crate) mesh: Mesh,
    pub(crate) token: Token,
    pub(crate) hsm: SoftHsm,
    runtime: Runtime,
    _turn: File,
}

/// The processes of a signer whose keys are in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signer {
    pub(crate) supervisor: i32,
    pub(crate) server: i32,
    /// `None` between the end of one and the start of the next.
    pub(crate) agent: Option<i32>,
}

/// A job that completed, fetched.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) out: PathBuf,
    pub(crate) verdict: Value,
    _folder: tempfile::TempDir,
}

impl Completed {
    /// The id of the key that signed the AIBoM.
    pub(crate) fn key(&self) -> anyhow::Result<&str> {
        self.verdict["signingKey"].as_str().context("a signing key")
    }

    /// The id of the key that a check of the verdict names at its end.
    pub(crate) fn key_of(&self, check: &str) -> anyhow::Result<&str> {
        let checks = self.verdict["checks"].as_array().context("checks")?;
        let found = checks.iter().find(|found| found["name"] == check);
        let detail = found.and_then(|found| found["detail"].as_str());
        let key = detail.and_then(|detail| detail.rsplit(' ').next());
        key.with_context(|| format!("no check {check}: {}", self.verdict))
    }
}

fn children(process: i32) -> anyhow::Result<Vec<i32>> {
    let mut found = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("children"))?;
        for child in text.split_whitespace() {
            found.push(child.parse()?);
        }
    }
    Ok(found)
}

/// Whether the command line of a process has that argument; a process that is gone has none.
fn has_argument(process: i32, argument: &str) -> bool {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|part| part == argument.as_bytes())
}

impl Stand {
    pub(crate) fn open() -> anyhow::Result<Self> {
        Self::of(Mesh::with_token()?)
    }

    /// A mesh with a token for this test alone.
    pub(crate) fn private(name: &str) -> anyhow::Result<Self> {
        Self::of(Mesh::private_with_token(name)?)
    }

    fn of(mesh: Mesh) -> anyhow::Result<Self> {
        let turn = File::create(mesh.directory().join("turn.lock"))?;
        turn.lock()?;
        let token = Token::of(mesh.directory());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let stand = Self { mesh, hsm: token.hsm(), token, runtime, _turn: turn };
        stand.hsm.faults("");
        stand.until_serving(true)?;
        Ok(stand)
    }

    // === The signer ===

    pub(crate) fn signer(&self) -> anyhow::Result<Signer> {
        let supervisor = self.mesh.process(Role::Signer)?;
        let children = children(supervisor)?;
        let role = |name| children.iter().copied().find(|child| has_argument(*child, name));
        let server = role("serve").context("the signer has no server")?;
        Ok(Signer { supervisor, server, agent: role("key-agent") })
    }

    /// Waits for an agent other than that of `before`, under the same server.
    pub(crate) fn next_agent(&self, before: &Signer) -> anyhow::Result<Signer> {
        wait::until("another key agent", SIGNER_S, || {
            let now = self.signer()?;
            self.same_server(before)?;
            Ok(Some(now).filter(|now| now.agent.is_some() && now.agent != before.agent))
        })
    }

    pub(crate) fn same_server(&self, before: &Signer) -> anyhow::Result<()> {
        let now = self.signer()?;
        let same = (now.supervisor, now.server) == (before.supervisor, before.server);
        ensure!(same, "the signer was started again: {before:?}, {now:?}");
        Ok(())
    }

    fn caller(&self, service: Role) -> anyhow::Result<Caller> {
        let _inside = self.runtime.enter();
        Caller::new(&self.mesh.service(service)?, &self.mesh.identity(Role::User)?)
    }

    /// Waits until the signer's health says that.
    pub(crate) fn until_serving(&self, wanted: bool) -> anyhow::Result<()> {
        let caller = self.caller(Role::Signer)?;
        wait::until(&format!("the signer's health to be {wanted}"), SIGNER_S, || {
            let serving = self.runtime.block_on(client::is_serving(caller.channel()));
            Ok((serving.ok() == Some(wanted)).then_some(()))
        })
    }

    /// How long the signer's log is, to look at what comes after.
    pub(crate) fn logged(&self) -> anyhow::Result<usize> {
        Ok(self.mesh.log(Role::Signer)?.len())
    }

    /// Waits until the signer's log says `what`, `times` at least, after its first `from` bytes.
    pub(crate) fn until_log(&self, from: usize, what: &str, times: usize) -> anyhow::Result<()> {
        wait::until(&format!("the signer to log {what:?}"), SIGNER_S, || {
            let log = self.mesh.log(Role::Signer)?;
            let new = log.get(from..).context("the log became shorter")?;
            Ok((new.matches(what).count() >= times).then_some(()))
        })
    }

    // === Jobs ===

    /// How many entries the ledger has of the user's jobs.
    pub(crate) fn entries(&self) -> anyhow::Result<u64> {
        self.runtime.block_on(entries::own(&self.mesh))
    }

    pub(crate) fn submit(&self) -> anyhow::Result<JobId> {
        self.mesh.submit(&Probe::new("ok"))
    }

    /// Waits until the job waits for its signature, and says why.
    pub(crate) fn waits(&self, job: JobId) -> anyhow::Result<String> {
        let job = self.mesh.until(job, |job| {
            job["state"] == "completed"
                || (job["state"] == "signing" && job["reason"] == "STAGE_UNAVAILABLE")
        })?;
        ensure!(job["state"] == "signing", "it was signed: {job}");
        let message = job["message"].as_str().context("a message")?;
        ensure!(message.starts_with("signer: "), "the reason does not name the signer: {job}");
        Ok(message.to_owned())
    }

    /// Submits a job under these faults, and waits until it waits for its signature.
    pub(crate) fn stuck(&self, faults: &str) -> anyhow::Result<JobId> {
        self.hsm.faults(faults);
        let job = self.submit()?;
        let reason = self.waits(job)?;
        ensure!(reason.contains("KEY_UNAVAILABLE"), "{reason}");
        Ok(job)
    }

    /// The job is signed soon after its keys came back, which is now; says how soon.
    pub(crate) fn signed_soon(&self, job: JobId, what: &str) -> anyhow::Result<Duration> {
        let back = Instant::now();
        wait::until("the job to be signed", RETURN_S, || {
            Ok((self.mesh.job(job)?["state"] != "signing").then_some(()))
        })?;
        let waited = back.elapsed();
        println!("{what}: signed {} ms after the return", waited.as_millis());
        Ok(waited)
    }

    /// Waits for the job, fetches it, and verifies it offline with the trust root of now.
    pub(crate) fn completed(&self, job: JobId) -> anyhow::Result<Completed> {
        let ended = self.mesh.finished(job)?;
        ensure!(ended["state"] == "completed", "{ended}");
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("out");
        let fetch = ["fetch", &job.to_string(), "--out", &out.to_string_lossy()];
        self.mesh.run(&fetch)?.expect(0)?;
        let verdict = self.verified(&out)?;
        Ok(Completed { out, verdict, _folder: folder })
    }

    /// As [`Self::completed`], with one entry in a ledger that had `before`.
    pub(crate) fn completed_once(&self, job: JobId, before: u64) -> anyhow::Result<Completed> {
        let completed = self.completed(job)?;
        let entries = self.entries()? - before;
        ensure!(entries == 1, "{entries} ledger entries for one job");
        Ok(completed)
    }

    pub(crate) fn verified(&self, out: &Path) -> anyhow::Result<Value> {
        let verdict = self.mesh.verify(out)?.expect(0)?.json()?;
        ensure!(verdict["verified"] == true, "{verdict}");
        Ok(verdict)
    }

    // === Keys ===

    pub(crate) fn certs(&self) -> PathBuf {
        self.mesh.directory().join("certs")
    }

    pub(crate) fn root(&self) -> anyhow::Result<TrustRoot> {
        Ok(TrustRoot::parse(&std::fs::read(self.mesh.trust_root())?)?)
    }

    /// Runs `aibom keys` on the mesh's directory, and, unless it only lists, the token.
    pub(crate) fn keys(&self, arguments: &[&str]) -> anyhow::Result<run::Output> {
        let mut keys = self.token.aibom()?;
        keys.args(["--format", "json", "keys"]).args(arguments);
        keys.arg("--dir").arg(self.certs());
        run::output(&mut keys)?.expect(0)
    }

    /// What `aibom keys list` says of every key.
    pub(crate) fn listed(&self) -> anyhow::Result<Vec<Value>> {
        let list = self.keys(&["list", "--store", &self.token.uri()])?.json()?;
        list["keys"].as_array().cloned().context("keys")
    }

    /// The id of the key that signs for that use now.
    pub(crate) fn current(&self, usage: &str) -> anyhow::Result<String> {
        let signs = |key: &&Value| key["use"] == usage && key["state"] == "signs";
        let listed = self.listed()?;
        let key = listed.iter().find(signs).with_context(|| format!("no {usage} key signs"))?;
        key["keyId"].as_str().map(str::to_owned).context("a key id")
    }

    /// Makes a new key for that use in the token, and changes the trust root, which is signed at
    /// once or left to the next change.
    pub(crate) fn rotate(&self, usage: &str, sign: bool) -> anyhow::Result<()> {
        let (uri, key) = (self.token.uri(), self.certs().join("root.key.pem"));
        let key = key.to_string_lossy();
        let mut arguments = vec!["rotate", "--use", usage, "--store", &uri];
        if sign {
            arguments.extend(["--root-key", &*key]);
        }
        self.keys(&arguments).map(drop)
    }

    /// Signs the changes that wait with the root key, and puts the new trust root in its place.
    pub(crate) fn install(&self) -> anyhow::Result<()> {
        let (certs, folder) = (self.certs(), tempfile::tempdir()?);
        let (pinned, new) = (self.mesh.trust_root(), folder.path().join("new.json"));
        let mut sign = self.token.aibom()?;
        sign.args(["trust-root", "sign"]).arg(certs.join("trust-root.next.json"));
        sign.arg("--key").arg(certs.join("root.key.pem"));
        sign.arg("--pinned").arg(&pinned).arg("--out").arg(&new);
        run::output(&mut sign)?.expect(0)?;
        let mut update = self.token.aibom()?;
        update.args(["trust-root", "update"]).args([pinned, new]);
        run::output(&mut update)?.expect(0).map(drop)
    }

    pub(crate) fn revoke(&self, key: &str) -> anyhow::Result<()> {
        let root_key = self.certs().join("root.key.pem");
        let root_key = root_key.to_string_lossy();
        let why = ["revoke", key, "--reason", "the test says so", "--root-key", &*root_key];
        self.keys(&why).map(drop)
    }
}
