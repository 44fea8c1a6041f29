//! Small secrets in files that only their owner may read: passphrases, PINs and keys.

use std::{
    io::Read as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadSecretError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others than the owner may read the file.
    #[error("{path} has mode {mode:04o}, and others may read it: run 'chmod 600' on it")]
    Mode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is longer than such a secret can be.
    #[error("{path} is longer than {max} bytes: it should hold one secret and nothing else")]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// The bound, in bytes.
        max: usize,
    },
    /// The file is empty, not text, or no plain file.
    #[error("{path} is empty, no plain file or not UTF-8 text: write the secret into it")]
    NoText {
        /// Which file.
        path: PathBuf,
    },
}

/// What tells one state of a file from another without looking at what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileStamp {
    inode: u64,
    length_bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl FileStamp {
    /// The stamp of the file at `path` now.
    ///
    /// # Errors
    /// When the file is not there or may not be looked at.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from_metadata(&metadata))
    }

    fn from_metadata(metadata: &std::fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            length_bytes: metadata.size(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
        }
    }
}

/// A secret, and the stamp of the file that it was read from. It is wiped when dropped.
pub struct SecretFile {
    /// The secret, without the newline that editors put at the end.
    pub text: Zeroizing<String>,
    /// Which state of the file this was.
    pub stamp: FileStamp,
}

impl std::fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretFile").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

/// Reads the secret in `path`: at most `max` bytes of UTF-8, and one newline after it.
///
/// # Errors
/// When the file is missing, readable by others than its owner, too long, empty or not text.
pub fn read_secret(path: &Path, max: usize) -> Result<SecretFile, ReadSecretError> {
    let failed = |source| ReadSecretError::Read { path: path.to_owned(), source };
    let no_text = || ReadSecretError::NoText { path: path.to_owned() };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(no_text());
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(ReadSecretError::Mode { path: path.to_owned(), mode });
    }
    // One buffer that never grows: growing would leave copies behind that nobody wipes.
    let mut buffer = Zeroizing::new(vec![0; max + 2]);
    let mut length = 0;
    loop {
        match file.read(&mut buffer[length..]).map_err(failed)? {
            0 => break,
            read => length += read,
        }
    }
    let bytes = buffer[..length].strip_suffix(b"\n").unwrap_or(&buffer[..length]);
    if bytes.len() > max {
        return Err(ReadSecretError::TooLong { path: path.to_owned(), max });
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty());
    let text = Zeroizing::new(text.ok_or_else(no_text)?.to_owned());
    Ok(SecretFile { text, stamp: FileStamp::from_metadata(&metadata) })
}

#[cfg(test)]
mod tests;
