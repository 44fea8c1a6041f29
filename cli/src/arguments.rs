//! What can be asked of the command, and the help that teaches it.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    advisory::AdvisoryArguments,
    bom::BomCommand,
    bundle::BundleCommand,
    certs::CertsCommand,
    fetch::FetchArguments,
    jobs::JobsCommand,
    keys::KeysCommand,
    ledger::LedgerCommand,
    model::ModelCommand,
    policy::PolicyCommand,
    scanner::ScannerCommand,
    submit::SubmitArguments,
    trust_root::TrustRootCommand,
    up::{DownArguments, UpArguments},
    verify::VerifyArguments,
    witness::WitnessCommand,
};

const EXAMPLES: &str = "\
Examples:
  aibom up --detach                         a whole mesh on this machine
  aibom submit examples/wine/job.yaml --wait --out wine
                                            train, follow, fetch and check
  aibom verify wine --trust-root trust-root.json
                                            check everything in wine, offline
  aibom bom show wine                       what the AIBoM says, for people
  aibom bom score wine --at-least 45        the minimum elements of an SBOM for AI
  aibom bom diff monday tuesday             what differs between two runs
  aibom advisory wine --fail-on high        what became known of its image since then
  aibom keys rotate --dir .aibom/certs --use aibom --root-key .aibom/certs/root.key.pem
                                            a new signing key; nothing is started again
  aibom jobs list --format json             for programs
  aibom scanner db update                   a young vulnerability database for the scanner
  aibom ledger prove log --bundle wine --trust-root trust-root.json
                                            is it still in the public log, and never rewritten?
  aibom model verify DIR --key PUB.pem      check a model that was signed elsewhere
  aibom down                                stop the mesh

Exit codes:
  0    done; for verify: every check held
  1    refused: a check failed, the job did not complete, or an input is not accepted
  2    cannot say: wrong usage, or a file or setting that cannot be used
  3    the mesh does not answer, or refuses the call
  4    the job is held: an approver may release it
  130  interrupted

Environment:
  AIBOM_MESH   the connection profile, as --mesh
  NO_COLOR     no colours (there are none either when standard output is no terminal)";

/// Trains AI models in locked-down containers and leaves, for every run, a signed AI Bill of
/// Materials that anybody can verify offline.
#[derive(Debug, Parser)]
#[command(name = "aibom", version, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Arguments {
    /// The connection profile of the mesh; `aibom up` writes it.
    #[arg(
        long,
        global = true,
        env = "AIBOM_MESH",
        default_value = ".aibom/mesh.json",
        value_name = "FILE"
    )]
    pub(crate) mesh: PathBuf,
    /// How data is printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON value, or one for each line of a stream.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a whole mesh on this machine.
    Up(UpArguments),
    /// Stops the mesh that `up --detach` started.
    Down(DownArguments),
    /// Submits a training job.
    Submit(SubmitArguments),
    /// Lists, shows, follows, cancels and releases jobs.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Fetches everything that a completed job left, and verifies it.
    Fetch(FetchArguments),
    /// Verifies a bundle offline: no service and no network is needed.
    Verify(VerifyArguments),
    /// Says what became known of a job's image since its AIBoM was signed.
    Advisory(AdvisoryArguments),
    /// Shows, scores and compares AIBoMs.
    #[command(subcommand)]
    Bom(BomCommand),
    /// Shows bundles, their schema, and their signatures in a form that other tools read.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Makes the keys and certificates of a mesh.
    #[command(subcommand)]
    Certs(CertsCommand),
    /// Reads the public log: checks all of it, follows it, proves entries.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Signs and verifies models that were not trained here (OpenSSF Model Signing v1.0).
    #[command(subcommand)]
    Model(ModelCommand),
    /// Makes, exchanges, revokes and lists the signer's keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Writes, checks, signs and shows release policies: what holds a job.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Looks after the scanner's vulnerability database.
    #[command(subcommand)]
    Scanner(ScannerCommand),
    /// Signs, shows and updates what verifiers pin.
    #[command(subcommand)]
    TrustRoot(TrustRootCommand),
    /// Runs a witness that cosigns the ledger's checkpoints, best on another machine.
    #[command(subcommand)]
    Witness(WitnessCommand),
}
