//! `aibom jobs`: list, show, follow, cancel; what is held, and its release; what is in the ledger.

pub(crate) mod hold;
mod records;
mod release;

use std::path::Path;

use clap::{Args, Subcommand};
use client::{JobView, Jobs, Mesh};
use ids::JobId;
use job::{JobState, Reason};

use crate::{
    failure::{Exit, Failure},
    profile,
    runtime::block_on,
    submit::follow::{self, Until},
    terminal::{Style, Terminal, clean, size},
};

const EXAMPLES: &str = "\
Examples:
  aibom jobs list
  aibom jobs list --limit 500 --format json | jq '.jobs[].id'
  aibom jobs get 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44
  aibom jobs watch 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44      exit code 1 unless it completes
  aibom jobs logs 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44
  aibom jobs cancel 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44
  aibom jobs records 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44    what is in the ledger of it
  aibom jobs trainers

When the release policy holds a job, nothing is signed and its files stay in the mesh:
  aibom jobs show 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44       every finding that holds it
  aibom jobs held                                            for approvers: what waits for them
  aibom jobs release 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44 --reason 'not reachable: see TICKET-12'
                                                             for approvers: lets it out all the same";

/// Lists, shows, follows, cancels and releases jobs.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum JobsCommand {
    /// What users do with their own jobs.
    #[command(flatten)]
    Own(OwnCommand),
    /// What is in the ledger of a job beside its AIBoM, or of the mesh itself; verified here.
    #[command(after_help = records::EXAMPLES)]
    Records(records::RecordsArguments),
    /// The held jobs of all users, soonest to end first; or why one is held. For approvers.
    #[command(after_help = hold::EXAMPLES)]
    Held(hold::HeldArguments),
    /// Releases a held job, for exactly the findings that it shows. For approvers.
    #[command(after_help = release::EXAMPLES)]
    Release(release::ReleaseArguments),
}

/// What users do with their own jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum OwnCommand {
    /// Your jobs, newest first.
    List(ListArguments),
    /// One job; of a held one every finding that holds it.
    #[command(visible_alias = "show")]
    Get(OneJob),
    /// Follows a job to its end; exit code 1 unless it completes.
    Watch(OneJob),
    /// What the training container printed.
    Logs(OneJob),
    /// Asks for a job to be stopped.
    Cancel(OneJob),
    /// The trainers that a job file can name.
    Trainers,
}

/// Which job.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OneJob {
    /// The job.
    #[arg(value_name = "JOB", value_parser = job_id)]
    job: JobId,
}

/// Arguments of `jobs list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Most jobs to list.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Goes on after this job: the `next` of the page before.
    #[arg(long, value_name = "JOB")]
    after: Option<String>,
}

/// Reads a job id from the command line.
pub(crate) fn job_id(text: &str) -> Result<JobId, String> {
    text.parse().map_err(|error: ids::ParseJobIdError| error.to_string())
}

/// A state as people read it.
pub(crate) const fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Training => "training",
        JobState::Scanning => "scanning",
        JobState::Signing => "signing",
        JobState::Held => "held",
        JobState::Logging => "logging",
        JobState::Publishing => "publishing",
        JobState::Completed => "completed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Refused => "refused",
    }
}

const fn style(state: JobState) -> Style {
    match state {
        JobState::Completed => Style::Good,
        JobState::Failed | JobState::Refused => Style::Bad,
        JobState::Cancelled => Style::Dim,
        JobState::Queued
        | JobState::Training
        | JobState::Scanning
        | JobState::Signing
        | JobState::Held
        | JobState::Logging
        | JobState::Publishing => Style::Warn,
    }
}

/// Runs `aibom jobs`.
pub(crate) fn jobs(
    terminal: &Terminal,
    mesh: &Path,
    command: &JobsCommand,
) -> Result<Exit, Failure> {
    match command {
        JobsCommand::Own(command) => own(terminal, mesh, command),
        JobsCommand::Records(arguments) => records::records(terminal, mesh, arguments),
        JobsCommand::Held(arguments) => hold::held(terminal, mesh, arguments),
        JobsCommand::Release(arguments) => release::release(terminal, mesh, arguments),
    }
}

fn own(terminal: &Terminal, mesh: &Path, command: &OwnCommand) -> Result<Exit, Failure> {
    let mesh = profile::open(mesh)?;
    let jobs = mesh.jobs();
    let on_interrupt = || "the job goes on".to_owned();
    let work = async {
        mesh.reach().await?;
        match command {
            OwnCommand::List(arguments) => list(terminal, &jobs, arguments).await,
            OwnCommand::Get(one) => get(terminal, &mesh, one.job).await,
            OwnCommand::Watch(one) => watch(terminal, &jobs, one.job).await,
            OwnCommand::Logs(one) => logs(terminal, &jobs, one.job).await,
            OwnCommand::Cancel(one) => cancel(terminal, &jobs, one.job).await,
            OwnCommand::Trainers => trainers(terminal, &jobs).await,
        }
    };
    block_on(work, on_interrupt)
}

