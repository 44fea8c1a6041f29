//! Running one step: announced, streamed, timed, and named when it fails.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail};

use crate::{
    root::Root,
    say::{say, seconds},
};

/// A program to run as a step of a chore.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    command: Command,
}

impl Step {
    /// The step `name`: `program`, run in the root.
    pub(crate) fn new(root: &Root, name: &str, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root.path());
        Self { name: name.to_owned(), command }
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end; anything but exit code 0 is an error that names the step.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let name = &self.name;
        let begun = Instant::now();
        say(format_args!("── {name}"));
        let status =
            self.command.status().with_context(|| format!("step '{name}' cannot be started"))?;
        let took = seconds(begun.elapsed());
        if !status.success() {
            bail!("step '{name}' failed after {took} ({status})");
        }
        say(format_args!("── {name}: done in {took}"));
        Ok(())
    }

    /// As [`Self::run`], and gives every line that it printed; both streams become one.
    pub(crate) fn tee(mut self) -> anyhow::Result<Vec<String>> {
        let name = self.name.clone();
        let begun = Instant::now();
        say(format_args!("── {name}"));
        let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
        self.command.stdin(Stdio::null());
        self.command.stdout(writer.try_clone().context("cannot use a pipe")?).stderr(writer);
        let mut child =
            self.command.spawn().with_context(|| format!("step '{name}' cannot be started"))?;
        // The command keeps the writing end open; without it the reader sees the end.
        drop(self.command);
        let mut lines = Vec::new();
        for line in BufReader::new(reader).split(b'\n') {
            let line = line.with_context(|| format!("cannot read what '{name}' prints"))?;
            let line = String::from_utf8_lossy(&line).into_owned();
            say(&line);
            lines.push(line);
        }
        let status = child.wait().with_context(|| format!("step '{name}' cannot be waited for"))?;
        let took = seconds(begun.elapsed());
        if !status.success() {
            let summary = crate::test::count(&lines);
            bail!("step '{name}' failed after {took} ({status}); {summary}");
        }
        say(format_args!("── {name}: done in {took}"));
        Ok(lines)
    }
}

/// Whether a program answers to `--version`.
pub(crate) fn is_there(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
