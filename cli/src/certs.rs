//! `aibom certs`: the keys and certificates of a mesh.

mod authority;
mod duration;
mod store;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use evidence::Environment;
use ids::Role;

pub(crate) use authority::{
    CA_FILE, Issue, LEDGER_KEY_FILE, TRUST_ROOT_FILE, certificates, default_ttl_ms, identity_files,
    init, is_initialised, issue, now,
};
pub(crate) use duration::milliseconds;
pub(crate) use store::{make_private, write_public, write_secret};

use crate::{
    failure::{Exit, Failure},
    keys::{self, NewKeys},
    terminal::{Style, Terminal},
};

const INIT_EXAMPLES: &str = "\
Examples:
  aibom certs init --dir mesh-certs
  aibom certs init --dir mesh-certs --trust-domain ai.example.org
  aibom certs init --dir mesh-certs --passphrase-file root-passphrase

It writes:
  ca.pem, ca.key.pem    the mesh CA: whoever has the key can make any identity
  keys/                 the signer's keys: AIBoMs and layouts (Ed25519), models (P-256);
                        with --store pkcs11:… they are made in a token instead
  root.key.pem          signs the trust root (Ed25519); take it off the mesh
  policy.key.pem        signs release policies (Ed25519); take it off the mesh
  policy.dsse.json      the standard policy, for the signer
  ledger.key.pem        signs checkpoints (Ed25519); only the ledger needs it
  witness.key.pem       cosigns them (Ed25519); only the witness needs it
  trust-root.json       what verifiers pin; give it to everybody

A making that was cut short can simply be repeated.";

const ISSUE_EXAMPLES: &str = "\
Examples:
  aibom certs issue --dir mesh-certs --role executor --name gpu-1 --out for-gpu-1
  aibom certs issue --dir mesh-certs --role user --name alice --ttl 7d
  aibom certs issue --dir mesh-certs --role approver --name bob --out for-bob
  aibom certs issue --dir mesh-certs --role scheduler --name s1 --name-san mesh.example.org

It writes <role>-<name>.pem, <role>-<name>.key.pem and ca.pem. Issuing again renews: running
services notice the new files by themselves.";

/// Makes the keys and certificates of a mesh.
#[derive(Debug, Subcommand)]
pub(crate) enum CertsCommand {
    /// Makes a new mesh: its CA, its signing keys, its trust root. Never overwrites one.
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArguments),
    /// Issues, or renews, the certificate of one party.
    #[command(after_help = ISSUE_EXAMPLES)]
    Issue(IssueArguments),
}

/// Arguments of `certs init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Where the files go; made when it does not exist.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The trust domain: the first part of every identity.
    #[arg(long, default_value = "mesh.local", value_name = "NAME")]
    trust_domain: String,
    /// What the trust root says of itself; a test root may vouch for simulated parts.
    #[arg(long, value_enum, default_value_t = RootKind::Production)]
    environment: RootKind,
    #[command(flatten)]
    keys: NewKeys,
}

/// What a trust root says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RootKind {
    /// Real parts only.
    Production,
    /// For tests.
    Test,
}

impl From<RootKind> for Environment {
    fn from(kind: RootKind) -> Self {
        match kind {
            RootKind::Production => Self::Production,
            RootKind::Test => Self::Test,
        }
    }
}

/// Arguments of `certs issue`.
#[derive(Debug, Args)]
pub(crate) struct IssueArguments {
    /// The directory that `certs init` made.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// What the party is: user, approver, scheduler, executor, scanner, signer, ledger, verifier.
    #[arg(long, value_parser = role)]
    role: Role,
    /// Its name within the role: 1 to 64 of a-z, 0-9, '.', '_', '-'.
    #[arg(long)]
    name: String,
    /// How long the certificate holds, such as 90m, 24h or 30d [default: 24h, users 30d].
    #[arg(long, value_parser = milliseconds, value_name = "TIME")]
    ttl: Option<i64>,
    /// Where the files go [default: DIR/identities].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// DNS name or IP address for stock TLS clients; may be repeated. Mesh clients go by the
    /// SPIFFE id alone [default: localhost and 127.0.0.1].
    #[arg(long, value_name = "NAME")]
    name_san: Vec<String>,
}

fn role(text: &str) -> Result<Role, String> {
    let names = Role::ALL.map(Role::as_str).join(", ");
    text.parse().map_err(|_| format!("the roles are {names}"))
}

/// Runs `aibom certs`.
pub(crate) fn certs(terminal: &Terminal, command: &CertsCommand) -> Result<Exit, Failure> {
    match command {
        CertsCommand::Init(arguments) => {
            let (dir, domain) = (&arguments.dir, &arguments.trust_domain);
            let store = arguments.keys.store(dir)?;
            let root = init(arguments.keys.mesh(dir, domain, arguments.environment, &store))?;
            keys::report(terminal, dir, &store, &root)?;
        }
        CertsCommand::Issue(arguments) => issue_one(terminal, arguments)?,
    }
    Ok(Exit::Done)
}

fn issue_one(terminal: &Terminal, arguments: &IssueArguments) -> Result<(), Failure> {
    let local = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let names = if arguments.name_san.is_empty() { &local[..] } else { &arguments.name_san };
    let issued = issue(&Issue {
        directory: &arguments.dir,
        role: arguments.role,
        name: &arguments.name,
        ttl_ms: arguments.ttl.unwrap_or_else(|| default_ttl_ms(arguments.role)),
        out: arguments.out.as_deref(),
        names,
    })?;
    if terminal.is_json() {
        return terminal.json(&issued);
    }
    let done = terminal.paint(Style::Good, "✓");
    terminal.line(format_args!("{done} {} until {}", issued.spiffe_id, issued.not_after))?;
    terminal.line(format_args!("  certificate  {}", issued.certificate.display()))?;
    terminal.line(format_args!("  key          {}", issued.key.display()))?;
    terminal.line(format_args!("  ca           {}", issued.ca.display()))
}

#[cfg(test)]
mod tests;
