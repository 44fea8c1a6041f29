//! What `up` leaves for `down`: a lock that says it runs, and the processes that it started.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::{certs::write_public, failure::Failure, profile::read_bounded};

const LOCK_FILE: &str = "up.lock";
const STATE_FILE: &str = "up.json";
const MAX_STATE_BYTES: u64 = 64 * 1024;

/// A process that `up` started, with what tells it from another of the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Running {
    /// The service, or `up` itself.
    pub(super) name: String,
    /// Its process id.
    pub(super) pid: i32,
    /// When the kernel started it, in clock ticks since boot.
    pub(super) started: u64,
}

/// What runs in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct State {
    /// `up` itself.
    pub(super) up: Running,
    /// The services, in the order in which they were started.
    pub(super) services: Vec<Running>,
    /// Whether every service answers.
    pub(super) ready: bool,
}

/// Field 22 of `/proc/<pid>/stat`: the start time. The name before it may hold anything.
fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    // A zombie runs no more.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

impl Running {
    /// The process `pid` as it runs now.
    pub(super) fn of(name: &str, pid: i32) -> Option<Self> {
        Some(Self { name: name.to_owned(), pid, started: start_time(pid)? })
    }

    /// Whether that very process still runs.
    pub(super) fn is_alive(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

impl State {
    /// Reads the state in `directory`; `None` when there is none.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let bytes = read_bounded(&directory.join(STATE_FILE), MAX_STATE_BYTES).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes the state.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| Failure::cannot("cannot write the state").because(error))?;
        write_public(&directory.join(STATE_FILE), &bytes)
    }

    /// Forgets the state.
    pub(super) fn remove(directory: &Path) {
        // A file that stays names processes that are gone, which `is_alive` tells.
        let _ = std::fs::remove_file(directory.join(STATE_FILE));
    }
}

/// Held by `up` as long as it runs; the kernel frees it with the process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `directory`.
    pub(super) fn take(directory: &Path) -> Result<Self, Failure> {
        let cannot = |path: &Path, error: &dyn std::fmt::Display| {
            Failure::cannot(format_args!("cannot use {}", path.display())).because(error)
        };
        std::fs::create_dir_all(directory).map_err(|error| cannot(directory, &error))?;
        let path: PathBuf = directory.join(LOCK_FILE);
        let file = File::create(&path).map_err(|error| cannot(&path, &error))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let what = format!("a mesh runs in {} already", directory.display());
            let remedy = format!("stop it with 'aibom down --dir {}'", directory.display());
            return Err(Failure::cannot(what).remedy(remedy));
        }
        if let Some(state) = State::read(directory)
            && let Some(left) = state.services.iter().find(|service| service.is_alive())
        {
            let what =
                format!("the {} of an earlier mesh still runs (process {})", left.name, left.pid);
            let remedy = format!("stop it with 'aibom down --dir {}'", directory.display());
            return Err(Failure::cannot(what).remedy(remedy));
        }
        Ok(Self { _file: file })
    }
}
