//! The peer: `bom_peer.py` as a process of its own, one document for each line that it is given.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::Context as _;
use serde::Deserialize;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bom_peer.py");

/// What one document cost, in seconds of processor time.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Round {
    /// Making the library's types.
    pub(super) build: f64,
    /// Writing them.
    pub(super) write: f64,
    /// Judging what was written.
    pub(super) validate: f64,
    /// What was written, in bytes.
    pub(super) bytes: u64,
}

/// The process; killed when dropped.
pub(super) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it on an AIBoM.
    pub(super) fn start(aibom: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(e2e::python::tools()?);
        command.arg(SCRIPT).arg(aibom).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the peer")?;
        let input = child.stdin.take().context("the peer has an input")?;
        let output = BufReader::new(child.stdout.take().context("the peer has an output")?);
        Ok(Self { child, input, output })
    }

    /// Has one document built, written and judged.
    pub(super) fn once(&mut self) -> anyhow::Result<Round> {
        self.input.write_all(b"\n").context("the peer ended early")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the peer said {line:?}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended; there is nobody to tell.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
