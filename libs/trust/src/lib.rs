//! The pinned trust root, read again when its file changes, and never exchanged for an older one.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use evidence::{MAX_TRUST_ROOT_BYTES, TrustRoot, TrustRootError, UpdateError};

/// Why the trust root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The file cannot be read.
    #[error("cannot read the trust root {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is no trust root.
    #[error("the trust root {path} is unusable")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: TrustRootError,
    },
    /// What is in use cannot be remembered.
    #[error("cannot write {path}, which remembers the trust root in use")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file does not take the place of the one in use.
    #[error("the trust root {path} does not take the place of version {old}")]
    Update {
        /// Which file.
        path: PathBuf,
        /// The version in use.
        old: u64,
        /// Why not.
        #[source]
        source: UpdateError,
    },
}

/// What tells that a file was replaced.
type Stamp = Option<(SystemTime, u64)>;

/// A trust root with the bytes of its file.
#[derive(Debug)]
pub struct Pinned {
    /// What it says.
    pub root: TrustRoot,
    /// The file's bytes, without a newline at their end.
    pub bytes: Vec<u8>,
}

/// The trust root in use.
#[derive(Debug)]
pub struct PinnedRoot {
    path: PathBuf,
    seen: Option<PathBuf>,
    current: RwLock<(Stamp, Arc<Pinned>)>,
}

fn stamp(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

fn read(path: &Path) -> Result<Vec<u8>, RootError> {
    let read = |source| RootError::Read { path: path.to_owned(), source };
    let limit = u64::try_from(MAX_TRUST_ROOT_BYTES).unwrap_or(u64::MAX).saturating_mul(2);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(read)?;
    file.take(limit.saturating_add(2)).read_to_end(&mut bytes).map_err(read)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

/// Keeps `bytes` at `seen`, atomically and durably.
fn remember(seen: &Path, bytes: &[u8]) -> Result<(), RootError> {
    let write = |source| RootError::Write { path: seen.to_owned(), source };
    keys::replace_file(seen, bytes, 0o644).map_err(write)
}

impl PinnedRoot {
    /// Reads the trust root. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read, or is no trust root.
    pub fn open(path: &Path) -> Result<Self, RootError> {
        let stamp = stamp(path);
        let bytes = read(path)?;
        let parse = |source| RootError::Parse { path: path.to_owned(), source };
        let root = TrustRoot::parse(&bytes).map_err(parse)?;
        let pinned = Arc::new(Pinned { root, bytes });
        Ok(Self { path: path.to_owned(), seen: None, current: RwLock::new((stamp, pinned)) })
    }

    /// As [`PinnedRoot::open`], but the file must be the one that was in use last, or one that may
    /// take its place: `seen` remembers it from run to run. Blocks.
    ///
    /// # Errors
    /// As [`PinnedRoot::open`], and when the file is older than the one that was in use, or `seen`
    /// cannot be written.
    pub fn open_after(path: &Path, seen: &Path) -> Result<Self, RootError> {
        let mut pinned = Self::open(path)?;
        if seen.exists() {
            let last = Self::open(seen)?.current();
            let bytes = &pinned.current().bytes;
            last.root.succeed(bytes).map_err(|source| RootError::Update {
                path: path.to_owned(),
                old: last.root.version,
                source,
            })?;
        }
        remember(seen, &pinned.current().bytes)?;
        pinned.seen = Some(seen.to_owned());
        Ok(pinned)
    }

    /// The trust root in use; a changed file is read first, and kept out when it will not do.
    /// Blocks for one look at the file.
    #[must_use]
    pub fn current(&self) -> Arc<Pinned> {
        let now = stamp(&self.path);
        let (seen, old) = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            (current.0, Arc::clone(&current.1))
        };
        if now.is_none() || now == seen {
            return old;
        }
        // One at a time, so that what is remembered never goes back either.
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.0 == now {
            return Arc::clone(&current.1);
        }
        match self.newer(&current.1.root) {
            Ok(new) => {
                tracing::info!(target: "audit", version = new.root.version, "trust root read again");
                *current = (now, Arc::new(new));
            }
            Err(error) => {
                // What could not be read or remembered is tried again; what is refused is not.
                if let RootError::Update { .. } | RootError::Parse { .. } = error {
                    current.0 = now;
                }
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the new trust root is not taken, the old one stays");
            }
        }
        Arc::clone(&current.1)
    }

    fn newer(&self, old: &TrustRoot) -> Result<Pinned, RootError> {
        let bytes = read(&self.path)?;
        let update =
            |source| RootError::Update { path: self.path.clone(), old: old.version, source };
        let root = old.succeed(&bytes).map_err(update)?;
        if let Some(seen) = &self.seen {
            remember(seen, &bytes)?;
        }
        Ok(Pinned { root, bytes })
    }
}

#[cfg(test)]
mod tests;
