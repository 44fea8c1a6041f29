//! `aibom bundle`: what is in a bundle, its schema, and the signatures in a form that others read.

mod export;
mod show;

use std::path::Path;

use ::bundle::{Bundle, MAX_BUNDLE_BYTES};
use clap::Subcommand;

use crate::{
    failure::{Exit, Failure},
    profile::read_bounded,
    terminal::Terminal,
    verify::BUNDLE_FILE,
};

/// The JSON Schema of the format, as it is in the documentation.
const SCHEMA: &str = include_str!("../../docs/formats/bundle.schema.json");

const SHOW_EXAMPLES: &str = "\
Examples:
  aibom bundle show wine                    a bundle, or a directory that 'aibom fetch' made
  aibom bundle show bundle.aibom.json --format json | jq .ledger

Nothing is verified: that is what 'aibom verify' is for.";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  aibom bundle schema > bundle.schema.json  JSON Schema 2020-12; docs/formats/bundle.md explains it";

/// Reads bundles.
#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Its parts, with their sizes and digests, and its place in the ledger.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(show::ShowArguments),
    /// The JSON Schema of the format.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
    /// The signatures as JSON Lines of Sigstore bundles, verified first.
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArguments),
}

/// Runs `aibom bundle`.
pub(crate) fn bundle(terminal: &Terminal, command: &BundleCommand) -> Result<Exit, Failure> {
    match command {
        BundleCommand::Show(arguments) => show::show(terminal, arguments),
        BundleCommand::Schema => {
            terminal.bytes(SCHEMA.as_bytes())?;
            Ok(Exit::Done)
        }
        BundleCommand::Export(arguments) => export::export(terminal, arguments),
    }
}

/// Reads the bundle at a path, or in a directory; nothing in it is verified yet.
pub(crate) fn read(path: &Path) -> Result<(Bundle, Vec<u8>), Failure> {
    let file = if path.is_dir() { path.join(BUNDLE_FILE) } else { path.to_owned() };
    let bytes = read_bounded(&file, MAX_BUNDLE_BYTES as u64 + 1)?;
    let parsed = Bundle::parse(&bytes).map_err(|error| {
        Failure::cannot(format_args!("{} is no bundle", file.display()))
            .caused_by(&error)
            .remedy(format_args!("name a {BUNDLE_FILE}, or a fetched directory"))
    })?;
    Ok((parsed, bytes))
}

#[cfg(test)]
mod tests;
