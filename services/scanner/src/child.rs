//! Runs a tool in its own process group, within a time and an output bound; the whole group is
//! killed when a bound is reached or the caller goes away.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

/// How much of the end of standard error is kept, in bytes.
const STDERR_TAIL_BYTES: usize = 4 * 1024;

/// Why a run gave no output.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("cannot start the tool")]
    Start(#[source] io::Error),
    /// Its output could not be read.
    #[error("cannot read the tool's output")]
    Read(#[source] io::Error),
    /// It took too long, and was killed.
    #[error("the tool did not end within {limit_ms} ms")]
    TimedOut {
        /// The bound.
        limit_ms: u64,
    },
    /// It wrote too much, and was killed.
    #[error("the tool wrote more than {limit} bytes")]
    TooMuch {
        /// The bound.
        limit: usize,
    },
    /// It ended with an error.
    #[error("the tool ended with {status}: {stderr}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
}

/// The bounds of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) time_ms: u64,
    pub(crate) output_bytes: usize,
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

/// Runs `command` without input and gives its standard output.
pub(crate) async fn run(mut command: Command, bounds: Bounds) -> Result<Vec<u8>, ChildError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.process_group(0).kill_on_drop(true).spawn().map_err(ChildError::Start)?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut group = Group(pid);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (output, tail) = tokio::try_join!(bounded(stdout, bounds.output_bytes), tail(stderr))?;
        let status = child.wait().await.map_err(ChildError::Read)?;
        Ok((output, tail, status))
    };
    let limit_ms = bounds.time_ms;
    let ended = tokio::time::timeout(Duration::from_millis(limit_ms), work).await;
    let (output, stderr, status) = ended.map_err(|_| ChildError::TimedOut { limit_ms })??;
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

async fn tail(stream: Option<impl AsyncRead + Unpin>) -> Result<String, ChildError> {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        let mut buffer = [0; STDERR_TAIL_BYTES];
        loop {
            let length = stream.read(&mut buffer).await.map_err(ChildError::Read)?;
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
            kept.extend_from_slice(bytes);
            let surplus = kept.len().saturating_sub(STDERR_TAIL_BYTES);
            kept.drain(..surplus);
        }
    }
    let text = String::from_utf8_lossy(&kept);
    Ok(text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}
