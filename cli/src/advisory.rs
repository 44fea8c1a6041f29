//! `aibom advisory`: what became known of an image after an AIBoM named it.
//!
//! The AIBoM never changes. The newest scan of its image is a document of its own, which is verified
//! here and compared with what the AIBoM says.

mod compare;
mod lines;
mod target;

use std::path::{Path, PathBuf};

use ::verify::{AdvisoryFile, MAX_ADVISORY_BYTES, verify_advisory};
use clap::{Args, ValueEnum};
use client::Mesh;
use evidence::{Completeness, Level, TrustRoot, VerifiedAdvisory};
use ids::{Sha256Digest, Timestamp};
use serde::Serialize;

use crate::{
    certs::write_public,
    failure::{Exit, Failure},
    profile::{self, read_bounded, trust_root},
    runtime::block_on,
    terminal::Terminal,
};
use compare::{Changes, Signed};
use target::{Subject, Target};

const EXAMPLES: &str = "\
Examples:
  aibom advisory 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44 --fail-on high
                                            a job: 1 when something high or critical is new
  aibom advisory wine                       a bundle, or a directory that 'aibom fetch' made
  aibom advisory aibom.cdx.json             an AIBoM by itself; nobody vouches for it here
  aibom advisory sha256:…                   an image, or the urn:aibom:advisory:… of an AIBoM
  aibom advisory wine --to signed --out wine.advisory.json
                                            the signed scan, to hand on
  aibom advisory wine --scan wine.advisory.json --trust-root trust-root.json
                                            the same without any network
  aibom advisory wine --to cyclonedx --out wine.vdr.cdx.json
                                            a vulnerability disclosure report, CycloneDX 1.6

The scheduler asks the scanner again about every image in use; when the scanner's database is new,
so is the scan. What it says is verified here: a scanner of this mesh signed it, about this image.

With an image alone there is no AIBoM to compare with: every vulnerability counts as new.

Exit codes:
  0    nothing new that --fail-on names, or no --fail-on
  1    something new, or worse than it was, at or above --fail-on; or the scan does not verify
  2    cannot say: the newest scan is incomplete, or a file or setting cannot be used
  3    the mesh does not answer, or refuses the call";

/// From which severity on something new is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// High and critical.
    High,
    /// Critical.
    Critical,
}

impl FailOn {
    const fn level(self) -> Level {
        match self {
            Self::High => Level::High,
            Self::Critical => Level::Critical,
        }
    }
}

/// A form of the newest scan for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// The scan with its signature and certificates, for --scan.
    Signed,
    /// A vulnerability disclosure report, CycloneDX 1.6; signed by nobody.
    Cyclonedx,
}

/// Arguments of `advisory`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AdvisoryArguments {
    /// A job, an image by digest, the URN in an AIBoM, a bundle, a fetched directory, or an AIBoM.
    #[arg(value_name = "JOB|IMAGE|FILE", value_parser = target::parse)]
    target: Target,
    /// Reads the scan from this file, which --to signed wrote; no network is used.
    #[arg(long, value_name = "FILE", requires = "trust_root")]
    scan: Option<PathBuf>,
    /// What to trust [default: that of the connection profile].
    #[arg(long, value_name = "FILE")]
    trust_root: Option<PathBuf>,
    /// Ends with exit code 1 when something is new from this severity on.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// Writes the scan in this form.
    #[arg(long, value_enum, value_name = "FORM")]
    to: Option<Form>,
    /// Where to; `-` or nothing is standard output.
    #[arg(long, value_name = "FILE", requires = "to")]
    out: Option<PathBuf>,
}

/// The answer as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    image: Sha256Digest,
    revision: u32,
    /// Always true: what does not verify is not shown.
    verified: bool,
    scanner: String,
    scanned_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_updated_at: Option<Timestamp>,
    completeness: Completeness,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    /// Whether the AIBoM came in a bundle that verifies; absent without an AIBoM.
    #[serde(skip_serializing_if = "Option::is_none")]
    aibom_verified: Option<bool>,
    #[serde(flatten)]
    changes: &'a Changes,
}

/// Everything that the answer is made of.
#[derive(Debug)]
struct Known {
    subject: Subject,
    file: AdvisoryFile,
    advisory: VerifiedAdvisory,
    changes: Changes,
}

