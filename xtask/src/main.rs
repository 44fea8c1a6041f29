//! `cargo xtask`: the project's chores as one program, so that people and machines run the same.

mod demo;
mod root;
mod run;
mod say;
mod setup;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::{root::Root, run::Step, say::say};

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo          train, sign, log and verify a model on this machine; nothing but
                            cargo need be there before
  cargo xtask demo --hsm softhsm
                            the same, with the signer's keys in an HSM (PKCS#11)
  cargo xtask test          everything that must hold before a change is taken
  cargo xtask tidy          the rules of style and structure alone, in a second";

/// The project's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Puts everything in place that jobs need: engine, trainer images, scan tool and database.
    Setup,
    /// The whole path on this machine: set up, train, fetch, verify offline, refuse a changed copy.
    Demo {
        /// Keeps the signer's keys in an HSM: softhsm is one in software, installed when missing.
        #[arg(long, value_enum)]
        hsm: Option<Hsm>,
    },
    /// Format, lints, structure, unit, integration and end-to-end tests.
    Test,
    /// The rules of style and structure.
    Tidy,
    /// Benchmarks and load tests; arguments go to the load generator.
    Bench {
        /// Arguments of the load generator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Every fuzz target over seeded mutations of its corpus, on stable Rust.
    FuzzSmoke {
        /// Runs for each target, the seed, the target.
        #[arg(trailing_var_arg = true)]
        arguments: Vec<String>,
    },
}

/// Where the demo's signer has its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hsm {
    /// SoftHSM 2.
    Softhsm,
}

fn chore(chore: &Chore) -> anyhow::Result<()> {
    let root = Root::find()?;
    match chore {
        Chore::Setup => setup::setup(&root),
        Chore::Demo { hsm } => demo::demo(&root, *hsm),
        Chore::Test => test::test(&root),
        Chore::Tidy => tidy::tidy(&root),
        Chore::Bench { arguments } => Step::new(&root, "bench", "cargo")
            .args(["run", "--release", "--package", "loadtest", "--"])
            .args(arguments)
            .run(),
        Chore::FuzzSmoke { arguments } => Step::new(&root, "fuzz-smoke", "cargo")
            .args([
                "run",
                "--release",
                "--manifest-path",
                "fuzz/Cargo.toml",
                "--bin",
                "smoke",
                "--",
            ])
            .args(arguments)
            .run(),
    }
}

fn main() -> ExitCode {
    match chore(&Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("xtask: error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
