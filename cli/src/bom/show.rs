//! `aibom bom show`: what an AIBoM says, for people.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{read::read, summary};
use crate::{
    failure::{Exit, Failure},
    terminal::{Style, Terminal},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom bom show bundle.aibom.json
  aibom bom show wine                       a directory that 'aibom fetch' made
  aibom bom show wine --format json > aibom.cdx.json
                                            the exact signed bytes, CycloneDX 1.6 or 1.7

Showing is not verifying: use 'aibom verify' first.";

/// Arguments of `bom show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The bundle, a directory that `aibom fetch` made, or an AIBoM itself.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
}

/// Runs `aibom bom show`.
pub(super) fn show(terminal: &Terminal, arguments: &ShowArguments) -> Result<Exit, Failure> {
    let aibom = read(&arguments.bundle)?.aibom;
    if terminal.is_json() {
        // The exact bytes: not a single one is added, no line feed either.
        terminal.bytes(&aibom)?;
        return Ok(Exit::Done);
    }
    let value: Value = serde_json::from_slice(&aibom)
        .map_err(|error| Failure::cannot("the AIBoM is not JSON").because(error))?;
    for line in summary::lines(terminal, &value) {
        terminal.line(line)?;
    }
    let shown = arguments.bundle.display();
    let note = format!("not verified here: aibom verify {shown} --trust-root FILE");
    terminal.say(terminal.paint(Style::Dim, note));
    Ok(Exit::Done)
}
