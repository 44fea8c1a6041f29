//! A service dies at a bad moment: the job still reaches exactly one terminal state, with one ledger
//! entry, and nothing of the attempt that was cut off stays behind.

use anyhow::{Context as _, ensure};
use e2e::{Mesh, engine, entries, probe::Probe, wait};
use ids::{JobId, Role};
use serde_json::Value;

/// A mesh of one test's own, whose leases are short: a dead executor is noticed sooner.
fn mesh(name: &str) -> anyhow::Result<Mesh> {
    let mesh = Mesh::private(name)?;
    let path = mesh.directory().join("config/scheduler.toml");
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, text + "\n[schedule]\nlease_ttl_ms = 5000\n")?;
    mesh.kill(Role::Scheduler)?;
    wait::until("the scheduler to answer again", 60, || {
        Ok(mesh.run(&["jobs", "list"])?.is(0).then_some(()))
    })?;
    Ok(mesh)
}

/// The transitions of a job: numbered without gaps, one terminal state, at the end.
fn one_end(mesh: &Mesh, job: JobId) -> anyhow::Result<Vec<String>> {
    let said = mesh.run(&["--format", "json", "jobs", "watch", &job.to_string()])?;
    let mut states = Vec::new();
    for line in said.stdout.lines() {
        let event: Value = serde_json::from_str(line)?;
        if event["event"] == "transition" {
            ensure!(event["sequence"] == states.len() + 1, "a gap: {}", said.stdout);
            states.push(event["job"]["state"].as_str().context("a state")?.to_owned());
        }
    }
    let terminal = ["completed", "failed", "cancelled", "refused"];
    let ends = states.iter().filter(|state| terminal.contains(&state.as_str())).count();
    ensure!(ends == 1, "{ends} terminal states: {states:?}");
    Ok(states)
}

fn is_clean(mesh: &Mesh, job: JobId) -> anyhow::Result<()> {
    wait::until("the job's containers to be gone", 60, || {
        Ok(engine::containers(job)?.is_empty().then_some(()))
    })?;
    let work = mesh.directory().join("data/executor/work");
    wait::until("the job's directory to be gone", 60, || {
        let mut left = false;
        for entry in std::fs::read_dir(&work)? {
            left |= entry?.file_name().to_string_lossy().contains(&job.to_string());
        }
        Ok((!left).then_some(()))
    })
}

/// Completed once, logged once, verified, cleaned up.
async fn completed_once(mesh: &Mesh, job: JobId, before: u64) -> anyhow::Result<Value> {
    let ended = mesh.finished(job)?;
    ensure!(ended["state"] == "completed", "{ended}");
    one_end(mesh, job)?;
    let entries = entries::own(mesh).await? - before;
    let records = entries::records(mesh, job)?;
    ensure!(records.is_empty(), "a completed job has records: {records:?}");
    ensure!(entries == 1, "{entries} ledger entries for one job");
    is_clean(mesh, job)?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    mesh.run(&["fetch", &job.to_string(), "--out", &out.to_string_lossy()])?.expect(0)?;
    Ok(ended)
}

fn wait_running(job: JobId) -> anyhow::Result<()> {
    wait::until(
        "the container to run",
        60,
        || Ok((!engine::running(job)?.is_empty()).then_some(())),
    )
}

/// A stage after training, and the service that it waits for.
const STAGES: [(&str, Role); 3] =
    [("scanning", Role::Scanner), ("signing", Role::Signer), ("logging", Role::Ledger)];

/// Submits a job that gets as far as `stage` and waits there for a frozen service.
fn stuck(mesh: &Mesh, (stage, service): (&str, Role)) -> anyhow::Result<JobId> {
    mesh.freeze(service)?;
    let job = mesh.submit(&Probe::new("ok"))?;
    mesh.until(job, |job| job["state"] == stage)?;
    Ok(job)
}

#[tokio::test]
async fn a_scheduler_that_dies_loses_no_job() -> anyhow::Result<()> {
    let mesh = mesh("scheduler-dies")?;
    // Just after it said that it has the job.
    let before = entries::own(&mesh).await?;
    let job = mesh.submit(&Probe::new("ok"))?;
    mesh.kill(Role::Scheduler)?;
    completed_once(&mesh, job, before).await?;
    // While a container runs: the executor goes on and reports to the new one.
    let before = entries::own(&mesh).await?;
    let job = mesh.submit(&Probe::new("slow"))?;
    wait_running(job)?;
    mesh.kill(Role::Scheduler)?;
    let ended = completed_once(&mesh, job, before).await?;
    ensure!(ended["attempt"] == 1, "the training that went on was thrown away: {ended}");
    Ok(())
}

#[tokio::test]
async fn a_scheduler_that_dies_in_a_stage_repeats_it_to_the_same_end() -> anyhow::Result<()> {
    let mesh = mesh("scheduler-dies-in-a-stage")?;
    for (stage, service) in STAGES {
        let before = entries::own(&mesh).await?;
        let job = stuck(&mesh, (stage, service))?;
        mesh.kill(Role::Scheduler)?;
        // The service now answers the old call, which nobody waits for, and the new one.
        mesh.thaw(service)?;
        completed_once(&mesh, job, before).await.context(stage)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_executor_that_dies_leaves_nothing_and_its_job_runs_again() -> anyhow::Result<()> {
    let mesh = mesh("executor-dies")?;
    let before = entries::own(&mesh).await?;
    let job = mesh.submit(&Probe::new("slow"))?;
    wait_running(job)?;
    let first = engine::containers(job)?;
    mesh.kill(Role::Executor)?;
    wait::until("the orphaned container to be removed", 60, || {
        let now = engine::containers(job)?;
        Ok((!first.iter().any(|id| now.contains(id))).then_some(()))
    })?;
    let ended = completed_once(&mesh, job, before).await?;
    // At least: a machine under load may lose the short lease of this mesh once more.
    let attempts = ended["attempt"].as_u64().context("an attempt")?;
    ensure!(attempts >= 2, "it was not tried again: {ended}");
    Ok(())
}

#[tokio::test]
async fn a_signer_scanner_or_ledger_that_dies_is_waited_for() -> anyhow::Result<()> {
    let mesh = mesh("stage-dies")?;
    for (stage, service) in STAGES {
        let before = entries::own(&mesh).await?;
        let job = stuck(&mesh, (stage, service))?;
        mesh.kill(service)?;
        completed_once(&mesh, job, before).await.context(stage)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_cancelled_job_stays_cancelled_when_services_die() -> anyhow::Result<()> {
    let mesh = mesh("cancelled-and-dies")?;
    let before = entries::own(&mesh).await?;
    let job = mesh.submit(&Probe::new("sleep"))?;
    wait_running(job)?;
    mesh.run(&["jobs", "cancel", &job.to_string()])?.expect(0)?;
    mesh.kill(Role::Executor)?;
    mesh.kill(Role::Scheduler)?;
    let ended = mesh.finished(job)?;
    ensure!(ended["state"] == "cancelled", "{ended}");
    let states = one_end(&mesh, job)?;
    ensure!(!states.iter().any(|state| state == "completed"), "{states:?}");
    is_clean(&mesh, job)?;
    let records = entries::records(&mesh, job)?;
    let outcomes: Vec<_> = records.iter().map(|record| &record["about"]["outcome"]).collect();
    ensure!(outcomes == ["cancelled"], "{records:?}");
    let entries = entries::own(&mesh).await? - before;
    ensure!(entries == 1, "{entries} ledger entries for one cancelled job");
    Ok(())
}
