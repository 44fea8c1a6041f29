//! `aibom-executor`: reads its configuration, runs until SIGTERM or SIGINT, drains.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use executor::{Deps, config::Config};
use tokio::signal::unix::{SignalKind, signal};

/// Runs trainings in locked-down containers and signs what it saw.
#[derive(Debug, Parser)]
#[command(name = "aibom-executor", version)]
struct Arguments {
    /// The configuration file; see config.example.toml.
    #[arg(long, value_name = "FILE", env = "AIBOM_EXECUTOR_CONFIG")]
    config: PathBuf,
    /// Check the configuration and exit: 0 good, 1 bad.
    #[arg(long)]
    check_config: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rpc::install_crypto();
    let arguments = Arguments::parse();
    let path = &arguments.config;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let config = Config::parse(&text).with_context(|| path.display().to_string())?;
    if arguments.check_config {
        return Ok(());
    }
    let telemetry = telemetry::init(&config.telemetry)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let deps = Deps::real(&config).await?;
    let handle = executor::start(config, deps).await?;
    tracing::info!(address = %handle.local_addr(), "executor started");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("executor drains");
    handle.shutdown().await;
    telemetry.shutdown().await;
    Ok(())
}
