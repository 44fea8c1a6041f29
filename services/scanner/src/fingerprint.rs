//! SHA-256 of a file, computed again only when the file changed.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _, Seek as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ids::Sha256Digest;
use sha2::{Digest as _, Sha256};

/// What changes when a file's content does: device, inode, length, and both times in nanoseconds.
type Stamp = (u64, u64, u64, [i64; 4]);

/// A file's digest, and the stamp that it had before and after it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) sha256: Sha256Digest,
    stamp: Stamp,
}

impl Print {
    /// Of content that never changes, such as that of an image by its id.
    pub(crate) const fn unchanging(sha256: Sha256Digest) -> Self {
        Self { sha256, stamp: (0, 0, 0, [0; 4]) }
    }
}

/// A file whose digest is remembered.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprint {
    path: Arc<PathBuf>,
    last: Arc<Mutex<Option<Print>>>,
}

impl Fingerprint {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path: Arc::new(path), last: Arc::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The digest now; reads the file when it changed since the last call.
    pub(crate) async fn print(&self) -> io::Result<Print> {
        let this = self.clone();
        blocking(move || this.remembered(File::open(this.path())?)).await
    }

    /// As [`Self::print`], of a file that was opened at the path earlier.
    pub(crate) async fn print_of(&self, file: File) -> io::Result<Print> {
        let this = self.clone();
        blocking(move || this.remembered(file)).await
    }

    fn remembered(&self, file: File) -> io::Result<Print> {
        let stamp = stamp(&file.metadata()?);
        // Held while hashing: who asks meanwhile wants the same answer.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(print) = last.filter(|print| print.stamp == stamp) {
            return Ok(print);
        }
        let print = hash(file)?;
        *last = Some(print);
        Ok(print)
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<Print> + Send + 'static) -> io::Result<Print> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The digest of a file that nobody changes meanwhile.
pub(crate) fn hash(mut file: File) -> io::Result<Print> {
    file.rewind()?;
    let before = stamp(&file.metadata()?);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    if stamp(&file.metadata()?) != before {
        return Err(io::Error::other("the file changed while it was read"));
    }
    Ok(Print { sha256: Sha256Digest::from_bytes(hasher.finalize().into()), stamp: before })
}

fn stamp(metadata: &Metadata) -> Stamp {
    let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    (metadata.dev(), metadata.ino(), metadata.len(), times)
}
