//! What one process of the signer is: everything in one, or supervisor, server and key agent.
//!
//! With keys in files one process confines itself and serves. With keys in a PKCS#11 token the
//! started process only supervises two others (`hsm::agent` says why): the server holds neither
//! key, PIN nor module, and the agent has no network.

use std::{ffi::OsString, path::Path, process::ExitCode, sync::Arc};

use clap::Subcommand;
use confine::{Applied, Policy};
use keys::KeyStore;
use rpc::CancellationToken;
use signer::Config;
use telemetry::TelemetryConfig;

use crate::{
    confine::{self as policies, ConfineConfig},
    supervise::{self, Roles, die_with},
};

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

/// Where the keys are.
enum Keys {
    File,
    #[expect(dead_code, reason = "the configuration names no token yet")]
    Token {
        uri: String,
    },
}

// What follows until `run` changes with the configuration of tokens.

fn keys_of(_config: &Config) -> Keys {
    Keys::File
}

fn confine_of(_config: &Config) -> ConfineConfig {
    ConfineConfig::default()
}

fn open_token(uri: &str) -> Result<Arc<dyn KeyStore>, String> {
    Err(format!("no PKCS#11 store for {uri}"))
}

/// Runs the role that the command line asks for.
pub(crate) fn run(path: &Path, config: Config, role: Option<Role>) -> anyhow::Result<ExitCode> {
    match (role, keys_of(&config)) {
        (None, Keys::File) => {
            let key_paths = [config.key.clone()];
            let applied =
                shut_in(&config, |confine| policies::server(&config, confine, &key_paths))?;
            serve(config, &applied)
        }
        (None, Keys::Token { .. }) => supervise(path, &config),
        (Some(Role::Serve { supervisor }), Keys::Token { .. }) => {
            die_with(supervisor)?;
            let applied = shut_in(&config, |confine| policies::server(&config, confine, &[]))?;
            let store = hsm::agent::AgentStore::connect(hsm::agent::inherited()?)?;
            let _store: Arc<dyn KeyStore> = Arc::new(store);
            serve(config, &applied)
        }
        (Some(Role::KeyAgent { supervisor }), Keys::Token { uri }) => {
            die_with(supervisor)?;
            std::fs::create_dir_all(policies::agent_dir(&config))?;
            let applied = shut_in(&config, |confine| policies::agent(&config, confine))?;
            agent(&config, uri, &applied)
        }
        (Some(_), Keys::File) => anyhow::bail!("the keys are in files: there is no key agent"),
    }
}

fn shut_in(
    config: &Config,
    policy: impl FnOnce(&ConfineConfig) -> Policy,
) -> anyhow::Result<Applied> {
    std::fs::create_dir_all(&config.state_dir)?;
    Ok(::confine::apply(&policy(&confine_of(config)))?)
}

fn say(applied: &Applied) {
    if applied.missing.is_empty() {
        tracing::info!(%applied, "confined");
    } else {
        tracing::warn!(%applied, "confined in part");
    }
}

fn serve(config: Config, applied: &Applied) -> anyhow::Result<ExitCode> {
    rpc::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = telemetry::init(&config.telemetry)?;
        say(applied);
        let shutdown = CancellationToken::new();
        let handle = signer::start(config, signer::Deps::real(), shutdown.clone()).await?;
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

/// Never returns once it serves: see [`hsm::agent::end_process`].
fn agent(config: &Config, uri: String, applied: &Applied) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let _telemetry = telemetry::init(&log_only(config))?;
    // It ends with its server, not when a service manager ends all processes at once: the server
    // still needs it while it drains. A signal that was caught once is never fatal again.
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?);
    say(applied);
    match hsm::agent::serve(hsm::agent::inherited()?, move || open_token(&uri)) {
        Ok(()) => tracing::info!("the server closed its socket"),
        Err(error) => tracing::error!("{:#}", anyhow::Error::from(error)),
    }
    hsm::agent::end_process()
}
