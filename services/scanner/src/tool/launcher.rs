//! `run-confined`: shuts its own process in, and becomes the tool; or says what would be in force.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, ExitCode},
};

use confine::{Applied, Code, Files, Limits, Network, Policy};
use rpc::status::chain;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// The exit status when the process could not shut itself in.
pub(super) const NOT_CONFINED: u8 = 125;
/// The exit status when it could not become the tool.
pub(super) const NOT_STARTED: u8 = 126;

/// What the tool may still do, and the tool. For the scanner only.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RunConfined {
    /// The process that started this one, and whose end is its end.
    #[arg(long)]
    supervisor: i32,
    /// A file or directory to read.
    #[arg(long)]
    read: Vec<PathBuf>,
    /// A directory to write in.
    #[arg(long)]
    write: Vec<PathBuf>,
    /// A file or directory to read and run.
    #[arg(long)]
    execute: Vec<PathBuf>,
    /// The most memory, in bytes.
    #[arg(long)]
    memory_bytes: u64,
    /// The longest file, in bytes.
    #[arg(long)]
    file_bytes: u64,
    /// The most open files.
    #[arg(long)]
    open_files: u64,
    /// Refuse when the kernel lacks a layer.
    #[arg(long)]
    require: bool,
    /// The tool and its arguments; none: print what is in force, and what is missing, and end.
    #[arg(last = true)]
    tool: Vec<OsString>,
}

impl RunConfined {
    /// Shuts this process in and becomes the tool; comes back only when that failed, or when there
    /// is none. The status says which, the reason is on standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let (said, status) = match self.confine() {
            Ok(applied) => match self.tool.split_first() {
                None => return say(&applied),
                Some((program, arguments)) => {
                    let error = Command::new(program).args(arguments).exec();
                    (format!("cannot start {}: {error}", program.display()), NOT_STARTED)
                }
            },
            Err(error) => (error, NOT_CONFINED),
        };
        let _unread = writeln!(io::stderr(), "{said}");
        ExitCode::from(status)
    }

    fn confine(&self) -> Result<Applied, String> {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| e.to_string())?;
        let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
        if parent != Some(self.supervisor) {
            return Err(format!(
                "started by process {parent:?}, not by {}: run-confined is for the scanner only",
                self.supervisor
            ));
        }
        let limits = Limits {
            memory_bytes: self.memory_bytes,
            file_bytes: self.file_bytes,
            open_files: self.open_files,
        };
        confine::limit(&limits).map_err(|error| chain(&error))?;
        confine::apply(&self.policy()).map_err(|error| chain(&error))
    }

    fn policy(&self) -> Policy {
        let (read, write) = (self.read.clone(), self.write.clone());
        Policy {
            files: Some(Files { read, write, execute: self.execute.clone() }),
            network: Network::None,
            code: Code::Program,
            require: self.require,
        }
    }
}

/// Two lines: what is in force, and what this kernel lacks.
fn say(applied: &Applied) -> ExitCode {
    let join = |layers: &[confine::Layer]| {
        layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let (layers, missing) = (join(&applied.layers), join(&applied.missing));
    match writeln!(io::stdout(), "{layers}\n{missing}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
