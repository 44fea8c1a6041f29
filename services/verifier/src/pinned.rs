//! The pinned trust root, read again when its file changes, and never exchanged for an older one.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use evidence::{MAX_TRUST_ROOT_BYTES, TrustRoot, TrustRootError};

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
    /// The file went back in time.
    #[error("the trust root {path} is version {new}, older than version {old} in use")]
    Older {
        /// Which file.
        path: PathBuf,
        /// The version in use.
        old: u64,
        /// The version in the file.
        new: u64,
    },
}

/// What tells that a file was replaced.
type Stamp = Option<(SystemTime, u64)>;

/// The trust root in use.
#[derive(Debug)]
pub struct PinnedRoot {
    path: PathBuf,
    current: RwLock<(Stamp, Arc<TrustRoot>)>,
}

fn stamp(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

fn load(path: &Path) -> Result<TrustRoot, RootError> {
    let read = |source| RootError::Read { path: path.to_owned(), source };
    let limit = u64::try_from(MAX_TRUST_ROOT_BYTES).unwrap_or(u64::MAX).saturating_add(2);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(read)?;
    file.take(limit).read_to_end(&mut bytes).map_err(read)?;
    TrustRoot::parse(&bytes).map_err(|source| RootError::Parse { path: path.to_owned(), source })
}

impl PinnedRoot {
    /// Reads the trust root. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read, or is no trust root.
    pub fn open(path: &Path) -> Result<Self, RootError> {
        let stamp = stamp(path);
        let root = Arc::new(load(path)?);
        Ok(Self { path: path.to_owned(), current: RwLock::new((stamp, root)) })
    }

    /// The trust root in use; a changed file is read first, and kept out when it will not do.
    /// Blocks for one look at the file.
    #[must_use]
    pub fn current(&self) -> Arc<TrustRoot> {
        let now = stamp(&self.path);
        let (seen, root) = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            (current.0, Arc::clone(&current.1))
        };
        if now.is_none() || now == seen {
            return root;
        }
        let new = match self.newer(root.version) {
            Ok(new) => {
                tracing::info!(target: "audit", version = new.version, "trust root read again");
                Arc::new(new)
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the new trust root is not taken, the old one stays");
                root
            }
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have read an even newer one meanwhile.
        if current.1.version <= new.version {
            *current = (now, Arc::clone(&new));
        }
        Arc::clone(&current.1)
    }

    fn newer(&self, old: u64) -> Result<TrustRoot, RootError> {
        let root = load(&self.path)?;
        if root.version < old {
            let new = root.version;
            return Err(RootError::Older { path: self.path.clone(), old, new });
        }
        Ok(root)
    }
}

#[cfg(test)]
mod tests;
