//! A process shuts itself in: no core dumps, no new privileges, no capabilities, landlock, seccomp.
//!
//! [`apply`] is called once, in `main`, before any thread is started: landlock and capabilities
//! belong to threads, and only threads that are started later inherit them. Nothing can be taken
//! back afterwards, neither by the process nor by what it would start. [`renounce`] is the part for
//! a process that has to start others. [`limit`] bounds what a process takes; one that is about to
//! become a program of somebody else ([`Code::Program`]) calls it before [`apply`].
//!
//! What the kernel lacks is left out and reported in [`Applied`], or refuses the start
//! ([`Policy::require`]). A system call that the filter does not let through fails with `ENOSYS`, as
//! on a kernel that has no such call: C libraries know how to go on without (`clone3`, then
//! `clone`).

mod calls;
mod landlocked;
mod limits;
mod privileges;

use std::{fmt, path::PathBuf};

pub use limits::{Limits, limit};
pub use privileges::renounce;

/// What a process may still do after [`apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The files that it may open; `None`: all that their modes let it.
    pub files: Option<Files>,
    /// Whom it may talk to. Sockets that are open already stay usable.
    pub network: Network,
    /// Whose code runs in it.
    pub code: Code,
    /// Whether a layer that the kernel lacks is an error.
    pub require: bool,
}

/// Files and directories, each with all that lies below it. They must exist.
///
/// A file that is replaced by another one of its name (as certificates are) is not the file that
/// was allowed: name its directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// May be read.
    pub read: Vec<PathBuf>,
    /// May be read, written, created and removed.
    pub write: Vec<PathBuf>,
    /// May be read and run: the program that a process is about to become ([`Code::Program`]), and
    /// the loader that a dynamically linked one needs.
    pub execute: Vec<PathBuf>,
}

/// Whom a process may talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// Nobody: it can make no IP socket.
    None,
    /// TCP only. With no port in `dial`, `connect` fails for every address.
    Tcp {
        /// The ports it may listen on; 0 is any free port.
        listen: Vec<u16>,
        /// The ports it may connect to, on any host. Names cannot be looked up: addresses only.
        dial: Vec<u16>,
    },
    /// Everybody, over TCP and UDP.
    Any,
}

/// Whose code runs in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Only what is linked to it: memory that is writable never becomes code, and the system calls
    /// are those that our services make.
    Own,
    /// A module of somebody else is loaded into it: libraries can be loaded, and the system calls
    /// are those of an ordinary program that starts no other. Local sockets are allowed (a reader
    /// of smart cards is one).
    Foreign,
    /// The process becomes a program of somebody else, by `exec`, which landlock holds to
    /// [`Files::execute`]. The system calls are those of a program that starts no other: threads,
    /// but no processes; no sockets at all without a network, not even local ones.
    Program,
}

/// One thing that is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// A crash leaves no memory on disk, and no process of the same user may look into this one.
    CoreDumps,
    /// Set-user-ID programs gain nothing.
    NoNewPrivileges,
    /// Root without the powers of root.
    Capabilities,
    /// Landlock: only the named files (Linux 5.13).
    Files,
    /// Landlock: only the named TCP ports (Linux 6.7).
    TcpPorts,
    /// Landlock: no signals and no abstract sockets to processes outside (Linux 6.12).
    Scopes,
    /// Seccomp: only the listed system calls.
    SystemCalls,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CoreDumps => "no core dumps",
            Self::NoNewPrivileges => "no new privileges",
            Self::Capabilities => "no capabilities",
            Self::Files => "landlock for files",
            Self::TcpPorts => "landlock for TCP ports",
            Self::Scopes => "landlock for signals and abstract sockets",
            Self::SystemCalls => "seccomp",
        })
    }
}

/// What is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The layers that are.
    pub layers: Vec<Layer>,
    /// The layers that the policy asks for and this kernel does not have.
    pub missing: Vec<Layer>,
}

/// One line for the log.
impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&list(&self.layers))?;
        if self.missing.is_empty() {
            return Ok(());
        }
        write!(f, "; this kernel does not have: {}", list(&self.missing))
    }
}

fn list(layers: &[Layer]) -> String {
    layers.iter().map(Layer::to_string).collect::<Vec<_>>().join(", ")
}

/// Why a process could not shut itself in. It must not go on.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// Threads that run already would stay outside.
    #[error("{0} threads run already: a process confines itself before it starts any")]
    Threads(usize),
    /// A privilege could not be given up.
    #[error("cannot give up privileges ({what})")]
    Privileges {
        /// Which.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A path of the policy cannot be opened.
    #[error("cannot allow {path}: it must exist and be reachable when the process confines itself")]
    Path {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: landlock::PathFdError,
    },
    /// The kernel refused the rules of landlock.
    #[error("the kernel refused the landlock rules")]
    Landlock(#[source] Box<landlock::RulesetError>),
    /// The kernel refused the filter, for another reason than that it has none.
    #[error("the kernel refused the seccomp filter")]
    Seccomp(#[source] seccompiler::Error),
    /// The policy requires what the kernel lacks.
    #[error(
        "this kernel does not have: {missing}; boot one that has it (Linux 6.12 or newer, landlock \
         in the kernel's lsm= list, and a container runtime that lets landlock and seccomp calls \
         through), or set confine.require = false to run without"
    )]
    Missing {
        /// The layers.
        missing: String,
    },
}

/// Shuts the calling process in.
///
/// # Errors
/// When a layer fails, or is missing and required; some layers may be in force then.
pub fn apply(policy: &Policy) -> Result<Applied, ConfineError> {
    let mut applied = Applied { layers: renounce()?, missing: Vec::new() };
    landlocked::apply(policy, &mut applied)?;
    calls::apply(policy, &mut applied)?;
    if policy.require && !applied.missing.is_empty() {
        return Err(ConfineError::Missing { missing: list(&applied.missing) });
    }
    Ok(applied)
}
