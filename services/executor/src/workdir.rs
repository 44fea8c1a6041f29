//! The working directory: one fresh directory per attempt, wiped at the start, locked while in use.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, Gid, Uid, chown, flock};

use crate::{
    order::LeaseKey,
    trainer_spec::{INPUT_FILES, trainer_spec},
};

const PREFIX: &str = "attempt-";

/// Why the working directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkDirError {
    /// It cannot be made, locked or cleared.
    #[error("work_dir {path}: {source}")]
    Io {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another executor uses it.
    #[error("work_dir {0} is in use by another executor: give each its own")]
    Busy(PathBuf),
}

/// Who the container runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerUser {
    /// User id, not 0.
    pub uid: u32,
    /// Group id, not 0.
    pub gid: u32,
}

/// The locked working directory.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    _lock: File,
}

/// The name of an attempt's directory.
fn dir_name(key: LeaseKey) -> String {
    format!("{PREFIX}{}-{}-{}", key.job, key.attempt, key.token)
}

impl WorkDir {
    /// Makes the directory where it is missing, locks it, and clears what a crash left; blocks.
    ///
    /// # Errors
    /// When it cannot be made or cleared, or another executor holds it.
    pub fn open(path: &Path) -> Result<Self, WorkDirError> {
        let io = |source| WorkDirError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let path = path.canonicalize().map_err(io)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(io)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| WorkDirError::Busy(path.clone()))?;
        let work = Self { path, _lock: lock };
        work.sweep(Vec::new).map_err(io)?;
        Ok(work)
    }

    /// Removes the directories of all attempts but the ones that `active` tells, which is asked
    /// after the directory was read: what is new then stays. Only directories that this program
    /// made are touched. Blocks.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn sweep(&self, active: impl Fn() -> Vec<LeaseKey>) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            found.extend(name.to_str().filter(|name| name.starts_with(PREFIX)).map(str::to_owned));
        }
        let active: Vec<String> = active().into_iter().map(dir_name).collect();
        for name in found.iter().filter(|name| !active.contains(name)) {
            remove(&self.path.join(name))?;
        }
        Ok(())
    }

    /// Makes the directory of an attempt: `in` for the inputs, `out` for the container's user
    /// alone, `training.log` beside them; blocks.
    ///
    /// # Errors
    /// When the system refuses; without the right to change owners, run the executor as the
    /// container's user.
    pub fn attempt(&self, key: LeaseKey, user: ContainerUser) -> io::Result<AttemptDir> {
        let root = self.path.join(dir_name(key));
        remove(&root)?;
        DirBuilder::new().mode(0o700).create(&root)?;
        let dir = AttemptDir { root };
        DirBuilder::new().mode(0o755).create(dir.inputs())?;
        std::fs::set_permissions(dir.inputs(), Permissions::from_mode(0o755))?;
        DirBuilder::new().mode(0o700).create(dir.outputs())?;
        let own = rustix::process::geteuid().as_raw() == user.uid
            && rustix::process::getegid().as_raw() == user.gid;
        if !own {
            let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
            chown(dir.outputs(), Some(uid), Some(gid))?;
        }
        Ok(dir)
    }

    /// Removes the directory of an attempt; blocks.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(&self, key: LeaseKey) -> io::Result<()> {
        remove(&self.path.join(dir_name(key)))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The directory of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptDir {
    root: PathBuf,
}

impl AttemptDir {
    /// What the container reads.
    #[must_use]
    pub fn inputs(&self) -> PathBuf {
        self.root.join("in")
    }

    /// What the container writes.
    #[must_use]
    pub fn outputs(&self) -> PathBuf {
        self.root.join("out")
    }

    /// What the container prints.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("training.log")
    }

    /// Where the input of that role goes.
    #[must_use]
    pub fn input(&self, role: &str) -> PathBuf {
        let name = INPUT_FILES.iter().find(|(known, _)| *known == role).map_or(role, |(_, n)| n);
        self.inputs().join(name)
    }

    /// Writes `spec.json`; blocks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write_spec(&self, spec: &job::JobSpec) -> io::Result<()> {
        let path = self.inputs().join("spec.json");
        std::fs::write(&path, trainer_spec(spec))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o444))
    }
}
