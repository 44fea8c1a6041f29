//! What can be asked of `aibom policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const NEW_EXAMPLES: &str = "\
Examples:
  aibom policy new                                   the standard policy, as policy.toml
  aibom policy new --from .aibom/certs/policy.dsse.json
                                                     the one in force, with the next version";

const CHECK_EXAMPLES: &str = "\
Examples:
  aibom policy check policy.toml
  aibom policy check policy.dsse.json --trust-root trust-root.json    its signature, too

Exit codes: 0 valid, 1 invalid, 2 cannot say (usage, unreadable file)";

const SIGN_EXAMPLES: &str = "\
Examples:
  aibom policy sign policy.toml --key policy.key.pem --out policy.dsse.json

The running signer takes the new policy as soon as it is in the place that its configuration names;
jobs that are held wait for a release all the same. A version that is not above the one that it replaces is refused,
here and by the signer.";

const SHOW_EXAMPLES: &str = "\
Examples:
  aibom policy show                       the one in force, from the signer
  aibom policy show policy.dsse.json
  aibom policy show wine                  the one that released a fetched job";

const TRY_EXAMPLES: &str = "\
Examples:
  aibom policy try policy.toml --bundle wine --trust-root trust-root.json

It asks the policy as it would have been asked when the job was signed, without any release by an
approver.

Exit codes: 0 releases, 1 holds, 2 cannot say (usage, unreadable file, a bundle that does not hold)";

/// Writes, checks, signs and shows release policies: what holds a job.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Writes a policy as a TOML file that explains itself.
    #[command(after_help = NEW_EXAMPLES)]
    New(NewArguments),
    /// Checks a policy, and points at what its author should look at.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// Signs a policy.
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(SignArguments),
    /// Shows a policy: of a file, of a bundle, or the one in force.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArguments),
    /// Says what a policy would have decided about a finished job.
    #[command(after_help = TRY_EXAMPLES)]
    Try(TryArguments),
}

/// Arguments of `policy new`.
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// Where it is written; never overwritten.
    #[arg(long, default_value = "policy.toml", value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Begins with this policy, signed or not, instead of the standard one.
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,
    /// What it is called: 1 to 64 of a-z, 0-9, '.', '_', '-'.
    #[arg(long)]
    pub(super) name: Option<String>,
}

/// Arguments of `policy check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The policy: TOML, JSON, or signed.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Also checks the signature of a signed one with this trust root.
    #[arg(long, value_name = "FILE")]
    pub(super) trust_root: Option<PathBuf>,
}

/// Arguments of `policy sign`.
#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The policy: TOML or JSON, or a signed one that is to be signed anew.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The policy key, PEM.
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// The passphrase of the key, when it is encrypted.
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Where the signed policy is written; one that is there is replaced by a higher version only.
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Refuses a key that this trust root does not name for policies now.
    #[arg(long, value_name = "FILE")]
    pub(super) trust_root: Option<PathBuf>,
}

/// Arguments of `policy show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// A policy, a bundle, or a directory that `aibom fetch` made [default: ask the signer].
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
}

/// Arguments of `policy try`.
#[derive(Debug, Args)]
pub(crate) struct TryArguments {
    /// The policy: TOML, JSON, or signed; its signature does not matter here.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The bundle of a finished job, or a directory that `aibom fetch` made.
    #[arg(long, value_name = "BUNDLE")]
    pub(super) bundle: PathBuf,
    /// What to trust: the mesh's trust-root.json.
    #[arg(long, value_name = "FILE")]
    pub(super) trust_root: PathBuf,
}
