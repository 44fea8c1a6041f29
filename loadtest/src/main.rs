//! `loadtest`: measures the real processes beside what they are held against, in one run:
//! submissions beside an echo over the same stack, uploads beside raw TLS with hashing, both beside
//! the disk, and the real signer process beside a token alone. It listens and connects on the
//! loopback only and removes what it made.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod bom;
mod cpu;
mod disk;
mod echo;
mod grpc;
mod machine;
mod options;
mod raw_tls;
mod report;
mod requests;
mod rounds;
mod run;
mod signer;
mod site;
mod steps;
mod submit;
mod table;
mod upload;

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

/// How long threads that still write may keep the process, in milliseconds.
const LEAVE_MS: u64 = 2_000;

fn main() -> ExitCode {
    let options = options::Options::parse();
    rpc::install_crypto();
    match measure(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command; at a signal everything is dropped, which ends processes and removes files.
fn measure(options: options::Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = run::run(options) => outcome,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
            _ = terminated.recv() => anyhow::bail!("terminated"),
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(LEAVE_MS));
    outcome
}
