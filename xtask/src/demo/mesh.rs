//! The demo's mesh: fresh, on free ports, and stopped whatever happens.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::{AIBOM, MESH, aibom, clear, hsm::Token, table::Table};
use crate::{
    root::Root,
    say::say,
    setup::{TRIVY, TRIVY_DB},
};

/// How long the mesh may take to answer, in seconds; `up` itself gives up earlier and says why.
const READY_S: u64 = 600;
/// How often it is looked at, in milliseconds.
const LOOK_EVERY_MS: u64 = 50;

/// A running mesh; dropping it stops it.
pub(super) struct Mesh {
    root: Root,
    up: Option<Child>,
}

#[derive(Deserialize)]
struct State {
    ready: bool,
}

#[derive(Deserialize)]
struct Page {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    updated_at: String,
}

#[derive(Deserialize)]
struct Event {
    job: Option<Job>,
}

/// Milliseconds of the time of day in `YYYY-MM-DDThh:mm:ss.sssZ`, for differences within a day.
fn milliseconds(time: &str) -> Option<u64> {
    let (clock, _) = time.split_once('T')?.1.split_once('Z')?;
    let mut parts = clock.split([':', '.']).map(|part| part.parse::<u64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let (seconds, milliseconds) = (parts.next()??, parts.next()??);
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds)
}

impl Mesh {
    /// An empty place for a mesh; what an earlier demo left is stopped and removed.
    pub(super) fn clean(root: &Root) -> anyhow::Result<Self> {
        let directory = root.join(MESH);
        let mesh = Self { root: root.clone(), up: None };
        // An earlier demo may have been killed.
        mesh.down()?;
        clear(&directory, "certs")?;
        // At once: it marks the directory as one that a demo made.
        let certs = directory.join("certs");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(certs);
        made.context("cannot make the mesh's directory")?;
        Ok(mesh)
    }

    /// Starts the mesh and waits until it answers.
    pub(super) fn start(&mut self, token: Option<&Token>) -> anyhow::Result<()> {
        say("── mesh start");
        let directory = self.root.join(MESH);
        let log_path = directory.join("up.log");
        let log = File::create(&log_path).context("cannot make a log")?;
        let mut up = aibom(&self.root);
        up.args(["up", "--dir", MESH, "--base-port", "0", "--trivy", TRIVY])
            .args(["--trivy-db", TRIVY_DB, "--trivy-db-label", "test subset"])
            // The small database is as old as this repository; the evidence says how old.
            .args(["--trivy-db-max-age-days", "36500"]);
        if let Some(token) = token {
            token.tell(&mut up).args(["--signing-keys", token.uri()]);
        }
        let child = up
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot use a log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {AIBOM}"))?;
        self.up = Some(child);
        self.wait(&directory.join("up.json"), &log_path)?;
        say(fs::read_to_string(&log_path).unwrap_or_default().trim_end());
        Ok(())
    }

    fn wait(&mut self, state: &Path, log: &Path) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let ready = fs::read(state).ok().and_then(|b| serde_json::from_slice::<State>(&b).ok());
            if ready.is_some_and(|state| state.ready) {
                return Ok(());
            }
            let ended = self.up.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() || begun.elapsed() > Duration::from_secs(READY_S) {
                bail!("the mesh does not start:\n{}", fs::read_to_string(log).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
        }
    }

    fn ask(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let profile = self.root.join(MESH).join("mesh.json");
        let output = aibom(&self.root)
            .arg("--mesh")
            .arg(profile)
            .args(["--format", "json"])
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run aibom")?;
        if !output.status.success() {
            bail!("aibom {} ended with {}", arguments.join(" "), output.status);
        }
        Ok(output.stdout)
    }

    /// How long each stage of the newest job took, by the scheduler's clock; gives the job.
    pub(super) fn stages(&self, table: &mut Table) -> anyhow::Result<String> {
        let page: Page = serde_json::from_slice(&self.ask(&["jobs", "list", "--limit", "1"])?)
            .context("cannot read the list of jobs")?;
        let job = page.jobs.into_iter().next().context("the mesh has no job")?.id;
        let mut before: Option<(String, u64)> = None;
        for line in self.ask(&["jobs", "watch", &job])?.split(|b| *b == b'\n') {
            let event = serde_json::from_slice::<Event>(line).ok().and_then(|event| event.job);
            let Some(now) = event.as_ref().and_then(|job| milliseconds(&job.updated_at)) else {
                continue;
            };
            if let Some((state, since)) = before {
                let took = Duration::from_millis(now.saturating_sub(since));
                table.row(&format!("  {state}"), took);
            }
            before = event.map(|job| (job.state, now));
        }
        Ok(job)
    }

    /// Stops the mesh.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        say("── mesh stop");
        self.end()
    }

    fn down(&self) -> anyhow::Result<()> {
        let status = aibom(&self.root).args(["down", "--dir", MESH]).status();
        let status = status.with_context(|| format!("cannot run {AIBOM}"))?;
        if status.success() { Ok(()) } else { bail!("the mesh does not stop ({status})") }
    }

    fn end(&mut self) -> anyhow::Result<()> {
        let Some(mut up) = self.up.take() else { return Ok(()) };
        let stopped = self.down();
        if stopped.is_err() {
            // Its services are stopped by the next 'aibom down'.
            let _ = up.kill();
        }
        up.wait().context("cannot wait for the mesh")?;
        stopped
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            say(format_args!("{error:#}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times_are_read() {
        assert_eq!(milliseconds("2026-11-20T01:02:03.004Z"), Some(3_723_004));
        assert_eq!(milliseconds("yesterday"), None);
    }
}
