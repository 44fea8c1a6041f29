//! `aibom up` and `aibom down`: a whole mesh on one machine, as separate processes.
//!
//! The services run with the same configuration files that a deployment uses; they lie in
//! `DIR/config`. What is special here is only who starts and stops them.

mod configs;
mod detach;
mod health;
mod identities;
mod plan;
mod ports;
mod process;
mod state;
mod supervise;
mod trainers;
mod witnesses;

use std::path::PathBuf;

use clap::Args;

pub(crate) use detach::down;
pub(crate) use plan::trivy;

use crate::{
    failure::{Exit, Failure},
    runtime::runtime,
    terminal::Terminal,
};

const EXAMPLES: &str = "\
Examples:
  aibom up                                  in the foreground; Ctrl-C stops it
  aibom up --detach                         in the background; 'aibom down' stops it
  aibom up --trainer keras=sha256:…         offers that image under the name keras
  aibom up --base-port 0                    on free ports; DIR/mesh.json says which
  aibom up --signing-keys 'pkcs11:token=aibom?module-path=/usr/lib/p11.so&pin-source=file:/etc/pin'
                                            the signer's keys are in a token
  aibom up --witness 'w.example/w1+5f0c1d2e+BK…=https://w.example:7413'
                                            the ledger asks that witness beside the mesh's own
  aibom up --operator 'Example Institute' --operator-email aibom@example.org
                                            says in every AIBoM who runs the mesh

It writes below DIR:
  mesh.json      the connection profile that the other commands find: of one user and one approver
  certs/         the mesh's keys and certificates (secret); renewed while it runs
  config/        one configuration file for each service
  data/          what the services keep
  logs/          one log for each service

Without --trainer it offers the images aibom/trainer-<name>:dev that the container engine has.";

/// Runs a whole mesh on this machine.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UpArguments {
    /// Where everything is kept.
    #[arg(long, default_value = ".aibom", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// A trainer to offer: a name and an image by digest; may be repeated.
    #[arg(long = "trainer", value_name = "NAME=IMAGE", value_parser = trainers::parse)]
    pub(crate) trainers: Vec<(String, job::Image)>,
    /// Another witness that the ledger asks, which the trust root names; may be repeated.
    #[arg(long = "witness", value_name = "KEY=URL", value_parser = witnesses::parse)]
    pub(crate) witnesses: Vec<witnesses::Witness>,
    /// The first of the ports to listen on, on 127.0.0.1; 0 picks free ones.
    #[arg(long, default_value_t = 7401, value_name = "PORT")]
    pub(crate) base_port: u16,
    /// The trust domain of a new mesh.
    #[arg(long, default_value = "mesh.local", value_name = "NAME")]
    pub(crate) trust_domain: String,
    /// Where the signer's keys are: a directory, or a token as pkcs11:token=… A new mesh makes them
    /// there [default: DIR/certs/keys].
    #[arg(long, value_name = "DIR|URI")]
    pub(crate) signing_keys: Option<String>,
    /// The passphrase of the keys in a directory, when they are encrypted.
    #[arg(long, value_name = "FILE")]
    pub(crate) signing_keys_passphrase_file: Option<PathBuf>,
    /// The directory of the Trivy database (db/trivy.db below it) [default: .tools/trivy-db, or
    /// DIR/trivy-db].
    #[arg(long, value_name = "DIR")]
    pub(crate) trivy_db: Option<PathBuf>,
    /// What the evidence calls that database.
    #[arg(long, default_value = "trivy-db", value_name = "LABEL")]
    pub(crate) trivy_db_label: String,
    /// The oldest database that still counts, in days; with an older one scans are incomplete.
    #[arg(long, default_value_t = 7, value_name = "DAYS")]
    pub(crate) trivy_db_max_age_days: u32,
    /// The Trivy binary [default: .tools/bin/trivy, or the one on PATH].
    #[arg(long, value_name = "FILE")]
    pub(crate) trivy: Option<PathBuf>,
    /// The container engine's socket.
    #[arg(long, default_value = "/var/run/docker.sock", value_name = "SOCKET")]
    pub(crate) docker_socket: PathBuf,
    /// Jobs that the executor runs at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) slots: u32,
    #[command(flatten)]
    pub(crate) operator: OperatorArguments,
    /// Runs in the background.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Set by --detach for the process that it starts.
    #[arg(long, hide = true)]
    pub(crate) in_background: bool,
}

/// Who runs the mesh: what its AIBoMs name as their manufacturer.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OperatorArguments {
    /// Who runs this mesh, for its AIBoMs [default: its trust domain].
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: Option<String>,
    /// A mail address for questions on its AIBoMs.
    #[arg(long, value_name = "ADDRESS", requires = "operator")]
    pub(crate) operator_email: Option<String>,
    /// Its web address.
    #[arg(long, value_name = "URL", requires = "operator")]
    pub(crate) operator_url: Option<String>,
    /// Its security policy or security.txt (RFC 9116).
    #[arg(long, value_name = "URL", requires = "operator")]
    pub(crate) security_policy: Option<String>,
}

impl OperatorArguments {
    /// The operator, if one was named.
    pub(crate) fn operator(&self) -> Result<Option<evidence::Operator>, Failure> {
        let Some(name) = self.operator.clone() else { return Ok(None) };
        let operator = evidence::Operator {
            name,
            url: self.operator_url.clone(),
            email: self.operator_email.clone(),
            security_policy: self.security_policy.clone(),
        };
        match operator.validate() {
            Ok(()) => Ok(Some(operator)),
            Err(invalid) => {
                let option = match invalid.key {
                    "name" => "--operator",
                    "email" => "--operator-email",
                    "url" => "--operator-url",
                    _ => "--security-policy",
                };
                Err(Failure::cannot(format_args!("{option} cannot be used")).because(invalid))
            }
        }
    }
}

/// Stops the mesh that `up` started.
#[derive(Debug, Clone, Args)]
pub(crate) struct DownArguments {
    /// The directory that `up` was given.
    #[arg(long, default_value = ".aibom", value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// Runs `aibom up`.
pub(crate) fn up(terminal: &Terminal, arguments: &UpArguments) -> Result<Exit, Failure> {
    if arguments.detach {
        return detach::up(terminal, arguments);
    }
    // Before the ports: a mesh that runs already explains why they are taken.
    let lock = state::Lock::take(&arguments.dir)?;
    let plan = plan::Plan::make(terminal, arguments)?;
    plan.write()?;
    let outcome = runtime()?.block_on(supervise::run(terminal, &plan));
    drop(lock);
    outcome.map(|()| Exit::Done)
}

#[cfg(test)]
mod tests;
