//! `aibom verify`: every check on a bundle, offline.
//!
//! Nothing here opens a socket or starts a runtime; the command works without any network.

mod directory;
mod report;

use std::path::{Path, PathBuf};

use ::verify::{Verdict, verify_artifact, verify_bundle};
use clap::Args;
use client::LocalFile;

use crate::{
    failure::{Exit, Failure},
    profile::{read_bounded, trust_root},
    terminal::Terminal,
};

pub(crate) use report::Report;

/// The bundle's name in a fetched directory.
pub(crate) const BUNDLE_FILE: &str = "bundle.aibom.json";

const EXAMPLES: &str = "\
Examples:
  aibom verify bundle.aibom.json --trust-root trust-root.json
  aibom verify bundle.aibom.json --trust-root trust-root.json --artifact model.keras
  aibom verify wine --trust-root trust-root.json     a directory that 'aibom fetch' made
  aibom verify wine --trust-root trust-root.json --format json | jq .failed

A trust root that came together with the bundle proves nothing: pin one that came another way.

Exit codes: 0 every check held, 1 a check failed, 2 cannot say (usage, unreadable file)";

/// Verifies a bundle offline.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArguments {
    /// The bundle, or a directory that `aibom fetch` made: then every file in it is checked too.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// What to trust: the mesh's trust-root.json.
    #[arg(long, value_name = "FILE")]
    trust_root: PathBuf,
    /// A file that should be one of the job's inputs or outputs; may be repeated.
    #[arg(long = "artifact", value_name = "FILE")]
    artifacts: Vec<PathBuf>,
}

/// Runs `aibom verify`.
pub(crate) fn verify(terminal: &Terminal, arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let report = decide(arguments)?;
    report.print(terminal)?;
    Ok(report.exit())
}

/// Checks what was named on the command line; an error is "cannot say".
fn decide(arguments: &VerifyArguments) -> Result<Report, Failure> {
    let root = trust_root(&arguments.trust_root)?;
    examine(&arguments.bundle, &root, &arguments.artifacts)
}

/// Checks a bundle, or a fetched directory, and any further files.
pub(crate) fn examine(
    bundle: &Path,
    root: &(evidence::TrustRoot, Vec<u8>),
    artifacts: &[PathBuf],
) -> Result<Report, Failure> {
    let file = if bundle.is_dir() { bundle.join(BUNDLE_FILE) } else { bundle.to_owned() };
    let bytes = read_bounded(&file, bundle::MAX_BUNDLE_BYTES as u64 + 1)?;
    examine_read(bundle, &bytes, root, artifacts)
}

/// Checks a bundle that was read from `bundle` already, so that nobody can change it in between.
pub(crate) fn examine_read(
    bundle: &Path,
    bytes: &[u8],
    (root, root_bytes): &(evidence::TrustRoot, Vec<u8>),
    artifacts: &[PathBuf],
) -> Result<Report, Failure> {
    let in_directory = bundle.is_dir();
    let Verdict { mut checks, subject, claimed_job } = verify_bundle(bytes, root);
    let mut notes = Vec::new();
    if let Some(subject) = &subject {
        for path in artifacts {
            let file = hash(path)?;
            let name = path.file_name().and_then(|name| name.to_str());
            let check = format!("artifact.{}", name.unwrap_or("file"));
            verify_artifact(subject, &check, name, &file.digests, file.size, &mut checks);
        }
        if in_directory {
            notes = directory::check(bundle, subject, root, root_bytes, bytes, &mut checks)?;
        }
    } else if in_directory || !artifacts.is_empty() {
        notes.push("the files were not checked: nothing vouches for a refused bundle".to_owned());
    }
    Ok(Report::new(&checks, subject.as_ref(), claimed_job, notes))
}

/// Reads a file to its end, hashing; a file that cannot be read is no verdict.
pub(crate) fn hash(path: &Path) -> Result<LocalFile, Failure> {
    LocalFile::hash(path).map_err(|error| Failure::cannot("cannot check a file").caused_by(&error))
}

#[cfg(test)]
pub(crate) mod tests;
