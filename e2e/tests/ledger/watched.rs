//! A mesh whose user watches the log, and whose log has a second witness that somebody else runs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, probe::Probe, run::Output, wait};
use ids::{JobId, Role};
use merkle::SignedCheckpoint;
use serde_json::Value;
use witness::request_body;

use super::{
    copy,
    forged::Forged,
    second::{NAME, Second},
    tiles,
};

/// The name of the mesh's own witness.
const OWN: &str = "mesh.local/witness";

/// The mesh, its user's monitor, and the other witness.
struct Scene {
    mesh: Mesh,
    second: Second,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> anyhow::Result<Self> {
        let mesh = Mesh::private("ledger-watched")?;
        let folder = tempfile::tempdir()?;
        let second = Second::init(&mesh, &folder.path().join("second"))?;
        Ok(Self { mesh, second, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One round of the user's monitor over the files in `log`.
    fn monitor(&self, log: &Path, state: &str, format: &str) -> anyhow::Result<Output> {
        let (log, state) = (log.to_string_lossy(), self.path(state));
        let (root, state) = (self.mesh.trust_root(), state.to_string_lossy());
        let root = root.to_string_lossy();
        let watched = ["--format", format, "ledger", "monitor", &log, "--trust-root", &root];
        self.mesh.run(&[&watched[..], &["--state", &state, "--once", "--mine"]].concat())
    }

    /// The alerts that a round over `log` raises, in both formats; the state is that of before.
    fn alerts(&self, log: &Path) -> anyhow::Result<(String, Vec<Value>)> {
        std::fs::copy(self.path("state"), self.path("state-json"))?;
        let json = self.monitor(log, "state-json", "json")?.expect(1)?;
        let lines = json.stdout.lines().map(serde_json::from_str);
        let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
        let alerts = lines.into_iter().filter(|line| !line["alert"].is_null()).collect();
        Ok((self.monitor(log, "state", "text")?.expect(1)?.stdout, alerts))
    }

    fn log(&self) -> PathBuf {
        tiles(&self.mesh).into()
    }

    /// Fetches a completed job, and waits until its entry is published; gives its bundle.
    fn published(&self, job: JobId) -> anyhow::Result<Value> {
        let ended = self.mesh.finished(job)?;
        ensure!(ended["state"] == "completed", "{ended}");
        let out = self.path(&job.to_string());
        let (id, out_text) = (job.to_string(), out.to_string_lossy());
        self.mesh.run(&["fetch", &id, "--out", &out_text])?.expect(0)?;
        let bundle = out.join("bundle.aibom.json");
        self.mesh.verify(&bundle)?.expect(0)?;
        let (log, root) = (tiles(&self.mesh), self.mesh.trust_root());
        let (path, root) = (bundle.to_string_lossy(), root.to_string_lossy());
        wait::until("the job's entry to be published", 60, || {
            let prove = ["ledger", "prove", &log, "--trust-root", &root, "--bundle", &path];
            Ok((self.mesh.run(&prove)?.code == Some(0)).then_some(()))
        })?;
        Ok(serde_json::from_slice(&std::fs::read(&bundle)?)?)
    }

    /// Has the trust root changed, as its keepers do: `aibom trust-root` with the root key.
    fn trust_root(&self, change: &[&str]) -> anyhow::Result<()> {
        let certs = self.mesh.directory().join("certs");
        let key = certs.join("root.key.pem");
        let (certs, key) = (certs.to_string_lossy(), key.to_string_lossy());
        let end = ["--dir", &certs, "--root-key", &key];
        self.mesh.run(&[&["trust-root"], change, &end].concat())?.expect(0).map(drop)
    }
}

/// Who cosigned the checkpoint that proves a bundle's entry.
fn cosigners(bundle: &Value) -> anyhow::Result<Vec<String>> {
    let proof = bundle["inclusion"]["proof"].as_str().context("a proof")?;
    let proof: merkle::TlogProof = merkle::TlogProof::parse(proof)?;
    let note = SignedCheckpoint::parse(&proof.checkpoint)?;
    let lines = note.signatures().iter().skip(1);
    Ok(lines.map(|line| line.name.clone()).collect())
}

#[test]
fn a_log_is_watched_by_its_user_and_by_a_witness_that_somebody_else_runs() -> anyhow::Result<()> {
    let mut scene = Scene::new()?;
    what_was_submitted_here_is_known(&scene)?;
    a_second_witness_joins(&mut scene)?;
    what_somebody_else_submits_is_an_alert(&scene)?;
    a_job_waits_for_the_witness_that_is_away(&mut scene)?;
    other_histories_are_an_alert(&scene)?;
    a_witness_cosigns_one_history(&mut scene)?;
    scene.second.kill()?;
    scene.mesh.stop()
}

fn what_was_submitted_here_is_known(scene: &Scene) -> anyhow::Result<()> {
    let bundle = scene.published(scene.mesh.submit(&Probe::new("ok"))?)?;
    ensure!(cosigners(&bundle)? == [OWN], "{bundle}");
    let quiet = scene.monitor(&scene.log(), "state", "text")?.expect(0)?;
    ensure!(!quiet.stdout.contains("ALERT") && quiet.stderr.is_empty(), "{quiet:?}");
    Ok(())
}

/// First the trust root, then the ledger, then the quorum: nothing is refused meanwhile.
fn a_second_witness_joins(scene: &mut Scene) -> anyhow::Result<()> {
    scene.second.start()?;
    let key = scene.second.key.clone();
    scene.trust_root(&["add-witness", &key])?;
    scene.second.join(&scene.mesh)?;
    scene.trust_root(&["set-quorum", "2"])
}

/// Somebody has the user's certificate, and submits from another machine.
fn what_somebody_else_submits_is_an_alert(scene: &Scene) -> anyhow::Result<()> {
    let job = scene.mesh.submit_from(&Probe::new("ok"), &scene.path("elsewhere"))?;
    let bundle = scene.published(job)?;
    ensure!(cosigners(&bundle)? == [OWN, NAME], "two cosigned: {bundle}");
    let (text, alerts) = scene.alerts(&scene.log())?;
    let [alert] = &*alerts else { anyhow::bail!("one alert: {alerts:?}") };
    ensure!(alert["alert"] == "not-mine" && alert["origin"]["job"] == job.to_string(), "{alert}");
    let index = alert["index"].as_u64().context("which entry")?;
    let told = format!("ALERT not-mine  entry {index} of ");
    ensure!(text.contains(&told) && text.contains(&job.to_string()), "{text}");
    ensure!(text.contains("docs/runbooks/log-alert.md#not-mine"), "{text}");
    // The entry is told once.
    scene.monitor(&scene.log(), "state", "text")?.expect(0)?;
    copy(&scene.log(), &scene.path("old"))
}

fn a_job_waits_for_the_witness_that_is_away(scene: &mut Scene) -> anyhow::Result<()> {
    scene.second.kill()?;
    let job = scene.mesh.submit(&Probe::new("ok"))?;
    let waits = scene.mesh.until(job, |job| {
        let message = job["message"].as_str().unwrap_or_default();
        job["state"] == "logging" && message.contains("WITNESSES_AWAY")
    })?;
    let message = waits["message"].as_str().unwrap_or_default();
    ensure!(message.contains(NAME) && !message.contains(OWN), "who is missing? {message}");
    let shown = scene.mesh.run(&["jobs", "get", &job.to_string()])?.expect(0)?.stdout;
    ensure!(shown.contains("logging") && shown.contains(NAME), "{shown}");
    let log = scene.mesh.log(Role::Ledger)?;
    let named = log.lines().any(|line| line.contains("no cosignature") && line.contains(NAME));
    ensure!(named, "the ledger does not say who is missing: {log}");
    // What counts already is served and watched all the same.
    scene.monitor(&scene.log(), "state", "text")?.expect(0)?;
    scene.second.start()?;
    let bundle = scene.published(job)?;
    ensure!(cosigners(&bundle)? == [OWN, NAME], "two cosigned: {bundle}");
    scene.monitor(&scene.log(), "state", "text")?.expect(0).map(drop)
}

/// The files that are served are exchanged for others that the log, and all witnesses, signed.
fn other_histories_are_an_alert(scene: &Scene) -> anyhow::Result<()> {
    let own = scene.mesh.directory().join("certs/witness.key.pem");
    let witnesses = [(OWN, &*own), (NAME, &*scene.second.key_file())];
    Forged::of(&scene.mesh, &scene.log())?.publish(&scene.path("forged"), &witnesses)?;
    for (files, word) in [("old", "rolled-back"), ("forged", "forked")] {
        let (text, alerts) = scene.alerts(&scene.path(files))?;
        let [alert] = &*alerts else { anyhow::bail!("one alert: {alerts:?}") };
        ensure!(
            alert["alert"] == word && text.contains(&format!("ALERT {word}")),
            "{alert} {text}"
        );
        for note in ["ours", "theirs"] {
            let note = alert[note].as_str().context("both notes are in the alert")?;
            SignedCheckpoint::parse(note)?;
        }
    }
    // Neither is believed: the state is of the true log still.
    scene.monitor(&scene.log(), "state", "text")?.expect(0).map(drop)
}

/// It refuses another history, and a state that is not its own; one that cosigned another history
/// stops the ledger.
fn a_witness_cosigns_one_history(scene: &mut Scene) -> anyhow::Result<()> {
    let forged = Forged::of(&scene.mesh, &scene.log())?;
    let asked = |old| Ok::<_, anyhow::Error>(request_body(old, &[], &forged.note()?));
    let refused = scene.second.ask(asked(forged.size())?)?;
    ensure!(refused.status == 409, "{refused:?}");
    let shown = scene.second.show()?;
    let evidence = shown["evidence"][0].as_str().context("it keeps both notes")?;
    ensure!(evidence.starts_with("fork-"), "{shown}");

    scene.second.kill()?;
    let state = scene.mesh.directory().join("data/witness/state.json");
    std::fs::copy(state, scene.second.state())?;
    let said = scene.second.refused()?;
    ensure!(said.contains("it is the state of the witness mesh.local/witness"), "{said}");

    let key: merkle::CosignerKey = scene.second.key.parse()?;
    std::fs::write(scene.second.state(), witness::State::new().to_bytes(&key)?)?;
    scene.second.start()?;
    let cosigned = scene.second.ask(asked(0)?)?;
    ensure!(cosigned.status == 200, "it knows no other: {cosigned:?}");
    let job = scene.mesh.submit(&Probe::new("ok"))?;
    // The ledger ends, and does not start again; the job waits for whoever mends it.
    wait::until("the ledger to refuse to start", 120, || {
        let why = format!("aibom-ledger: the witness {NAME} has cosigned other entries");
        Ok(scene.mesh.log(Role::Ledger)?.contains(&why).then_some(()))
    })?;
    scene.mesh.until(job, |job| job["state"] == "logging" && job["reason"] != Value::Null)?;
    Ok(())
}
