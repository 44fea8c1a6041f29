//! Keys in a directory of PEM files: for development.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{FileKey, FindKeyError, KeyId, KeyStore, SigningKey};

/// The most files that are looked at.
const MAX_FILES: usize = 1_024;
/// How a key file's name ends.
const KEY_SUFFIX: &str = ".key.pem";

/// A directory of `*.key.pem` files (PKCS#8), looked through anew for every key.
#[derive(Debug)]
pub struct DirectoryStore {
    directory: PathBuf,
}

impl DirectoryStore {
    /// The store over `directory`.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    fn away(&self, reason: impl std::fmt::Display) -> FindKeyError {
        FindKeyError::Away { store: self.to_string(), reason: reason.to_string() }
    }

    fn files(&self) -> Result<Vec<PathBuf>, FindKeyError> {
        let entries = std::fs::read_dir(&self.directory).map_err(|error| self.away(error))?;
        let paths = entries.take(MAX_FILES).filter_map(|entry| Some(entry.ok()?.path()));
        let is_key = |path: &Path| path.to_str().is_some_and(|path| path.ends_with(KEY_SUFFIX));
        Ok(paths.filter(|path| is_key(path)).collect())
    }
}

impl std::fmt::Display for DirectoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the key directory {}", self.directory.display())
    }
}

impl KeyStore for DirectoryStore {
    fn find(&self, key_id: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        for path in self.files()? {
            let key = FileKey::load(&path).map_err(|error| self.away(error))?;
            if key.public_key().key_id() == key_id {
                return Ok(Arc::new(key));
            }
        }
        Err(FindKeyError::Missing { key_id, store: self.to_string() })
    }

    fn ready(&self) -> Result<(), FindKeyError> {
        Ok(())
    }
}
