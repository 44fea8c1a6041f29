//! A file on this machine, hashed once.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use ids::{Digests, Hasher};

const BLOCK_BYTES: usize = 1024 * 1024;

/// A file with its digests as they were when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it is.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Both digests.
    pub digests: Digests,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalFileError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is a directory, a device or a pipe.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// Which file.
        path: PathBuf,
    },
}

impl LocalFile {
    /// Reads `path` to its end, hashing; blocks.
    ///
    /// # Errors
    /// When it is no regular file or cannot be read.
    pub fn hash(path: &Path) -> Result<Self, LocalFileError> {
        let read = |source| LocalFileError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read)?;
        if !file.metadata().map_err(read)?.is_file() {
            return Err(LocalFileError::NotAFile { path: path.to_owned() });
        }
        let mut hasher = Hasher::new();
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let length = file.read(&mut block).map_err(read)?;
            match block.get(..length) {
                Some(bytes) if length > 0 => hasher.update(bytes),
                _ => break,
            }
        }
        Ok(Self { path: path.to_owned(), size: hasher.length(), digests: hasher.finish() })
    }
}
