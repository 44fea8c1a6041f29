//! The tool as a child process: shut in by the launcher, or plain.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use tokio::process::Command;

use super::{InForce, launcher, order::Order};
use crate::{
    child::{self, Bounds, ChildError},
    config::{Sandbox, ToolConfig},
};

/// The most files that the tool has open at a time.
const OPEN_FILES_MAX: u64 = 1_024;
/// How long the launcher may take to say what is in force, in milliseconds.
const CHECK_MS: u64 = 30_000;
/// The longest that it says, in bytes.
const CHECK_BYTES_MAX: usize = 4_096;

/// Starts the tool in a process of its own.
#[derive(Debug)]
pub(super) struct Processes {
    program: PathBuf,
    /// The program that shuts the tool in; `None`: nobody does.
    launcher: Option<PathBuf>,
    libraries: Vec<PathBuf>,
    require: bool,
    memory_bytes: u64,
    bounds: Bounds,
}

impl Processes {
    pub(super) fn new(config: &ToolConfig) -> Self {
        Self {
            program: config.path.clone(),
            launcher: (config.sandbox == Sandbox::Process).then(|| config.launcher.clone()),
            libraries: config.libraries.clone(),
            require: config.require_sandbox,
            memory_bytes: config.max_memory_bytes,
            bounds: Bounds {
                time_ms: config.timeout_ms,
                output_bytes: config.max_report_bytes,
                scratch_bytes: config.max_scratch_bytes,
            },
        }
    }

    /// What is in force: the launcher shuts itself in and says so.
    pub(super) async fn check(&self) -> Result<InForce, ChildError> {
        let Some(launcher) = &self.launcher else {
            return Ok(InForce { layers: "nothing".to_owned(), missing: "every layer".to_owned() });
        };
        let command = self.confined(launcher);
        let bounds = Bounds { time_ms: CHECK_MS, output_bytes: CHECK_BYTES_MAX, ..self.bounds };
        let said = child::run(command, bounds, None).await.map_err(own_words)?;
        let said = String::from_utf8_lossy(&said);
        let mut lines = said.lines().map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        Ok(InForce { layers: line(), missing: line() })
    }

    /// Runs the tool; gives its standard output.
    pub(super) async fn run(&self, order: Order<'_>) -> Result<Vec<u8>, ChildError> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(ChildError::Start);
        let (program, home) = (absolute(&self.program)?, absolute(order.home)?);
        let input = absolute(order.target.path())?;
        let database = order.database.map(absolute).transpose()?;
        let mut command = match &self.launcher {
            None => Command::new(program),
            Some(launcher) => {
                let mut command = self.confined(launcher);
                command.arg("--read").arg(&input).arg("--write").arg(&home);
                command.arg("--execute").arg(&program);
                for path in database.iter().flat_map(|database| readable(database)) {
                    command.arg("--read").arg(path);
                }
                for path in &self.libraries {
                    command.arg("--execute").arg(path);
                }
                command.arg("--").arg(program);
                command
            }
        };
        command
            .args(order.arguments(&input))
            .env_clear()
            .envs(order.environment(&home, database.as_deref().unwrap_or(&home)))
            .current_dir(&home);
        child::run(command, self.bounds, Some(&home)).await.map_err(|error| match self.launcher {
            Some(_) => own_words(error),
            None => error,
        })
    }

    fn confined(&self, launcher: &Path) -> Command {
        let mut command = Command::new(launcher);
        command.arg("run-confined").arg("--supervisor").arg(std::process::id().to_string());
        for (flag, value) in [
            ("--memory-bytes", self.memory_bytes),
            ("--file-bytes", self.bounds.scratch_bytes),
            ("--open-files", OPEN_FILES_MAX),
        ] {
            command.arg(flag).arg(value.to_string());
        }
        if self.require {
            command.arg("--require");
        }
        command
    }
}

/// The directory of the database; what lies in it may be links to elsewhere.
fn readable(database: &Path) -> impl Iterator<Item = PathBuf> {
    let inside = ["db", "java-db"].map(|name| database.join(name));
    std::iter::once(database.to_owned()).chain(inside).filter(|path| path.exists())
}

/// The launcher's own failures, by its exit status. A tool that ends with the same ones is refused
/// as well, under another name.
fn own_words(error: ChildError) -> ChildError {
    match error {
        ChildError::Failed { status, stderr } if ended_with(status, launcher::NOT_CONFINED) => {
            ChildError::NotConfined { said: stderr }
        }
        ChildError::Failed { status, stderr } if ended_with(status, launcher::NOT_STARTED) => {
            ChildError::Start(std::io::Error::other(stderr))
        }
        error => error,
    }
}

fn ended_with(status: ExitStatus, code: u8) -> bool {
    status.signal().is_none() && status.code() == Some(i32::from(code))
}
