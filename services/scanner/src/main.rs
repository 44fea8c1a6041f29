//! The scanner's process: parse, build, run, drain.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use scanner::{Config, Deps};
use tokio::signal::unix::{SignalKind, signal};

/// Scans trainer images with Trivy and signs what it found.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file; see config.example.toml.
    #[arg(long, env = "AIBOM_SCANNER_CONFIG")]
    config: PathBuf,
    /// Read the configuration, say whether it holds, and end.
    #[arg(long)]
    check_config: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = Config::load(&arguments.config)
        .with_context(|| format!("in {}", arguments.config.display()))?;
    if arguments.check_config {
        return Ok(());
    }
    rpc::install_crypto();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<()> {
    let telemetry = telemetry::init(&config.telemetry)?;
    let deps = Deps::of(&config)?;
    let mut service = scanner::start(config, deps).await?;
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ended = service.ended() => {
            telemetry.shutdown().await;
            return Ok(ended?);
        }
    }
    let stopped = service.stop().await;
    telemetry.shutdown().await;
    Ok(stopped?)
}
