//! `aibom bom export`: an AIBoM in the forms that other tools and people read.

mod inventory;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use report::{
    Aibom,
    annex_iv::{self, PackFile},
    bsi, card, html, spdx,
};
use serde::Serialize;

use super::read::{Read, read};
use crate::{
    failure::{Exit, Failure},
    profile::trust_root,
    terminal::Terminal,
    verify::{BUNDLE_FILE, Report, examine_read},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom bom export wine --to spdx > wine.spdx.json
  aibom bom export bundle.aibom.json --to html --trust-root trust-root.json --out wine.html
                                            the page says whether the bundle verified
  aibom bom export wine --to annex-iv --out wine-annex-iv
                                            a directory: material for technical documentation
  aibom bom export wine --to cyclonedx --out aibom.cdx.json --format json
  aibom bom export wine --to cyclonedx --profile bsi --out wine-bsi
                                            a directory: the AIBoM without vulnerabilities, and these

Nothing is verified without --trust-root. Files are never replaced without --force.

Exit codes: 0 written, 1 written but the bundle did not verify, 2 cannot (usage, files)";

/// Mode of what is written: AIBoMs are for sharing.
const FILE_MODE: u32 = 0o644;

/// A form of an AIBoM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// SPDX 3.0.1 in JSON-LD.
    Spdx,
    /// One HTML page for people.
    Html,
    /// A model card in Markdown, as Hugging Face reads it.
    ModelCard,
    /// A directory: material for the technical documentation of Annex IV, Regulation (EU) 2024/1689.
    AnnexIv,
    /// The exact bytes, CycloneDX.
    Cyclonedx,
    /// The image and its packages as CycloneDX 1.5, for tools that read nothing newer.
    Inventory,
}

/// Whose rules a form follows beyond its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// No vulnerabilities in the SBOM, as BSI TR-03183-2 wants it; they stand in a report beside it.
    Bsi,
}

/// Arguments of `bom export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The bundle, a directory that `aibom fetch` made, or an AIBoM itself.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// What to write.
    #[arg(long, value_enum, value_name = "FORM")]
    to: Form,
    /// Whose rules cyclonedx follows beyond its own.
    #[arg(long, value_enum, value_name = "PROFILE")]
    profile: Option<Profile>,
    /// Where to; `-` or nothing is standard output, a directory for annex-iv and the profile bsi.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Verifies the bundle by this trust root first, and says so in html and annex-iv.
    #[arg(long, value_name = "FILE")]
    trust_root: Option<PathBuf>,
    /// Replaces files that are there.
    #[arg(long)]
    force: bool,
}

/// What was written, for programs.
#[derive(Debug, Serialize)]
struct Written {
    /// Whether the bundle verified; absent without a trust root.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    files: Vec<WrittenFile>,
}

#[derive(Debug, Serialize)]
struct WrittenFile {
    path: String,
    bytes: usize,
    sha256: ids::Sha256Digest,
}

/// Runs `aibom bom export`.
pub(super) fn export(terminal: &Terminal, arguments: &ExportArguments) -> Result<Exit, Failure> {
    let found = read(&arguments.bundle)?;
    let aibom = found.document(&arguments.bundle)?;
    let verified = verified(arguments, &found)?;
    let (report, verdict) = verified.unzip();
    let out = arguments.out.as_deref().filter(|out| *out != Path::new("-"));
    let files = if let Some(pack) = pack(arguments, &aibom, &found, verdict.as_ref())? {
        let directory = out.ok_or_else(|| {
            Failure::cannot("this form is a directory").remedy("name it with --out DIRECTORY")
        })?;
        write_all(directory, pack, arguments.force)?
    } else {
        let made = single(arguments.to, &aibom, found, verdict.as_ref())?;
        let Some(out) = out else {
            terminal.bytes(&made)?;
            return Ok(exit(report.as_ref()));
        };
        vec![write(out, &made, arguments.force)?]
    };
    tell(terminal, report.as_ref(), files)?;
    Ok(exit(report.as_ref()))
}

