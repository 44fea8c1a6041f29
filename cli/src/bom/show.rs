//! `aibom bom show`: what an AIBoM says, for people.

use std::path::PathBuf;

use clap::Args;

use super::{
    read::{read, tell_unverified},
    summary,
};
use crate::{
    failure::{Exit, Failure},
    terminal::Terminal,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom bom show bundle.aibom.json
  aibom bom show wine                       a directory that 'aibom fetch' made
  aibom bom show wine --format json > aibom.cdx.json
                                            the exact signed bytes, CycloneDX 1.6 or 1.7

Showing is not verifying: use 'aibom verify' first.

Exit codes:
  0    shown
  2    cannot: the file cannot be read, or is no CycloneDX 1.6 or 1.7 document";

/// Arguments of `bom show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The bundle, a directory that `aibom fetch` made, or an AIBoM itself.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
}

/// Runs `aibom bom show`.
pub(super) fn show(terminal: &Terminal, arguments: &ShowArguments) -> Result<Exit, Failure> {
    let read = read(&arguments.bundle)?;
    let aibom = read.document(&arguments.bundle)?;
    if terminal.is_json() {
        // The exact bytes: not a single one is added, no line feed either.
        terminal.bytes(&read.aibom)?;
        return Ok(Exit::Done);
    }
    for line in summary::lines(terminal, &aibom) {
        terminal.line(line)?;
    }
    tell_unverified(terminal, &[&arguments.bundle]);
    Ok(Exit::Done)
}
