//! What the container engine has of a job.

use std::process::Command;

use ids::JobId;

use crate::run;

fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    Ok(run::output(Command::new("docker").args(arguments))?.expect(0)?.stdout)
}

/// The ids of all containers of a job, running or not.
///
/// # Errors
/// When the engine does not answer.
pub fn containers(job: JobId) -> anyhow::Result<Vec<String>> {
    let label = format!("label=org.aibom.job={job}");
    let listed = docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &label])?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// The ids of a job's containers that run now.
///
/// # Errors
/// When the engine does not answer.
pub fn running(job: JobId) -> anyhow::Result<Vec<String>> {
    let label = format!("label=org.aibom.job={job}");
    let listed = docker(&["ps", "--quiet", "--no-trunc", "--filter", &label])?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// Every container that the engine ever created for a job since `since` (Unix seconds), from its
/// event log: also those that are gone.
///
/// # Errors
/// When the engine does not answer.
pub fn created_since(job: JobId, since: u64) -> anyhow::Result<usize> {
    let label = format!("label=org.aibom.job={job}");
    let (since, until) = (since.to_string(), (now_s() + 1).to_string());
    let listed = docker(&[
        "events",
        "--since",
        &since,
        "--until",
        &until,
        "--filter",
        &label,
        "--filter",
        "event=create",
        "--format",
        "{{.ID}}",
    ])?;
    Ok(listed.lines().count())
}

/// Seconds since the Unix epoch.
#[must_use]
pub fn now_s() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}
