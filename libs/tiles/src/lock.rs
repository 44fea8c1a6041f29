//! One writer of a local directory at a time: a lock on a file that says who holds it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// The lock's file, beside `checkpoint` and `tile`.
pub(crate) const LOCK_FILE: &str = ".writer.lock";
/// The most bytes that are read of who holds it.
const HOLDER_BYTES_MAX: u64 = 256;

/// Why the lock was not taken.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Somebody has it.
    Held { holder: String },
    /// The file cannot be used.
    Io { path: PathBuf, source: io::Error },
}

/// The lock, for as long as this is; the system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the log in `root`, as `who`.
    pub(crate) fn take(root: &Path, who: &str) -> Result<Self, LockError> {
        let path = root.join(LOCK_FILE);
        let failed = |source: io::Error| LockError::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            // It lies in a directory that the world may read.
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // Who it is helps people; not knowing changes nothing.
                let _unreadable = file.take(HOLDER_BYTES_MAX).read_to_string(&mut holder);
                let shown = holder.chars().filter(|c| !c.is_control()).collect::<String>();
                let holder = if shown.is_empty() { "another process".to_owned() } else { shown };
                return Err(LockError::Held { holder });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        file.set_len(0).map_err(failed)?;
        write!(file, "{who}, process {}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
