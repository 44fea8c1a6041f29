//! Runs a tool in its own process group, within bounds on time, output and scratch space; the whole
//! group is killed when a bound is reached or the caller goes away.

mod space;

use std::{
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

/// How much of the beginning of standard error is kept, in bytes.
const STDERR_HEAD_BYTES: usize = 1024;
/// How much of its end.
const STDERR_TAIL_BYTES: usize = 2 * 1024;
/// How much of it is read at a time.
const STDERR_PIECE_BYTES: usize = 4 * 1024;

/// Why a run gave no output. Each says what to do; the caller sees this text.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started: no such file, not executable, of another architecture.
    #[error("Trivy cannot be started ({0}); deploy/setup/trivy.sh installs one that runs here")]
    Start(io::Error),
    /// It could not be shut in.
    #[error("Trivy could not be shut in ({said}); tool.sandbox says how it should")]
    NotConfined {
        /// What the launcher said.
        said: String,
    },
    /// Its output could not be read.
    #[error("Trivy's output cannot be read ({0}); try again")]
    Read(io::Error),
    /// The engine that runs its container failed.
    #[error("the engine did not run Trivy's container ({0}); see the engine's log")]
    Engine(String),
    /// It took too long, and was killed.
    #[error(
        "Trivy did not end within {limit_ms} ms; see whether the machine is overloaded, \
         or raise tool.timeout_ms"
    )]
    TimedOut {
        /// The bound.
        limit_ms: u64,
    },
    /// It wrote too much, and was killed.
    #[error(
        "Trivy wrote a report of more than {limit} bytes; raise tool.max_report_bytes if the \
         image is so large"
    )]
    TooMuch {
        /// The bound.
        limit: usize,
    },
    /// It filled its scratch directory, and was killed.
    #[error(
        "Trivy wrote more than {limit} bytes of scratch files; raise tool.max_scratch_bytes if \
         the image is so large"
    )]
    Scratch {
        /// The bound.
        limit: u64,
    },
    /// It ended with an error.
    #[error("Trivy ended with {status}: {stderr}; the scanner's README lists what it can mean")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error: the beginning and the end.
        stderr: String,
    },
}

/// The bounds of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) time_ms: u64,
    pub(crate) output_bytes: usize,
    pub(crate) scratch_bytes: u64,
}

/// Kills the group when dropped, unless the leader was reaped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Gone already: nothing to kill.
            let _gone = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs `command` without input and gives its standard output; `scratch` is where it writes.
pub(crate) async fn run(
    mut command: Command,
    bounds: Bounds,
    scratch: Option<&Path>,
) -> Result<Vec<u8>, ChildError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.process_group(0).kill_on_drop(true).spawn().map_err(ChildError::Start)?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut group = Group(pid);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (output, tail) = tokio::try_join!(bounded(stdout, bounds.output_bytes), ends(stderr))?;
        let status = child.wait().await.map_err(ChildError::Read)?;
        Ok((output, tail, status))
    };
    let (limit_ms, limit) = (bounds.time_ms, bounds.scratch_bytes);
    let (output, stderr, status) = tokio::select! {
        ended = work => ended?,
        () = space::exceeded(scratch, limit) => return Err(ChildError::Scratch { limit }),
        () = tokio::time::sleep(Duration::from_millis(limit_ms)) => {
            return Err(ChildError::TimedOut { limit_ms });
        }
    };
    // The leader is reaped: its number may soon be another's.
    group.0 = None;
    if status.success() { Ok(output) } else { Err(ChildError::Failed { status, stderr }) }
}

async fn bounded(
    stream: Option<impl AsyncRead + Unpin>,
    limit: usize,
) -> Result<Vec<u8>, ChildError> {
    let mut output = Vec::new();
    if let Some(stream) = stream {
        let mut stream = stream.take(limit as u64 + 1);
        stream.read_to_end(&mut output).await.map_err(ChildError::Read)?;
    }
    if output.len() > limit { Err(ChildError::TooMuch { limit }) } else { Ok(output) }
}

async fn ends(stream: Option<impl AsyncRead + Unpin>) -> Result<String, ChildError> {
    let mut kept = Ends::default();
    if let Some(mut stream) = stream {
        let mut buffer = vec![0; STDERR_PIECE_BYTES];
        loop {
            let length = stream.read(&mut buffer).await.map_err(ChildError::Read)?;
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
            kept.push(bytes);
        }
    }
    Ok(kept.text())
}

/// The beginning of a stream, where a panic says why, and its end, where everything else does.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: bool,
}

impl Ends {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = STDERR_HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        let surplus = self.tail.len().saturating_sub(STDERR_TAIL_BYTES);
        self.left_out |= surplus > 0;
        self.tail.drain(..surplus);
    }

    /// As text without control characters.
    pub(crate) fn text(&self) -> String {
        let gap: &[u8] = if self.left_out { b" [...] " } else { b"" };
        let kept = [&self.head, gap, &self.tail].concat();
        let text = String::from_utf8_lossy(&kept);
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

#[cfg(test)]
mod tests;