/// The files of a form that is a directory; `None` when it is one file.
fn pack(
    arguments: &ExportArguments,
    aibom: &Aibom,
    found: &Read,
    verdict: Option<&html::Verdict>,
) -> Result<Option<Vec<PackFile>>, Failure> {
    match (arguments.to, arguments.profile) {
        (Form::AnnexIv, None) => annex_iv::pack(aibom, &found.aibom, verdict, found.signed)
            .map(Some)
            .map_err(|error| Failure::cannot("cannot make the Annex IV pack").caused_by(&error)),
        (Form::Cyclonedx, Some(Profile::Bsi)) => {
            let parts = bsi::split(aibom, &found.aibom).map_err(|error| {
                Failure::cannot("cannot part the AIBoM from its vulnerabilities").caused_by(&error)
            })?;
            let files = [(bsi::SBOM, parts.sbom), (bsi::VDR, parts.vdr)];
            Ok(Some(files.into_iter().map(|(path, bytes)| PackFile { path, bytes }).collect()))
        }
        (_, None) => Ok(None),
        (_, Some(Profile::Bsi)) => {
            Err(Failure::cannot("the profile bsi is one of CycloneDX").remedy("use --to cyclonedx"))
        }
    }
}

fn exit(report: Option<&Report>) -> Exit {
    report.map_or(Exit::Done, Report::exit)
}

/// What a verifier says of the very bytes that are exported; nothing without a trust root.
fn verified(
    arguments: &ExportArguments,
    found: &Read,
) -> Result<Option<(Report, html::Verdict)>, Failure> {
    let Some(path) = &arguments.trust_root else { return Ok(None) };
    let Some(bundle) = &found.bundle else {
        let what = format!("{} cannot be verified", arguments.bundle.display());
        return Err(Failure::cannot(what)
            .because("an AIBoM alone carries no signature")
            .remedy(format_args!(
                "name the {BUNDLE_FILE} that it came in, or its directory, or leave out --trust-root"
            )));
    };
    let root = trust_root(path)?;
    let report = examine_read(&arguments.bundle, bundle, &root, &[])?;
    let (root, bytes) = root;
    let digest = ids::Sha256Digest::of(&bytes).to_hex();
    let against = format!("the trust root of version {}, SHA-256 {digest}", root.version);
    let verdict = verdict(&report, against);
    Ok(Some((report, verdict)))
}

fn verdict(report: &Report, against: String) -> html::Verdict {
    let checks = report.checks.iter().map(|check| html::Check {
        name: check.name.clone(),
        passed: check.passed,
        detail: check.detail.clone(),
    });
    html::Verdict { verified: report.verified, checks: checks.collect(), against }
}

fn single(
    form: Form,
    aibom: &Aibom,
    found: Read,
    verdict: Option<&html::Verdict>,
) -> Result<Vec<u8>, Failure> {
    Ok(match form {
        Form::Spdx => spdx::document(aibom)
            .map_err(|error| Failure::cannot("cannot write the AIBoM as SPDX").caused_by(&error))?,
        Form::Html => html::page(aibom, verdict, found.signed).into_bytes(),
        Form::Inventory => inventory::write(aibom)?,
        Form::ModelCard => card::markdown(aibom).into_bytes(),
        Form::Cyclonedx | Form::AnnexIv => found.aibom,
    })
}

fn write_all(
    directory: &Path,
    pack: Vec<PackFile>,
    force: bool,
) -> Result<Vec<WrittenFile>, Failure> {
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::cannot(format_args!("cannot make {}", directory.display())).because(error)
    })?;
    // All or none where files are in the way; each file is replaced atomically.
    for file in &pack {
        refuse_existing(&directory.join(file.path), force)?;
    }
    pack.into_iter().map(|file| write(&directory.join(file.path), &file.bytes, force)).collect()
}

fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    if force || path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Failure::cannot(format_args!("{} is there already", path.display()))
        .remedy("name another with --out, or replace it with --force"))
}

fn write(path: &Path, bytes: &[u8], force: bool) -> Result<WrittenFile, Failure> {
    refuse_existing(path, force)?;
    keys::replace_file(path, bytes, FILE_MODE).map_err(|error| {
        Failure::cannot(format_args!("cannot write {}", path.display())).because(error)
    })?;
    Ok(WrittenFile {
        path: path.display().to_string(),
        bytes: bytes.len(),
        sha256: ids::Sha256Digest::of(bytes),
    })
}

fn tell(
    terminal: &Terminal,
    report: Option<&Report>,
    files: Vec<WrittenFile>,
) -> Result<(), Failure> {
    let written = Written { verified: report.map(|report| report.verified), files };
    if terminal.is_json() {
        return terminal.json(&written);
    }
    for file in &written.files {
        terminal.line(&file.path)?;
    }
    match written.verified {
        None => terminal.say("not verified here: give --trust-root FILE"),
        Some(true) => terminal.say("the bundle is verified"),
        Some(false) => terminal.say("the bundle is NOT verified: aibom verify says why"),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
