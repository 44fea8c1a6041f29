//! `aibom bom show`: what an AIBoM says, for people.

mod summary;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    failure::{Exit, Failure},
    fetch::layout::AIBOM_FILE,
    profile::read_bounded,
    terminal::{Style, Terminal},
    verify::BUNDLE_FILE,
};

const EXAMPLES: &str = "\
Examples:
  aibom bom show bundle.aibom.json
  aibom bom show wine                       a directory that 'aibom fetch' made
  aibom bom show wine --format json > aibom.cdx.json
                                            the exact signed bytes, CycloneDX 1.6

Showing is not verifying: use 'aibom verify' first.";

/// Shows the AIBoM of a bundle.
#[derive(Debug, Subcommand)]
pub(crate) enum BomCommand {
    /// A summary for people, or the exact AIBoM with --format json.
    #[command(after_help = EXAMPLES)]
    Show(ShowArguments),
}

/// Arguments of `bom show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The bundle, a directory that `aibom fetch` made, or an AIBoM itself.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
}

/// Runs `aibom bom`.
pub(crate) fn bom(terminal: &Terminal, command: &BomCommand) -> Result<Exit, Failure> {
    let BomCommand::Show(arguments) = command;
    let aibom = read(&arguments.bundle)?;
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

/// The AIBoM's bytes, from a bundle, a fetched directory, or a file that is one.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = if path.is_dir() { path.join(BUNDLE_FILE) } else { path.to_owned() };
    let bytes = read_bounded(&file, bundle::MAX_BUNDLE_BYTES as u64 + 1)?;
    match bundle::Bundle::parse(&bytes) {
        Ok(bundle) => Ok(bundle.aibom),
        Err(error) => {
            let is_aibom = serde_json::from_slice::<Value>(&bytes)
                .is_ok_and(|value| value.get("bomFormat").is_some());
            if is_aibom {
                return Ok(bytes);
            }
            Err(Failure::cannot(format_args!("{} is no bundle", file.display()))
                .caused_by(&error)
                .remedy(format_args!(
                    "name a {BUNDLE_FILE}, a fetched directory, or an {AIBOM_FILE}"
                )))
        }
    }
}

#[cfg(test)]
mod tests;
