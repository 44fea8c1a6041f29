//! Where a monitor's state is kept: replaced whole and durably, by one monitor at a time.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use merkle::LogPolicy;
use monitor::{MAX_STATE_BYTES, State};

use crate::{failure::Failure, profile::read_bounded};

/// Its owner's alone: it tells which entries are mine.
const FILE_MODE: u32 = 0o600;

/// The file, held for as long as the value lives.
pub(super) struct StateFile {
    path: PathBuf,
    _lock: File,
}

impl StateFile {
    /// Holds the file at `path`, whether it is there or not.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let beside = path.with_added_extension("lock");
        let cannot = || Failure::cannot(format_args!("cannot use {}", beside.display()));
        let lock = File::create(&beside).map_err(|error| cannot().because(error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                Failure::cannot(format_args!("another monitor uses {}", path.display()))
                    .remedy("stop it, or name another --state")
            }
            TryLockError::Error(error) => cannot().because(error),
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The state in it; a new one where there is no file.
    pub(super) fn read(&self, policy: &LogPolicy) -> Result<State, Failure> {
        if self.path.symlink_metadata().is_err() {
            return Ok(State::new());
        }
        let bytes = read_bounded(&self.path, MAX_STATE_BYTES as u64 + 1)?;
        State::parse(&bytes, policy).map_err(|error| {
            Failure::cannot(format_args!("cannot use the state {}", self.path.display()))
                .caused_by(&error)
                .remedy("keep the file as evidence, and begin anew with another --state")
        })
    }

    /// Replaces it.
    pub(super) fn write(&self, state: &State) -> Result<(), Failure> {
        let cannot = || Failure::cannot(format_args!("cannot keep {}", self.path.display()));
        let bytes = state.to_bytes().map_err(|error| cannot().because(error))?;
        keys::replace_file(&self.path, &bytes, FILE_MODE).map_err(|error| cannot().because(error))
    }
}
