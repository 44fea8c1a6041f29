//! Arguments of `aibom witness`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const INIT_EXAMPLES: &str = "\
Examples:
  aibom witness init --dir /var/lib/aibom-witness --name witness.example.org/w1

It writes:
  witness.key.pem   the key that cosigns (Ed25519); it never leaves this machine
  witness.vkey      its public half, for trust roots and for the ledger's configuration
  witness.toml      a configuration to complete: which logs, where to listen
  state.json        what it cosigned last; nothing yet

The name is a URL without a scheme that tells witnesses apart. Nothing is ever overwritten.";

const SERVE_EXAMPLES: &str = "\
Examples:
  aibom witness serve --config /var/lib/aibom-witness/witness.toml
  curl -s --data-binary @request http://127.0.0.1:7413/add-checkpoint

It answers POST /add-checkpoint as https://c2sp.org/tlog-witness says: 200 with the cosignature, 409
with the size cosigned last, 403, 404, 422 or 400. What it cosigned is on the disk before the
cosignature leaves. A state that is missing or damaged starts nothing: a witness that forgets would
cosign a log that was rolled back.";

/// Runs a witness of transparency logs, and looks after it.
#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Makes the key, the empty state and a configuration of a new witness.
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArguments),
    /// Serves until a signal comes.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArguments),
    /// Shows the witness's key and what it cosigned last of each log.
    Show(ServeArguments),
}

/// Arguments of `witness init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Where the files go; made when it does not exist.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// The name that stands in its signature lines, such as witness.example.org/w1.
    #[arg(long, value_name = "NAME")]
    pub(super) name: String,
}

/// Arguments of `witness serve` and `witness show`.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// The configuration file that `witness init` made.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}