/// Runs `aibom advisory`.
pub(crate) fn advisory(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &AdvisoryArguments,
) -> Result<Exit, Failure> {
    let named = arguments.trust_root.as_deref();
    if let (Some(scan), Some(root)) = (&arguments.scan, named) {
        let root = trust_root(root)?.0;
        let subject = Subject::of_file(&arguments.target, &root)?;
        let bytes = read_bounded(scan, MAX_ADVISORY_BYTES as u64 + 1)?;
        let file = AdvisoryFile::parse(&bytes).map_err(|error| {
            Failure::cannot(format_args!("{} is no saved scan", scan.display()))
                .caused_by(&error)
                .remedy("write one with 'aibom advisory … --to signed --out FILE'")
        })?;
        return answer(terminal, arguments, &known(subject, file, &root, now())?);
    }
    let mesh = profile::open(mesh)?;
    let root = trust_root(named.unwrap_or(&mesh.profile().trust_root))?.0;
    let work = async {
        mesh.reach().await?;
        let subject = subject(&mesh, &arguments.target, &root).await?;
        let newest = mesh.advisories().get(subject.image).await.map_err(|error| {
            let none = error.is_not_found();
            let failure = Failure::from(error);
            if none { failure.remedy(NOT_YET) } else { failure }
        })?;
        let file = AdvisoryFile::new(newest.scan, newest.revision);
        answer(terminal, arguments, &known(subject, file, &root, now())?)
    };
    block_on(work, || "nothing was written".to_owned())
}

const NOT_YET: &str = "images of own completed jobs and of configured trainers are scanned again; \
    the first time is within a minute or so after the job";

async fn subject(mesh: &Mesh, target: &Target, root: &TrustRoot) -> Result<Subject, Failure> {
    let Target::Job(id) = target else { return Subject::of_file(target, root) };
    let job = mesh.jobs().get(*id).await?;
    let Some(digest) = job.bundle_digest else {
        return Err(Failure::cannot(format_args!("the job {id} has no AIBoM"))
            .because(format_args!("it is {}", crate::jobs::state_name(job.state)))
            .remedy(format_args!("follow it with 'aibom jobs watch {id}'")));
    };
    Subject::of_bundle(&mesh.artifacts().document(digest).await?, root)
}

fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

/// Verifies the scan at the instant `at`, and compares it with what the AIBoM says.
fn known(
    subject: Subject,
    file: AdvisoryFile,
    root: &TrustRoot,
    at: Timestamp,
) -> Result<Known, Failure> {
    let verdict = verify_advisory(&file.scan, subject.image, root, at);
    let Some(advisory) = verdict.advisory else {
        let failed = verdict.checks.first_failure();
        let why = failed.map(|check| format!("{}: {}", check.name, check.detail));
        let what = format!("the scan of the image sha256:{} is refused", subject.image);
        return Err(Failure::refused(what)
            .because(why.unwrap_or_default())
            .remedy("check that the trust root is that of the mesh; nothing of it was shown"));
    };
    let signed = subject.aibom.as_ref().map(|(aibom, _)| Signed::of(aibom));
    let changes = compare::changes(signed.as_ref(), advisory.scan());
    Ok(Known { subject, file, advisory, changes })
}

fn answer(
    terminal: &Terminal,
    arguments: &AdvisoryArguments,
    known: &Known,
) -> Result<Exit, Failure> {
    match arguments.to {
        Some(form) => {
            let unwritten = |error: &(dyn std::error::Error + 'static)| {
                Failure::cannot("cannot write the scan").caused_by(error)
            };
            let aibom = known.subject.aibom.as_ref().map(|(aibom, _)| aibom);
            let bytes = match form {
                Form::Signed => known.file.to_bytes().map_err(|error| unwritten(&error))?,
                Form::Cyclonedx => report::vdr(known.advisory.scan(), known.file.revision, aibom)
                    .map_err(|error| unwritten(&error))?,
            };
            match arguments.out.as_deref().filter(|out| *out != Path::new("-")) {
                Some(out) => write_public(out, &bytes)?,
                None => terminal.bytes(&bytes)?,
            }
        }
        None if terminal.is_json() => terminal.json(&known.json())?,
        None => {
            for line in lines::lines(terminal, known) {
                terminal.line(line)?;
            }
        }
    }
    Ok(known.exit(arguments.fail_on))
}

impl Known {
    fn json(&self) -> Answer<'_> {
        let predicate = &self.advisory.scan().predicate;
        Answer {
            image: self.advisory.image(),
            revision: self.file.revision,
            verified: true,
            scanner: self.advisory.signer().spiffe_id().to_string(),
            scanned_at: predicate.metadata.scan_finished_on,
            database_updated_at: predicate.scanner.db.as_ref().map(|db| db.last_update),
            completeness: predicate.aibom.completeness,
            reason: &predicate.aibom.reason,
            aibom_verified: self.subject.aibom.as_ref().map(|(_, verified)| *verified),
            changes: &self.changes,
        }
    }

    /// What is found counts whether or not all was looked at; that nothing is found does not.
    fn exit(&self, fail_on: Option<FailOn>) -> Exit {
        if fail_on.is_some_and(|from| self.changes.worst() >= Some(from.level())) {
            return Exit::Refused;
        }
        match self.advisory.scan().predicate.aibom.completeness {
            Completeness::Complete => Exit::Done,
            Completeness::Incomplete => Exit::CannotSay,
        }
    }
}

#[cfg(test)]
mod tests;
