//! One service as a child process: started, watched, started again, stopped.

use std::{
    fs::OpenOptions,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use rpc::CancellationToken;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
};

use super::{
    configs::DRAIN_MS,
    plan::{Part, Plan},
    state::Running,
};
use crate::failure::Failure;

/// How long a service may take to stop before it is killed, in milliseconds.
const STOP_MS: u64 = DRAIN_MS.unsigned_abs() + 5_000;
/// The first pause before a dead service is started again, in milliseconds; then twice as long.
const FIRST_BACKOFF_MS: u64 = 500;
/// The longest such pause, in milliseconds.
const MAX_BACKOFF_MS: u64 = 30_000;
/// A service that ran this long was well: the pause begins small again. In milliseconds.
const WELL_MS: u128 = 60_000;
/// How much of a log is shown when its service dies, in bytes.
const TAIL_BYTES: u64 = 2_048;

/// What happened to a service.
#[derive(Debug)]
pub(super) enum Event {
    /// It runs, as this process.
    Started(Part, Running),
    /// It ended without being asked to; it is started again after the pause, in milliseconds.
    Died(Part, String, u64),
    /// It cannot be started at all.
    Broken(Failure),
}

/// Everything that it takes to run one service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) plan: Plan,
    pub(super) part: Part,
    pub(super) stop: CancellationToken,
    pub(super) events: mpsc::Sender<Event>,
}

/// The end of a log file, for people.
pub(super) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    match read() {
        Ok(text) if !text.is_empty() => text,
        _ => "(its log is empty)".to_owned(),
    }
}

/// Sends a signal; a process that is gone needs none.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

fn id(child: &Child) -> i32 {
    child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default()
}

impl Service {
    fn spawn(&self) -> Result<Child, Failure> {
        let part = self.part;
        let cannot = |error: std::io::Error| {
            Failure::cannot(format_args!("cannot start the {part}")).because(error)
        };
        let log = OpenOptions::new().create(true).append(true).open(self.plan.log(part));
        let log = log.map_err(cannot)?;
        let mut command = match part {
            Part::Witness => {
                let mut own = Command::new(std::env::current_exe().map_err(cannot)?);
                own.args(["witness", "serve"]);
                own
            }
            Part::Service(role) => {
                Command::new(self.plan.binaries.get(&role).cloned().unwrap_or_default())
            }
        };
        command
            .arg("--config")
            .arg(self.plan.config(part))
            // The end of the log is for people: the cause of an error, not where it was made.
            .env("RUST_LIB_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(cannot)?)
            .stderr(log)
            // Its own group: Ctrl-C on the terminal is for us, we stop it in our order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot)
    }

    /// Runs the service until it is told to stop; a dead one is started again.
    pub(super) async fn run(self) {
        let mut backoff_ms = FIRST_BACKOFF_MS;
        loop {
            let mut child = match self.spawn() {
                Ok(child) => child,
                Err(failure) => {
                    let _ = self.events.send(Event::Broken(failure)).await;
                    return;
                }
            };
            let begun = Instant::now();
            if let Some(running) = Running::of(self.part.as_str(), id(&child)) {
                let _ = self.events.send(Event::Started(self.part, running)).await;
            }
            let ended = tokio::select! {
                () = self.stop.cancelled() => return stop(child).await,
                ended = child.wait() => ended,
            };
            if begun.elapsed().as_millis() >= WELL_MS {
                backoff_ms = FIRST_BACKOFF_MS;
            }
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            let _ = self.events.send(Event::Died(self.part, how, backoff_ms)).await;
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(backoff_ms)) => {}
            }
            backoff_ms = (backoff_ms * 2).min(MAX_BACKOFF_MS);
        }
    }
}

/// Asks a service to end, and ends it when it does not.
async fn stop(mut child: Child) {
    signal(id(&child), Signal::TERM);
    let bound = Duration::from_millis(STOP_MS);
    if tokio::time::timeout(bound, child.wait()).await.is_err() {
        // It had its time. Whether the kernel could kill it shows in `wait`.
        let _ = child.kill().await;
    }
}
