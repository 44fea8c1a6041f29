//! The supervisor: starts the service and its key agent, and the agent again when it ends.
//!
//! It holds no key, talks to nobody, and reads nothing that others write. Its children die with it.

use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::ExitStatusExt as _},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
};

/// How long the supervisor waits before it starts an agent again, in milliseconds; each agent that
/// ends soon doubles it.
const BACKOFF_FIRST_MS: u64 = 100;
/// The longest such wait, in milliseconds.
const BACKOFF_MAX_MS: u64 = 2_000;
/// How long an agent must have run for the next wait to be the first again, in milliseconds.
const STEADY_MS: u64 = 10_000;

/// What is started.
#[derive(Debug, Clone)]
pub(crate) struct Roles {
    /// The program, for both.
    pub(crate) program: PathBuf,
    /// The arguments of the process that faces the network; standard input is the socket over which
    /// agents are handed to it.
    pub(crate) server: Vec<OsString>,
    /// The arguments of the process with the module; standard input is its socket.
    pub(crate) agent: Vec<OsString>,
}

/// Has this process killed when its parent ends.
///
/// # Errors
/// When the parent is no more the `supervisor` that started it.
pub(crate) fn die_with(supervisor: i32) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    anyhow::ensure!(
        parent == Some(supervisor),
        "started by process {parent:?}, not by the supervisor {supervisor}: this subcommand is for \
         the supervisor only"
    );
    Ok(())
}

fn start(program: &PathBuf, arguments: &[OsString], stdin: UnixStream) -> std::io::Result<Child> {
    // Groups of their own: Ctrl-C reaches the supervisor only, which ends them in order.
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::from(OwnedFd::from(stdin)));
    command.process_group(0).kill_on_drop(true).spawn()
}

/// The agent of now, or when the next one is due.
enum Agent {
    Running(Child, Instant),
    Due(tokio::time::Instant),
}

impl Agent {
    fn start(roles: &Roles, control: &UnixStream) -> std::io::Result<Self> {
        let (ours, agents) = UnixStream::pair()?;
        let child = start(&roles.program, &roles.agent, agents)?;
        // It fails when the service has ended, which is seen next.
        let _ = hsm::agent::hand_over(control, ours);
        Ok(Self::Running(child, Instant::now()))
    }

    /// Waits until something is to be done about it: how it ended, or nothing when it is due.
    async fn turn(&mut self) -> Option<(std::io::Result<ExitStatus>, Duration)> {
        match self {
            Self::Running(child, since) => Some((child.wait().await, since.elapsed())),
            Self::Due(at) => {
                tokio::time::sleep_until(*at).await;
                None
            }
        }
    }
}

/// Runs both until the service ends; its exit status is the result (128 and the signal's number
/// when it was killed).
///
/// # Errors
/// When the service cannot be started.
pub(crate) async fn run(roles: &Roles) -> anyhow::Result<u8> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (control, services) = UnixStream::pair()?;
    let mut server =
        start(&roles.program, &roles.server, services).context("cannot start the service")?;
    let server_pid = server.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut backoff = Duration::from_millis(BACKOFF_FIRST_MS);
    let mut agent = Agent::Due(tokio::time::Instant::now());
    loop {
        tokio::select! {
            ended = server.wait() => return Ok(code(ended?)),
            ended = agent.turn() => {
                if let Some((status, ran)) = ended {
                    if ran >= Duration::from_millis(STEADY_MS) {
                        backoff = Duration::from_millis(BACKOFF_FIRST_MS);
                    }
                    let how = status.map_or_else(|e| e.to_string(), |status| status.to_string());
                    tracing::error!(how, ?backoff, "the key agent ended, another one starts");
                } else {
                    match Agent::start(roles, &control) {
                        Ok(started) => {
                            agent = started;
                            continue;
                        }
                        Err(error) => tracing::error!(%error, ?backoff, "cannot start a key agent"),
                    }
                }
                agent = Agent::Due(tokio::time::Instant::now() + backoff);
                backoff = (backoff * 2).min(Duration::from_millis(BACKOFF_MAX_MS));
            }
            _ = terminate.recv() => forward(server_pid),
            _ = interrupt.recv() => forward(server_pid),
        }
    }
}

/// Asks the service to drain and end.
fn forward(server: Option<Pid>) {
    // It fails when the service has ended, which is seen next.
    let _ = server.map(|pid| kill_process(pid, Signal::TERM));
}

fn code(status: ExitStatus) -> u8 {
    let killed = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(killed).and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
