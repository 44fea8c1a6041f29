//! Entry point: parse the command line, build the configuration, run the role.

pub mod confine;
mod roles;
mod supervise;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// The signer of an AIBoM mesh: derives AIBoMs from evidence that holds, signs them, and has no way
/// to sign anything else.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
#[command(after_help = "Example: aibom-signer --config signer.toml")]
struct Arguments {
    /// The configuration file (see config.example.toml).
    #[arg(long)]
    config: PathBuf,
    /// Check the configuration and exit: 0 good, 1 bad.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    role: Option<roles::Role>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            #[expect(clippy::print_stderr, reason = "telemetry may not be up")]
            {
                eprintln!("aibom-signer: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = signer::Config::read(&arguments.config)?;
    if arguments.check_config {
        return Ok(ExitCode::SUCCESS);
    }
    roles::run(&arguments.config, config, arguments.role)
}