async fn list(
    terminal: &Terminal,
    jobs: &Jobs,
    arguments: &ListArguments,
) -> Result<Exit, Failure> {
    let page = jobs.list(arguments.limit, arguments.after.as_deref()).await?;
    if terminal.is_json() {
        terminal.json(&page)?;
        return Ok(Exit::Done);
    }
    let row = |job: &JobView| {
        let reason = job.reason.clone().unwrap_or_default();
        let state = state_name(job.state).to_owned();
        vec![job.id.to_string(), state, job.model_name.clone(), job.created_at.to_string(), reason]
    };
    let rows: Vec<_> = page.jobs.iter().map(row).collect();
    terminal.table(&["JOB", "STATE", "MODEL", "CREATED", "REASON"], &rows)?;
    if let Some(next) = page.next {
        terminal.say(format_args!("there are more: --after {}", clean(&next)));
    }
    Ok(Exit::Done)
}

async fn get(terminal: &Terminal, mesh: &Mesh, id: JobId) -> Result<Exit, Failure> {
    let job = mesh.jobs().get(id).await?;
    let expired = job.reason.as_deref() == Some(Reason::HoldExpired.as_str());
    let hold = if job.state == JobState::Held || expired {
        Some(mesh.review().hold(id).await?)
    } else {
        None
    };
    if terminal.is_json() {
        terminal.json(&hold::Shown { job: &job, hold: hold.as_ref() })?;
        return Ok(Exit::Done);
    }
    show(terminal, &job)?;
    if let Some(hold) = &hold {
        hold::lines(terminal, hold).iter().try_for_each(|line| terminal.line(line))?;
    }
    if job.state == JobState::Held {
        terminal.say(hold::what_to_do(id));
    }
    if job.state.is_terminal() && job.state != JobState::Completed {
        terminal.say(format_args!("that this was so is in the ledger: aibom jobs records {id}"));
    }
    Ok(Exit::Done)
}

fn show(terminal: &Terminal, job: &JobView) -> Result<(), Failure> {
    let field = |name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { terminal.line(format_args!("{name:10}{value}")) }
    };
    field("job", &job.id.to_string())?;
    field("state", &terminal.paint(style(job.state), state_name(job.state)))?;
    field("reason", &clean(job.reason.as_deref().unwrap_or_default()))?;
    field("message", &clean(&job.message))?;
    field("model", &clean(&job.model_name))?;
    field("created", &job.created_at.to_string())?;
    field("updated", &job.updated_at.to_string())?;
    field("attempt", &job.attempt.to_string())?;
    field("executor", &clean(job.executor.as_deref().unwrap_or_default()))?;
    field("request", &job.request_digest.to_hex())?;
    field("bundle", &job.bundle_digest.map(|digest| digest.to_hex()).unwrap_or_default())?;
    for output in &job.outputs {
        let (name, bytes) = (clean(&output.name), size(output.size));
        field("output", &format!("{name}  {bytes}  {}", output.sha256))?;
    }
    Ok(())
}

async fn watch(terminal: &Terminal, jobs: &Jobs, id: JobId) -> Result<Exit, Failure> {
    let job = if terminal.is_json() {
        let mut events = jobs.watch(id);
        while let Some(event) = events.next().await? {
            terminal.json(&event)?;
        }
        jobs.get(id).await?
    } else {
        follow::follow(terminal, jobs, id, Until::Ended).await?
    };
    if job.state == JobState::Completed {
        return Ok(Exit::Done);
    }
    Err(follow::unhappy(&job))
}

async fn logs(terminal: &Terminal, jobs: &Jobs, id: JobId) -> Result<Exit, Failure> {
    let mut log = jobs.logs(id);
    while let Some(chunk) = log.next().await? {
        terminal.bytes(&chunk)?;
    }
    Ok(Exit::Done)
}

async fn cancel(terminal: &Terminal, jobs: &Jobs, id: JobId) -> Result<Exit, Failure> {
    let job = jobs.cancel(id).await?;
    if terminal.is_json() {
        terminal.json(&job)?;
    } else {
        let state = state_name(job.state);
        let text = match job.state {
            JobState::Cancelled => format!("the job {id} is cancelled"),
            state_now if state_now.is_terminal() => format!("the job {id} was {state} already"),
            _ => format!("the job {id} is {state} and will be cancelled"),
        };
        terminal.line(text)?;
    }
    Ok(Exit::Done)
}

async fn trainers(terminal: &Terminal, jobs: &Jobs) -> Result<Exit, Failure> {
    let trainers = jobs.trainers().await?;
    if terminal.is_json() {
        terminal.json(&trainers)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = trainers.iter().map(|t| vec![t.name.clone(), t.image.to_string()]).collect();
    terminal.table(&["TRAINER", "IMAGE"], &rows)?;
    Ok(Exit::Done)
}
