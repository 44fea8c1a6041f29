//! `aibom scanner`: what operators do for the scanner; today, its vulnerability database.

mod arguments;
mod import;
mod place;
mod status;
mod update;

use clap::Subcommand;

pub(crate) use arguments::DbCommand;

use crate::{
    failure::{Exit, Failure},
    terminal::Terminal,
};

/// Looks after what the scanner works with.
#[derive(Debug, Subcommand)]
pub(crate) enum ScannerCommand {
    /// The vulnerability database: looked at, downloaded, imported, built.
    #[command(subcommand)]
    Db(DbCommand),
}

/// Runs `aibom scanner`; `mesh` is where the mesh's profile is.
pub(crate) fn scanner(
    terminal: &Terminal,
    mesh: &std::path::Path,
    command: &ScannerCommand,
) -> Result<Exit, Failure> {
    let ScannerCommand::Db(command) = command;
    match command {
        DbCommand::Status(arguments) => status::status(terminal, mesh, arguments),
        DbCommand::Import(arguments) => import::import(terminal, mesh, arguments),
        DbCommand::Update(arguments) => update::update(terminal, mesh, arguments),
        DbCommand::Build(arguments) => import::build(terminal, arguments),
    }
}

#[cfg(test)]
mod tests;
