//! Which uploads are staged, who writes them, and how much they were promised.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    config::Limits,
    names::{Promise, UploadId, parse_staging_name, staging_name},
    staged::Staged,
};

/// The most uploads that are staged, whether written or waiting to be resumed. Each holds a file
/// handle.
const STAGED_MAX: usize = 512;

/// Why an upload was not begun or resumed.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The artifact is larger than the store takes.
    #[error("an artifact of {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Bytes promised.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The upload has a writer, or is just being swept.
    #[error("the upload {id} is being written already")]
    Busy {
        /// The upload.
        id: UploadId,
    },
    /// The upload was begun with another digest or size.
    #[error("the upload {id} was begun for another digest or size")]
    Different {
        /// The upload.
        id: UploadId,
    },
    /// As many uploads as allowed are being written, or wait to be resumed. Try again later.
    #[error("{limit} uploads are under way already")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The staged uploads were promised too much together. Try again later.
    #[error("staging has no room for {size} bytes: {reserved} of {limit} are reserved")]
    StagingFull {
        /// Bytes promised.
        size: u64,
        /// Bytes reserved by the others.
        reserved: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The disk is full.
    #[error("the staging disk is full")]
    Full(#[source] io::Error),
    /// The staging file could not be opened or read.
    #[error("cannot stage the upload")]
    Io(#[source] io::Error),
}

/// The staged file once it is open; locked by blocking threads only, for one block at a time.
pub(crate) type Slot = Arc<Mutex<Option<Staged>>>;

/// The slot's content. What a panic may have left half done is forgotten, to be hashed again.
pub(crate) fn lock(slot: &Slot) -> MutexGuard<'_, Option<Staged>> {
    slot.lock().unwrap_or_else(|poisoned| {
        slot.clear_poison();
        let mut staged = poisoned.into_inner();
        *staged = None;
        staged
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Idle,
    Written,
    Swept,
}

struct Entry {
    promise: Promise,
    slot: Slot,
    used: Use,
}

#[derive(Default)]
struct Entries {
    by_id: HashMap<UploadId, Entry>,
    reserved: u64,
    written: usize,
}

/// Every staged upload of one staging directory.
pub(crate) struct Registry {
    directory: PathBuf,
    limits: Limits,
    entries: Mutex<Entries>,
}

impl Registry {
    /// Finds what earlier processes left. Files that are none of ours are left alone.
    pub(crate) fn open(directory: PathBuf, limits: Limits) -> io::Result<Self> {
        let mut entries = Entries::default();
        for file in std::fs::read_dir(&directory)? {
            let name = file?.file_name();
            let Some((id, promise)) = name.to_str().and_then(parse_staging_name) else {
                continue;
            };
            let entry = Entry { promise, slot: Slot::default(), used: Use::Idle };
            if entries.by_id.insert(id, entry).is_none() {
                entries.reserved = entries.reserved.saturating_add(promise.size);
            }
        }
        Ok(Self { directory, limits, entries: Mutex::new(entries) })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the caller the one writer of the upload until the lease is dropped.
    pub(crate) fn lease(
        self: &Arc<Self>,
        id: UploadId,
        promise: Promise,
    ) -> Result<Lease, BeginError> {
        let Limits { artifact_bytes_max, uploads_max, staging_bytes_max } = self.limits;
        let size = promise.size;
        if size > artifact_bytes_max {
            return Err(BeginError::TooLarge { size, limit: artifact_bytes_max });
        }
        let mut entries = self.entries();
        let Entries { by_id, reserved, written } = &mut *entries;
        match by_id.get(&id) {
            Some(entry) if entry.promise != promise => return Err(BeginError::Different { id }),
            Some(entry) if entry.used != Use::Idle => return Err(BeginError::Busy { id }),
            Some(_) => {}
            None if reserved.saturating_add(size) > staging_bytes_max => {
                let (reserved, limit) = (*reserved, staging_bytes_max);
                return Err(BeginError::StagingFull { size, reserved, limit });
            }
            None => {}
        }
        if *written >= uploads_max {
            return Err(BeginError::TooMany { limit: uploads_max });
        }
        if by_id.len() >= STAGED_MAX && !by_id.contains_key(&id) {
            return Err(BeginError::TooMany { limit: STAGED_MAX });
        }
        *written = written.saturating_add(1);
        let entry = by_id.entry(id).or_insert_with(|| {
            *reserved = reserved.saturating_add(size);
            Entry { promise, slot: Slot::default(), used: Use::Idle }
        });
        entry.used = Use::Written;
        let slot = Arc::clone(&entry.slot);
        let path = self.directory.join(staging_name(id, &promise));
        Ok(Lease { registry: Arc::clone(self), id, promise, path, slot, gone: false })
    }

    /// Removes the idle uploads whose files were not written for `older_than`. Blocks.
    pub(crate) fn sweep(&self, older_than: Duration) -> io::Result<(u64, u64)> {
        let idle: Vec<(UploadId, Promise)> = {
            let mut entries = self.entries();
            let idle = entries.by_id.iter_mut().filter(|(_, entry)| entry.used == Use::Idle);
            idle.map(|(id, entry)| {
                entry.used = Use::Swept;
                (*id, entry.promise)
            })
            .collect()
        };
        let (mut files, mut bytes, mut failed) = (0_u64, 0_u64, None);
        for (id, promise) in idle {
            match remove_if_old(&self.directory.join(staging_name(id, &promise)), older_than) {
                Ok(Some(length)) => {
                    files = files.saturating_add(1);
                    bytes = bytes.saturating_add(length);
                    self.end(id, true, 0);
                }
                Ok(None) => self.end(id, false, 0),
                Err(error) => {
                    failed = Some(error);
                    self.end(id, false, 0);
                }
            }
        }
        failed.map_or(Ok((files, bytes)), Err)
    }

    /// Ends the use of an upload: it is gone, or waits to be resumed.
    fn end(&self, id: UploadId, gone: bool, written: usize) {
        let mut entries = self.entries();
        entries.written = entries.written.saturating_sub(written);
        if !gone {
            if let Some(entry) = entries.by_id.get_mut(&id) {
                entry.used = Use::Idle;
            }
        } else if let Some(entry) = entries.by_id.remove(&id) {
            entries.reserved = entries.reserved.saturating_sub(entry.promise.size);
        }
    }
}

/// The length of the file that was removed; `None` when it is too young.
fn remove_if_old(path: &Path, older_than: Duration) -> io::Result<Option<u64>> {
    let data = match std::fs::metadata(path) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(0)),
        Err(error) => return Err(error),
    };
    // A file from the future (the clock stepped back) counts as young.
    if data.modified()?.elapsed().unwrap_or_default() < older_than {
        return Ok(None);
    }
    std::fs::remove_file(path)?;
    Ok(Some(data.len()))
}

/// The right to write one upload. Dropping it leaves the upload to be resumed.
pub(crate) struct Lease {
    registry: Arc<Registry>,
    pub(crate) id: UploadId,
    pub(crate) promise: Promise,
    pub(crate) path: PathBuf,
    pub(crate) slot: Slot,
    gone: bool,
}

impl Lease {
    /// Forgets the upload, whose file was moved away.
    pub(crate) fn moved(mut self) {
        self.gone = true;
    }

    /// Removes what was staged and forgets the upload. Blocks.
    pub(crate) fn discard(mut self) {
        *lock(&self.slot) = None;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(upload = %self.id, %error, "a staged file could not be removed");
            }
            _ => self.gone = true,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.registry.end(self.id, self.gone, 1);
    }
}
