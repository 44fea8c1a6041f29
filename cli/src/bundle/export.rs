//! `aibom bundle export`: a verified bundle's signatures as JSON Lines of Sigstore bundles.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ids::Sha256Digest;
use serde_json::json;

use super::read;
use crate::{
    failure::{Exit, Failure},
    profile::trust_root,
    terminal::Terminal,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom bundle export wine --trust-root trust-root.json > wine.jsonl
  aibom bundle export bundle.aibom.json --trust-root trust-root.json --out wine.jsonl

Each line is a Sigstore bundle v0.3: the attestation with the ledger's proof, model.sig, the policy,
and each evidence document with its certificate. What it does not hold, such as the salt that ties the
entry to the attestation, is in the bundle alone: keep it. See docs/formats/bundle.md.

Exit codes: 0 written, 1 the bundle did not verify and nothing is written, 2 cannot (usage, files)";

/// Mode of what is written: signatures are for sharing.
const FILE_MODE: u32 = 0o644;

/// A form of the signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// JSON Lines of Sigstore bundles v0.3.
    Jsonl,
}

/// Arguments of `bundle export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The bundle, or a directory that `aibom fetch` made.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Form::Jsonl, value_name = "FORM")]
    to: Form,
    /// Verifies the bundle by this trust root first: only what holds is exported.
    #[arg(long, value_name = "FILE")]
    trust_root: PathBuf,
    /// Where to; `-` or nothing is standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replaces a file that is there.
    #[arg(long)]
    force: bool,
}

/// Runs `aibom bundle export`.
pub(super) fn export(terminal: &Terminal, arguments: &ExportArguments) -> Result<Exit, Failure> {
    let (bundle, bytes) = read(&arguments.bundle)?;
    let (root, _) = trust_root(&arguments.trust_root)?;
    let verdict = verify::verify_bundle(&bytes, &root);
    if let Some(check) = verdict.checks.first_failure() {
        return Err(Failure::refused("the bundle does not verify, and is not exported")
            .because(format_args!("{}: {}", check.name, check.detail))
            .remedy("'aibom verify' makes every check and says what each found"));
    }
    let lines = match arguments.to {
        Form::Jsonl => bundle.to_sigstore_lines(&root),
    };
    let lines = lines.map_err(|error| Failure::cannot("cannot export").caused_by(&error))?;
    let Some(out) = arguments.out.as_deref().filter(|out| *out != Path::new("-")) else {
        terminal.bytes(&lines)?;
        return Ok(Exit::Done);
    };
    if !arguments.force && out.symlink_metadata().is_ok() {
        return Err(Failure::cannot(format_args!("{} is there already", out.display()))
            .remedy("name another with --out, or replace it with --force"));
    }
    keys::replace_file(out, &lines, FILE_MODE).map_err(|error| {
        Failure::cannot(format_args!("cannot write {}", out.display())).because(error)
    })?;
    if terminal.is_json() {
        let (count, digest) =
            (lines.split_inclusive(|b| *b == b'\n').count(), Sha256Digest::of(&lines));
        terminal.json(&json!({ "file": out, "lines": count, "sha256": digest }))?;
    } else {
        terminal.line(out.display())?;
    }
    Ok(Exit::Done)
}
