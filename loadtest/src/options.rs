//! The command line.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand};

use crate::signer::token::Job;

/// Benchmarks of the mesh, each beside what it is held against, in the same run.
///
/// The machine is taken to be shared and noisy: contenders take turns, and ratios are medians over
/// the rounds. Needs the release builds of `aibom-scheduler` and `aibom-signer`: under cargo they are
/// built first, otherwise they must lie beside this program.
#[derive(Debug, Parser)]
#[command(version, after_help = "Example: cargo run --release -p loadtest -- all")]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Durable submissions beside an echo of the same messages over the same stack.
    Submit {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        submit: Submit,
    },
    /// An upload beside cp + fsync, openssl dgst and raw TLS with hashing.
    Upload {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        upload: Upload,
    },
    /// The disk's rate of fdatasync, and of commits with one writer.
    Fsync {
        #[command(flatten)]
        place: Place,
    },
    /// What each step of a submission costs, one thread, no network.
    Steps {
        #[command(flatten)]
        place: Place,
    },
    /// The signer: its own work, Attest with keys in files and in SoftHSM, and the token alone.
    Sign {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        sign: Sign,
    },
    /// The AIBoM: deriving and judging it, beside a library that builds and judges the same content.
    Bom {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        bom: Bom,
    },
    /// Everything but `sign` and `bom`, which need SoftHSM and Python packages; in at most six minutes on two cores.
    All {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        submit: Submit,
        #[command(flatten)]
        upload: Upload,
    },
    /// The echo that `submit` starts as a process of its own.
    #[command(hide = true)]
    EchoServer {
        /// Its configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// What `sign` starts as a process of its own, with a token in its environment.
    #[command(hide = true)]
    Token {
        #[command(subcommand)]
        job: Job,
    },
}

/// Where to work and to report.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Place {
    /// The directory whose disk is measured; a temporary directory in it holds everything.
    #[arg(long, default_value = "target/bench")]
    pub(crate) dir: PathBuf,
    /// The report, JSON.
    #[arg(long, default_value = "target/bench/report.json")]
    pub(crate) report: PathBuf,
}

/// How to submit.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Submit {
    /// Calls in flight, one level after the other; 1 to 1024 each.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) streams: Vec<u16>,
    /// Rounds of each level: echo, submit, echo, submit, …
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) rounds: u8,
    /// The length of a round, in milliseconds.
    #[arg(long, default_value_t = 1_500, value_parser = clap::value_parser!(u32).range(100..=10_000))]
    pub(crate) round_ms: u32,
}

/// How to upload.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Upload {
    /// The file: a number with MB, GB, MiB or GiB; at most 16 GiB.
    #[arg(long, default_value = "2GB")]
    pub(crate) size: Size,
    /// Rounds of all contenders.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    pub(crate) upload_rounds: u8,
}

/// How to have AIBoMs signed.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Sign {
    /// Calls in flight, one level after the other; 1 to 64 each.
    #[arg(long, value_delimiter = ',', default_value = "1,4,8,16", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) in_flight: Vec<u8>,
    /// Rounds of each level, contenders in turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) sign_rounds: u8,
    /// AIBoMs in a round.
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u16).range(140..=2_000))]
    pub(crate) aiboms: u16,
    /// Packages in an AIBoM.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    pub(crate) packages: u16,
    /// How long the slow token takes for a signature, in milliseconds.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) signature_ms: u32,
}

/// How to derive AIBoMs.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Bom {
    /// Packages in the AIBoM.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    pub(crate) packages: u16,
    /// Rounds: ours, theirs, ours, theirs, …
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub(crate) bom_rounds: u8,
}

/// A number of bytes, 1 MB to 16 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units =
            [("MB", 1_000_000), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("GiB", 1_u64 << 30)];
        let parsed = units.iter().find_map(|(unit, bytes)| {
            let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(*bytes)
        });
        match parsed {
            Some(bytes) if (1_000_000..=16 << 30).contains(&bytes) => Ok(Self(bytes)),
            _ => Err(format!("{text:?} is not 1MB to 16GiB (units MB, GB, MiB, GiB)")),
        }
    }
}

#[cfg(test)]
mod tests;
