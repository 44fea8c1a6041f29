//! The scanner's process: parse, build, run, drain.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use scanner::{Config, Deps, RunConfined};
use tokio::signal::unix::{SignalKind, signal};

/// Scans trainer images with Trivy and signs what it found.
#[derive(Debug, Parser)]
#[command(version, subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// The configuration file; see config.example.toml.
    #[arg(long, env = "AIBOM_SCANNER_CONFIG", required = true)]
    config: Option<PathBuf>,
    /// Read the configuration, say whether it holds, and end.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What the scanner starts itself as; not for people.
#[derive(Debug, Subcommand)]
enum Role {
    /// Shut in, become a tool.
    #[command(hide = true)]
    RunConfined(RunConfined),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    // Before anything starts a thread: who shuts itself in has one.
    if let Some(Role::RunConfined(order)) = arguments.role {
        return Ok(order.run());
    }
    let path = arguments.config.context("--config names no file")?;
    let config = Config::load(&path).with_context(|| format!("in {}", path.display()))?;
    if !arguments.check_config {
        rpc::install_crypto();
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(config))?;
    }
    Ok(ExitCode::SUCCESS)
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
