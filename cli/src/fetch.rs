//! `aibom fetch`: everything that a completed job left, in one directory, verified.

pub(crate) mod layout;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use ::verify::{Verdict, verify_bundle};
use clap::Args;
use client::{JobView, Mesh};
use ids::{JobId, Sha256Digest};
use job::JobState;
use serde::Serialize;

use crate::{
    certs::write_public,
    failure::{Exit, Failure},
    profile,
    runtime::block_on,
    submit::progress::Bars,
    terminal::{Style, Terminal, size},
    verify::{BUNDLE_FILE, examine},
};

const EXAMPLES: &str = "\
Examples:
  aibom fetch 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44 --out wine

It writes:
  bundle.aibom.json                the self-contained bundle
  trust-root.json                  the mesh's trust root, from the connection profile
  aibom.cdx.json                   the AIBoM, the exact signed bytes (CycloneDX)
  artifacts/inputs/, outputs/      what went in and what came out
  signatures/                      the signature for Sigstore tools, and the platform's key
  evidence/                        what each party signed
  ledger/                          the leaf, its C2SP tlog-proof, and what the leaf commits to

Every byte is hashed and compared, and the bundle is verified, before the directory appears.";

/// Fetches everything that a completed job left, and verifies it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FetchArguments {
    /// The job.
    #[arg(value_name = "JOB", value_parser = crate::jobs::job_id)]
    job: JobId,
    /// The directory to make; it must not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What was fetched.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fetched {
    job: JobId,
    directory: PathBuf,
    bundle: Sha256Digest,
    bundle_bytes: u64,
    files: usize,
    checks: usize,
    verification_us: u128,
}

/// Runs `aibom fetch`.
pub(crate) fn fetch(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &FetchArguments,
) -> Result<Exit, Failure> {
    let mesh = profile::open(mesh)?;
    let on_interrupt = || "nothing was left behind; fetch again when you like".to_owned();
    block_on(
        async {
            mesh.reach().await?;
            let job = mesh.jobs().get(arguments.job).await?;
            let fetched = into_directory(terminal, &mesh, &job, &arguments.out).await?;
            report(terminal, &fetched)?;
            Ok(Exit::Done)
        },
        on_interrupt,
    )
}

/// Says what was fetched.
pub(crate) fn report(terminal: &Terminal, fetched: &Fetched) -> Result<(), Failure> {
    if terminal.is_json() {
        return terminal.json(fetched);
    }
    let word = terminal.paint(Style::Good, "VERIFIED");
    let (directory, bytes) = (fetched.directory.display(), size(fetched.bundle_bytes));
    let (files, checks) = (fetched.files, fetched.checks);
    terminal.line(format_args!(
        "{word}  {directory}: {files} files, bundle of {bytes}, {checks} checks held"
    ))
}

/// A directory that goes away unless it is kept.
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What cannot be removed is left with a name that says what it is.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

fn temporary(out: &Path) -> Result<Temporary, Failure> {
    let shown = out.display();
    if out.symlink_metadata().is_ok() {
        return Err(Failure::cannot(format_args!("{shown} exists already"))
            .remedy("name a directory that does not exist, or move the old one away"));
    }
    let name = out.file_name().ok_or_else(|| {
        Failure::cannot(format_args!("{shown} has no name")).remedy("name a new directory")
    })?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", std::process::id()));
    let path = out.with_file_name(part);
    for folder in ["artifacts/inputs", "artifacts/outputs", "signatures", "evidence", "ledger"] {
        std::fs::create_dir_all(path.join(folder)).map_err(|error| {
            Failure::cannot(format_args!("cannot make {}", path.display())).because(error)
        })?;
    }
    Ok(Temporary(Some(path)))
}

