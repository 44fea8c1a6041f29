//! `aibom bom`: what an AIBoM says, how complete it is, and how it differs from another.

mod diff;
mod export;
pub(crate) mod read;
mod records;
mod score;
mod show;
mod summary;

use clap::Subcommand;

use crate::{
    failure::{Exit, Failure},
    terminal::Terminal,
};

/// Reads AIBoMs.
#[derive(Debug, Subcommand)]
pub(crate) enum BomCommand {
    /// A summary for people, or the exact AIBoM with --format json.
    #[command(after_help = show::EXAMPLES)]
    Show(show::ShowArguments),
    /// How much of the G7/CISA minimum elements of an SBOM for AI it holds, and who says it.
    #[command(after_help = score::EXAMPLES)]
    Score(score::ScoreArguments),
    /// What differs between two AIBoMs: data, parameters, metrics, packages and more.
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::DiffArguments),
    /// SPDX, HTML, a model card, an Annex IV pack, or the exact CycloneDX bytes.
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArguments),
}

/// Runs `aibom bom`.
pub(crate) fn bom(terminal: &Terminal, command: &BomCommand) -> Result<Exit, Failure> {
    match command {
        BomCommand::Show(arguments) => show::show(terminal, arguments),
        BomCommand::Score(arguments) => score::score(terminal, arguments),
        BomCommand::Diff(arguments) => diff::diff(terminal, arguments),
        BomCommand::Export(arguments) => export::export(terminal, arguments),
    }
}

#[cfg(test)]
mod tests;
