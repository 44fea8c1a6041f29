//! What one process of the signer is: everything in one, or supervisor, server and key agent.
//!
//! With keys in files one process confines itself and serves. With keys in a PKCS#11 token the
//! started process only supervises two others (`hsm::agent` says why): the server holds neither
//! key, PIN nor module, and the agent has no network.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::Subcommand;
use confine::{Applied, Policy};
use hsm::TokenStore;
use keys::{DirectoryStore, KeyStore};
use rpc::CancellationToken;
use signer::{Config, KeysConfig};
use telemetry::TelemetryConfig;

use crate::{
    confine as policies,
    supervise::{self, Roles, die_with},
};

/// What remembers that a PIN was refused, in the agent's directory.
const PIN_STATE_FILE: &str = "pin-refused.json";

/// The roles that a supervisor starts; not for people.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Role {
    #[command(hide = true)]
    /// The process that faces the network; standard input is the supervisor's socket.
    Serve {
        /// The process id of the supervisor.
        #[arg(long)]
        supervisor: i32,
    },
    #[command(hide = true)]
    /// The process with the PKCS#11 module; standard input is the server's socket.
    KeyAgent {
        /// The process id of the supervisor.
        #[arg(long)]
        supervisor: i32,
    },
}

/// Runs the role that the command line asks for.
pub(crate) fn run(path: &Path, config: Config, role: Option<Role>) -> anyhow::Result<ExitCode> {
    match (role, config.keys.clone()) {
        (None, KeysConfig::Directory { directory, passphrase_file }) => {
            let key_paths: Vec<PathBuf> =
                passphrase_file.iter().chain([&directory]).cloned().collect();
            let applied = shut_in(&config, &policies::server(&config, &key_paths))?;
            serve(config, Arc::new(DirectoryStore::new(directory, passphrase_file)), &applied)
        }
        (None, KeysConfig::Pkcs11 { .. }) => supervise(path, &config),
        (Some(Role::Serve { supervisor }), KeysConfig::Pkcs11 { .. }) => {
            die_with(supervisor)?;
            let applied = shut_in(&config, &policies::server(&config, &[]))?;
            let store = hsm::agent::AgentStore::connect(hsm::agent::inherited()?)?;
            serve(config, Arc::new(store), &applied)
        }
        (Some(Role::KeyAgent { supervisor }), KeysConfig::Pkcs11 { uri }) => {
            die_with(supervisor)?;
            std::fs::create_dir_all(policies::agent_dir(&config))?;
            let applied = shut_in(&config, &policies::agent(&config))?;
            agent(&config, uri, &applied)
        }
        (Some(_), KeysConfig::Directory { .. }) => {
            anyhow::bail!("the keys are in files: there is no key agent")
        }
    }
}

fn shut_in(config: &Config, policy: &Policy) -> anyhow::Result<Applied> {
    std::fs::create_dir_all(&config.state_dir)?;
    Ok(::confine::apply(policy)?)
}

fn say(applied: &Applied) {
    if applied.missing.is_empty() {
        tracing::info!(%applied, "confined");
    } else {
        tracing::warn!(%applied, "confined in part");
    }
}

fn serve(config: Config, keys: Arc<dyn KeyStore>, applied: &Applied) -> anyhow::Result<ExitCode> {
    rpc::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = telemetry::init(&config.telemetry)?;
        say(applied);
        let shutdown = CancellationToken::new();
        let handle = signer::start(config, signer::Deps::real(), keys, shutdown.clone()).await?;
        tracing::info!(address = %handle.address(), "serving");
        rpc::until_signal(&shutdown).await;
        handle.stopped().await?;
        telemetry.shutdown().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Logs as configured, without metrics and spans: those are the server's.
fn log_only(config: &Config) -> TelemetryConfig {
    TelemetryConfig { otlp_endpoint: None, metrics_listen: None, ..config.telemetry.clone() }
}

fn supervise(path: &Path, config: &Config) -> anyhow::Result<ExitCode> {
    ::confine::renounce()?;
    let role = |name: &str| -> Vec<OsString> {
        let id = std::process::id().to_string();
        ["--config".into(), path.into(), name.into(), "--supervisor".into(), id.into()].into()
    };
    // The program that runs now, also when its file has been replaced by another version.
    let program = "/proc/self/exe".into();
    let roles = Roles { program, server: role("serve"), agent: role("key-agent") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let _telemetry = telemetry::init(&log_only(config))?;
        Ok(ExitCode::from(supervise::run(&roles).await?))
    })
}

fn open_token(uri: &str, refused: &Path) -> Result<Arc<dyn KeyStore>, String> {
    let uri = uri.parse().map_err(|error: hsm::UriError| error.to_string())?;
    let store =
        TokenStore::new(uri, Some(refused.to_owned())).map_err(|error| error.to_string())?;
    Ok(Arc::new(store))
}

/// Never returns once it serves: see [`hsm::agent::end_process`].
fn agent(config: &Config, uri: String, applied: &Applied) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let _telemetry = telemetry::init(&log_only(config))?;
    // It ends with its server, not when a service manager ends all processes at once: the server
    // still needs it while it drains. A signal that was caught once is never fatal again.
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?);
    say(applied);
    let refused = policies::agent_dir(config).join(PIN_STATE_FILE);
    match hsm::agent::serve(hsm::agent::inherited()?, move || open_token(&uri, &refused)) {
        Ok(()) => tracing::info!("the server closed its socket"),
        Err(error) => tracing::error!("{:#}", anyhow::Error::from(error)),
    }
    hsm::agent::end_process()
}