/// Fetches `job` into the new directory `out`, and verifies it before it appears.
pub(crate) async fn into_directory(
    terminal: &Terminal,
    mesh: &Mesh,
    job: &JobView,
    out: &Path,
) -> Result<Fetched, Failure> {
    let digest = match (job.state, job.bundle_digest) {
        (JobState::Completed, Some(digest)) => digest,
        (state, _) => return Err(nothing_to_fetch(job, state)),
    };
    let root = profile::trust_root(&mesh.profile().trust_root)?;
    let artifacts = mesh.artifacts();
    let bundle = artifacts.document(digest).await?;
    let begun = Instant::now();
    let verdict = verify_bundle(&bundle, &root.0);
    let verification_us = begun.elapsed().as_micros();
    let subject = subject(&verdict, job)?;

    let named = layout::artifacts(subject.files())
        .map_err(|error| Failure::refused("the job's files cannot be fetched").because(error))?;
    let derived = layout::derived(subject, &root.0, &bundle)
        .map_err(|error| Failure::refused("the bundle cannot be unpacked").caused_by(&error))?;
    let mut temporary = temporary(out)?;
    let part = temporary.0.clone().unwrap_or_default();
    let bars = Bars::new(terminal);
    for (name, recorded) in &named {
        let bar = bars.bytes(name, recorded.size);
        let path = part.join(name);
        let digests = artifacts
            .download(recorded.sha256, &path, &|done| bar.set_position(done))
            .await
            .map_err(|error| Failure::from(error).about(name))?;
        let length = std::fs::metadata(&path).map(|m| m.len()).unwrap_or_default();
        recorded.matches(&digests, length).map_err(|why| {
            Failure::refused(format_args!("{name} is not the job's")).because(why)
        })?;
        bar.finish();
    }
    bars.clear();
    write_public(&part.join(BUNDLE_FILE), &bundle)?;
    write_public(&part.join(layout::TRUST_ROOT_FILE), &root.1)?;
    for (name, bytes) in &derived {
        write_public(&part.join(name), bytes)?;
    }
    let report = examine(&part, &root, &[])?;
    if !report.verified {
        return Err(Failure::refused("what was written does not verify")
            .because(report.failed.join(", "))
            .remedy("check the disk; nothing was kept"));
    }
    std::fs::rename(&part, out).map_err(|error| {
        Failure::cannot(format_args!("cannot make {}", out.display())).because(error)
    })?;
    temporary.0 = None;
    Ok(Fetched {
        job: job.id,
        directory: out.to_owned(),
        bundle: digest,
        bundle_bytes: bundle.len() as u64,
        files: named.len() + derived.len() + 2,
        checks: report.checks.len(),
        verification_us,
    })
}

fn nothing_to_fetch(job: &JobView, state: JobState) -> Failure {
    let failure = Failure::refused(format_args!("the job {} has left nothing to fetch", job.id));
    let name = crate::jobs::state_name(state);
    if state == JobState::Held {
        failure
            .because(format_args!("it is held, and its files stay in the mesh: {}", job.message))
            .remedy(format_args!("see why, and what to do: aibom jobs show {}", job.id))
    } else if state.is_terminal() {
        let why = job.reason.as_deref().unwrap_or("no reason given");
        failure.because(format_args!("it is {name}: {why}: {}", job.message))
    } else {
        failure
            .because(format_args!("it is {name}"))
            .remedy(format_args!("follow it with 'aibom jobs watch {}'", job.id))
    }
}

/// What the bundle proves, if it is about this very job.
fn subject<'a>(verdict: &'a Verdict, job: &JobView) -> Result<&'a ::verify::Verified, Failure> {
    let refused = || Failure::refused(format_args!("the bundle of the job {} is refused", job.id));
    let Some(subject) = &verdict.subject else {
        let failed = verdict.checks.first_failure();
        let why = failed.map(|check| format!("{}: {}", check.name, check.detail));
        return Err(refused()
            .because(why.unwrap_or_default())
            .remedy("check that the profile's trust root is this mesh's; nothing was kept"));
    };
    if subject.job_id() != job.id {
        return Err(refused().because(format_args!("it is about job {}", subject.job_id())));
    }
    Ok(subject)
}
