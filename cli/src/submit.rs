//! `aibom submit`: from a job file to a signed request, and on to the verified AIBoM.

mod file;
pub(crate) mod follow;
mod inputs;
pub(crate) mod progress;
mod request;
mod suggestion;

use std::path::{Path, PathBuf};

use clap::Args;
use client::{JobView, Mesh, SubmissionEntry, Submissions, sign_request, submissions_path};
use evidence::Document;
use follow::Until;
use ids::JobId;
use job::JobState;
use uuid::Uuid;

use crate::{
    certs::now,
    failure::{Exit, Failure},
    fetch,
    jobs::hold,
    profile,
    runtime::block_on,
    terminal::{Style, Terminal, clean},
};

const EXAMPLES: &str = "\
Examples:
  aibom submit job.yaml                       prints the job and returns at once
  aibom submit job.yaml --wait                follows it to its end; exit code 1 unless completed,
                                              4 when the release policy holds it
  aibom submit job.yaml --wait --out wine     and fetches and verifies everything it left
  aibom submit job.yaml --idempotency-key $(uuidgen)
                                              may be repeated after a lost connection

A job file (paths begin at the file's directory):
  trainer: keras                # or {name: keras, image: \"sha256:…\"}
  task: classification          # or regression
  inputs: {model: model.keras, dataset: data.csv, definition: definition.yaml}
  parameters: {epochs: 30, batch_size: 16, validation_split: 0.2, seed: 1}
                                # also initial_epoch, steps_per_epoch, validation_steps, validation_freq
  model:                        # everything below may be left out
    name: wine                  # also version, description, author, type, licence, intended_use,
    users: wine researchers     #   out_of_scope, misuse, users, limitations, trade_offs, security_policy
    base_model: {name: ResNet50, source: https://…, version: 2, sha256: …, derivation: lora}
    ethical_risks: [{name: …, mitigation: …}]
    fairness: [{group: …, benefits: …, harms: …, mitigation: …}]
    compliance: [{standard: …, statement: …}]
  dataset:
    name: UCI Wine              # also version, description, licence, source, provenance, classification
    sensitive_data: none        # also owners, custodians, stewards: a text, or a list of texts
  resources: {cpus: 2, memory_mib: 2048, pids: 256, wall_clock_s: 600, output_mib: 64, gpus: 0}
  aibom: {cyclonedx: 1.7, licence: CC0-1.0, tlp: green}";

/// Submits a training job.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SubmitArguments {
    /// The job file, YAML.
    #[arg(value_name = "JOB.YAML")]
    file: PathBuf,
    /// Follows the job to its end, or until the release policy holds it.
    #[arg(long)]
    wait: bool,
    /// Fetches everything that the job left into this new directory, and verifies it.
    #[arg(long, value_name = "DIR", requires = "wait")]
    out: Option<PathBuf>,
    /// Makes the same request again the same job.
    #[arg(long, value_name = "UUID")]
    idempotency_key: Option<Uuid>,
}

/// Runs `aibom submit`.
pub(crate) fn submit(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &SubmitArguments,
) -> Result<Exit, Failure> {
    // Everything that can be refused here is refused before anything is sent.
    let job_file = file::read(&arguments.file)?;
    let inputs = inputs::prepare(&arguments.file, &job_file.inputs)?;
    if let Some(out) = arguments.out.as_deref().filter(|out| out.symlink_metadata().is_ok()) {
        return Err(Failure::cannot(format_args!("{} exists already", out.display()))
            .remedy("name a directory that does not exist"));
    }
    let mesh = profile::open(mesh)?;
    let submitted = std::sync::OnceLock::<JobId>::new();
    let work = async {
        mesh.reach().await?;
        let job = send(terminal, &mesh, job_file, &inputs, arguments.idempotency_key).await?;
        let _ = submitted.set(job.id);
        if !arguments.wait {
            return announce(terminal, &job);
        }
        let job = follow::follow(terminal, &mesh.jobs(), job.id, Until::Decided).await?;
        end(terminal, &mesh, &job, arguments.out.as_deref()).await
    };
    block_on(work, || match submitted.get() {
        Some(id) => format!(
            "the job {id} goes on\n  follow it: aibom jobs watch {id}\n  stop it:   aibom jobs cancel {id}"
        ),
        None => "nothing was submitted".to_owned(),
    })
}

async fn send(
    terminal: &Terminal,
    mesh: &Mesh,
    job_file: file::JobFile,
    inputs: &inputs::Prepared,
    key: Option<Uuid>,
) -> Result<JobView, Failure> {
    let jobs = mesh.jobs();
    let trainer = request::trainer(&job_file.trainer, &jobs).await?;
    inputs::upload(terminal, &mesh.artifacts(), inputs).await?;
    let spec = request::specification(job_file, trainer, inputs)?;
    let key = key.unwrap_or_else(Uuid::new_v4);
    let document = sign_request(mesh.identity(), spec, key, now()).map_err(|error| {
        Failure::refused("the job cannot be requested")
            .caused_by(&error)
            .remedy("correct the job file")
    })?;
    write_down(mesh, &document, key)?;
    let submitted = jobs.submit(&document).await?;
    if submitted.existed {
        terminal
            .say(format_args!("this request was submitted before, as job {}", submitted.job.id));
    }
    Ok(submitted.job)
}

/// Writes the request down before it leaves: by that, 'aibom ledger monitor' knows it as made here.
fn write_down(mesh: &Mesh, document: &Document, idempotency_key: Uuid) -> Result<(), Failure> {
    let entry = SubmissionEntry { request: document.digest(), idempotency_key, at: now() };
    submissions_path(&mesh.profile().trust_domain, |name| std::env::var_os(name))
        .and_then(|path| Submissions::append(&path, &entry))
        .map_err(|error| {
            Failure::cannot("the submission cannot be written down, so it was not sent")
                .caused_by(&error)
                .remedy("mend the file, or name another place for it with XDG_STATE_HOME")
        })
}

fn announce(terminal: &Terminal, job: &JobView) -> Result<Exit, Failure> {
    if terminal.is_json() {
        terminal.json(job)?;
    } else {
        terminal.line(job.id)?;
        terminal.say(format_args!("follow it with: aibom jobs watch {}", job.id));
    }
    Ok(Exit::Done)
}

async fn end(
    terminal: &Terminal,
    mesh: &Mesh,
    job: &JobView,
    out: Option<&Path>,
) -> Result<Exit, Failure> {
    if job.state == JobState::Held {
        let hold = mesh.review().hold(job.id).await?;
        return Err(hold::stopped(terminal, job, &hold)?);
    }
    if job.state != JobState::Completed {
        if terminal.is_json() {
            terminal.json(job)?;
        }
        return Err(follow::unhappy(job));
    }
    match out {
        Some(out) => {
            let fetched = fetch::into_directory(terminal, mesh, job, out).await?;
            fetch::report(terminal, &fetched)?;
        }
        None if terminal.is_json() => terminal.json(job)?,
        None => {
            let word = terminal.paint(Style::Good, "completed");
            terminal.line(format_args!(
                "{word}  job {}, model {}",
                job.id,
                clean(&job.model_name)
            ))?;
            terminal.say(format_args!("fetch it with: aibom fetch {} --out DIR", job.id));
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
