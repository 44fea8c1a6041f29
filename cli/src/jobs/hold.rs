//! Why jobs are held: the findings as people and programs read them, and the list for approvers.

use std::path::{Path, PathBuf};

use clap::Args;
use client::{Finding, HeldJob, HoldView, JobView, Review};
use evidence::Level;
use ids::JobId;
use serde::Serialize;

use super::job_id;
use crate::{
    failure::{Exit, Failure},
    profile,
    runtime::block_on,
    terminal::{Style, Terminal, clean},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom jobs held                           what waits for an approver
  aibom jobs held --format json | jq '.jobs[].job.id'
  aibom jobs held 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44
                                            every finding that holds this one
  aibom jobs held --approver bob/mesh.json  with another profile than that of --mesh

Which findings hold a job says the release policy, which the signer evaluates. A held job ends by itself
when nobody releases it in time (UNTIL).";

/// Arguments of `jobs held`.
#[derive(Debug, Args)]
pub(crate) struct HeldArguments {
    /// Why this job is held; all held jobs when it is left out.
    #[arg(value_name = "JOB", value_parser = job_id)]
    job: Option<JobId>,
    #[command(flatten)]
    pub(super) who: Approver,
    /// Most jobs to list.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Goes on after this job: the `next` of the page before.
    #[arg(long, value_name = "JOB")]
    after: Option<String>,
}

/// As whom held jobs are looked at.
#[derive(Debug, Args)]
pub(crate) struct Approver {
    /// The approver's connection profile [default: that of --mesh, with the approver that it names].
    #[arg(long = "approver", value_name = "PROFILE")]
    profile: Option<PathBuf>,
}

impl Approver {
    /// The profile to use where --mesh names `mesh`.
    pub(super) fn profile<'a>(&'a self, mesh: &'a Path) -> &'a Path {
        self.profile.as_deref().unwrap_or(mesh)
    }
}

/// A job for programs, with what holds it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    /// The job.
    #[serde(flatten)]
    pub(crate) job: &'a JobView,
    /// Why it is held, or was until it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<&'a HoldView>,
}

/// Runs `aibom jobs held`.
pub(super) fn held(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &HeldArguments,
) -> Result<Exit, Failure> {
    let mesh = profile::open_as_approver(arguments.who.profile(mesh))?;
    let review = mesh.review();
    let work = async {
        mesh.reach().await?;
        match arguments.job {
            Some(id) => one(terminal, &review, id).await,
            None => list(terminal, &review, arguments).await,
        }
    };
    block_on(work, || "nothing was changed".to_owned())
}

async fn one(terminal: &Terminal, review: &Review, id: JobId) -> Result<Exit, Failure> {
    let hold = review.hold(id).await?;
    if terminal.is_json() {
        terminal.json(&hold)?;
    } else {
        lines(terminal, &hold).iter().try_for_each(|line| terminal.line(line))?;
    }
    Ok(Exit::Done)
}

async fn list(
    terminal: &Terminal,
    review: &Review,
    arguments: &HeldArguments,
) -> Result<Exit, Failure> {
    let page = review.held(arguments.limit, arguments.after.as_deref()).await?;
    if terminal.is_json() {
        terminal.json(&page)?;
        return Ok(Exit::Done);
    }
    let row = |held: &HeldJob| {
        let HeldJob { job, user, findings, held_until, .. } = held;
        let (id, model) = (job.id.to_string(), job.model_name.clone());
        vec![id, model, user.clone(), findings.to_string(), held_until.to_string()]
    };
    let rows: Vec<_> = page.jobs.iter().map(row).collect();
    terminal.table(&["JOB", "MODEL", "USER", "FINDINGS", "UNTIL"], &rows)?;
    if let Some(next) = page.next {
        terminal.say(format_args!("there are more: --after {}", clean(&next)));
    }
    Ok(Exit::Done)
}

/// Every finding, by kind, the worst first.
pub(crate) fn lines(terminal: &Terminal, hold: &HoldView) -> Vec<String> {
    let policy = &hold.policy;
    let mut lines = vec![
        format!("held by   policy {}, version {}", clean(&policy.name), policy.version),
        format!("until     {}", hold.held_until),
        format!("evidence  {}", hold.evidence),
    ];
    let mut kinds: Vec<&str> = hold.findings.iter().map(|found| found.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let mut found: Vec<&Finding> = hold.findings.iter().filter(|f| f.kind == kind).collect();
        found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
        let head = format!("{} ({})", clean(kind), found.len());
        lines.push(terminal.paint(Style::Bold, head));
        for finding in found {
            let severity = format!("{:8}", finding.severity.as_str());
            let severity = terminal.paint(style(finding.severity), severity);
            let (id, subject) = (clean(&finding.id), clean(&finding.subject));
            lines.push(format!("  {severity}  {id}  {subject}"));
            lines.push(format!("            {}", clean(&finding.detail)));
        }
    }
    if hold.more > 0 {
        lines.push(format!("and {} more: a job with so many cannot be released", hold.more));
    }
    lines
}

const fn style(severity: Level) -> Style {
    match severity {
        Level::Critical => Style::Bad,
        Level::High | Level::Medium => Style::Warn,
        Level::Low | Level::Unknown => Style::Dim,
    }
}

/// What a held job's user can do.
pub(crate) fn what_to_do(id: JobId) -> String {
    format!(
        "mend what was found and submit again; or ask an approver, who can let it out:\n  \
         aibom jobs release {id} --reason '…'\n\
         give it up with: aibom jobs cancel {id}"
    )
}

/// Tells that `job` was followed until the policy held it.
pub(crate) fn stopped(
    terminal: &Terminal,
    job: &JobView,
    hold: &HoldView,
) -> Result<Failure, Failure> {
    if terminal.is_json() {
        terminal.json(&Shown { job, hold: Some(hold) })?;
    } else {
        lines(terminal, hold).iter().for_each(|line| terminal.say(line));
    }
    let (id, count) = (job.id, hold.findings.len() as u64 + hold.more);
    let findings = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
    Ok(Failure::held(format_args!("the job {id} is trained, but held for {findings}"))
        .because("nothing is signed, and its files stay in the mesh, while the policy holds it")
        .remedy(what_to_do(id)))
}

#[cfg(test)]
mod tests;
