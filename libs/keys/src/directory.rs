//! Keys in a directory of PEM files: for development.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    FileKey, FileStamp, FindKeyError, KeyId, KeyStore, LoadKeyError, SigningKey, read_secret,
};

/// The most files that are looked at.
const MAX_FILES: usize = 1_024;
/// How a key file's name ends.
const KEY_SUFFIX: &str = ".key.pem";
/// The longest passphrase, in bytes.
const MAX_PASSPHRASE_BYTES: usize = 1_024;

/// A directory of `*.key.pem` files (PKCS#8, plain or encrypted).
///
/// The directory is looked through for every key; a file is read again only when it changed, as
/// opening an encrypted one is slow on purpose.
#[derive(Debug)]
pub struct DirectoryStore {
    directory: PathBuf,
    passphrase_file: Option<PathBuf>,
    opened: Mutex<Vec<Opened>>,
}

#[derive(Debug, Clone)]
struct Opened {
    path: PathBuf,
    stamp: FileStamp,
    key: Arc<FileKey>,
}

impl DirectoryStore {
    /// The store over `directory`. Encrypted keys are opened with the passphrase in
    /// `passphrase_file`, which only its owner may read.
    #[must_use]
    pub const fn new(directory: PathBuf, passphrase_file: Option<PathBuf>) -> Self {
        Self { directory, passphrase_file, opened: Mutex::new(Vec::new()) }
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

    fn open(&self, path: PathBuf, before: &[Opened]) -> Result<Opened, FindKeyError> {
        let stamp = FileStamp::of(&path).map_err(|error| self.away(error))?;
        if let Some(known) = before.iter().find(|known| known.path == path && known.stamp == stamp)
        {
            return Ok(known.clone());
        }
        let key = match (FileKey::load(&path), &self.passphrase_file) {
            (Err(LoadKeyError::Encrypted { .. }), Some(passphrase_file)) => {
                let passphrase = read_secret(passphrase_file, MAX_PASSPHRASE_BYTES)
                    .map_err(|error| self.away(error))?;
                FileKey::load_encrypted(&path, &passphrase.text)
            }
            (loaded, _) => loaded,
        };
        let key = Arc::new(key.map_err(|error| self.away(error))?);
        Ok(Opened { path, stamp, key })
    }
}

impl std::fmt::Display for DirectoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the key directory {}", self.directory.display())
    }
}

impl KeyStore for DirectoryStore {
    fn find(&self, key_id: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        // A panic elsewhere leaves a list of whole entries behind: it is as good as before.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut now, mut unusable) = (Vec::new(), None);
        for path in self.files()? {
            match self.open(path, &opened) {
                Ok(key) => now.push(key),
                // It may be nobody's business: it is told when the key is in no other file.
                Err(error) => unusable = unusable.or(Some(error)),
            }
        }
        *opened = now;
        let found = opened.iter().find(|opened| opened.key.public_key().key_id() == key_id);
        match found {
            Some(found) => Ok(Arc::<FileKey>::clone(&found.key)),
            None => Err(unusable
                .unwrap_or_else(|| FindKeyError::Missing { key_id, store: self.to_string() })),
        }
    }

    fn ready(&self) -> Result<(), FindKeyError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
