//! Runs a program to its end and keeps what it said.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// What a program said and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Output {
    /// Whether it ended with that code.
    #[must_use]
    pub fn is(&self, code: i32) -> bool {
        self.code == Some(code)
    }

    /// Holds it to that exit code.
    ///
    /// # Errors
    /// With everything that it said when it ended otherwise.
    pub fn expect(self, code: i32) -> anyhow::Result<Self> {
        let Self { command, stdout, stderr, .. } = &self;
        ensure!(
            self.is(code),
            "{command}\nended with {:?}, expected {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
            self.code
        );
        Ok(self)
    }

    /// What it printed, as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("{} printed no JSON: {}", self.command, self.stdout))
    }
}

/// Runs `command` to its end.
///
/// # Errors
/// When it cannot be started.
pub fn output(command: &mut Command) -> anyhow::Result<Output> {
    let shown = format!("{command:?}");
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {shown}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Output {
        command: shown,
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}
