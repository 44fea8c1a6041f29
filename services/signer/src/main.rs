//! Entry point: parse the command line, build the configuration, run until a signal.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use rpc::CancellationToken;

/// The signer of an AIBoM mesh: derives AIBoMs from evidence that holds, signs them, and has no way
/// to sign anything else.
#[derive(Debug, Parser)]
#[command(version, after_help = "Example: aibom-signer --config signer.toml")]
struct Arguments {
    /// The configuration file (see config.example.toml).
    #[arg(long)]
    config: PathBuf,
    /// Check the configuration and exit: 0 good, 1 bad.
    #[arg(long)]
    check_config: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            #[expect(clippy::print_stderr, reason = "telemetry may not be up")]
            {
                eprintln!("aibom-signer: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = signer::Config::read(&arguments.config)?;
    if arguments.check_config {
        return Ok(());
    }
    rpc::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = telemetry::init(&config.telemetry)?;
        let shutdown = CancellationToken::new();
        let store = match &config.keys {
            signer::KeysConfig::Directory { directory, passphrase_file } => std::sync::Arc::new(
                keys::DirectoryStore::new(directory.clone(), passphrase_file.clone()),
            ),
            signer::KeysConfig::Pkcs11 { .. } => anyhow::bail!("not yet"),
        };
        let handle = signer::start(config, signer::Deps::real(), store, shutdown.clone()).await?;
        tracing::info!(address = %handle.address(), "serving");
        rpc::until_signal(&shutdown).await;
        handle.stopped().await?;
        telemetry.shutdown().await;
        Ok(())
    })
}
