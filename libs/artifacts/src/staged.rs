//! The staging file of one upload: the one place where bytes are written and hashed, together.

use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use ids::{Digests, Sha256Digest, Sha512Digest};
use sha2::{Digest as _, Sha256, Sha512};

use crate::direct::Direct;

/// From this block size on, SHA-512 gets a thread of its own beside SHA-256 and the write, in bytes.
const LANES_BYTES: u64 = 256 * 1024;

/// How much is read at a time when a prefix is hashed again, in bytes.
const REHASH_BYTES: usize = 1024 * 1024;

/// How much is written before the disk is asked to begin, in bytes.
const SYNC_BYTES: u64 = 64 * 1024 * 1024;

/// Syncs a file, and never forgets that a sync failed: the kernel reports that once only.
#[derive(Debug, Clone)]
pub(crate) struct Syncer {
    file: Arc<File>,
    failed: Arc<Mutex<bool>>,
}

impl Syncer {
    /// Waits until everything written so far is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(io::Error::other("an earlier sync of this file failed"));
        }
        self.file.sync_data().inspect_err(|_| *failed = true)
    }
}

/// Both hash states over the first `length` bytes. The only code that hashes uploaded bytes.
#[derive(Clone, Default)]
struct Hashes {
    sha256: Sha256,
    sha512: Sha512,
    length: u64,
}

/// A staging file and the hashes of what it holds.
pub(crate) struct Staged {
    file: Arc<File>,
    direct: Option<Direct>,
    path: PathBuf,
    hashes: Hashes,
    unsynced: u64,
    syncer: Syncer,
    writer: u64,
}

impl Staged {
    /// Opens the staging file, creating it if there is none. What it holds is hashed, once.
    ///
    /// A file longer than `size` is none of ours and begun anew.
    pub(crate) fn open(path: PathBuf, size: u64, hashed: &AtomicU64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path)?;
        if file.metadata()?.len() > size {
            file.set_len(0)?;
        }
        let mut hashes = Hashes::default();
        let mut block = vec![0; REHASH_BYTES];
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hashes.sha256.update(&block[..read]);
            hashes.sha512.update(&block[..read]);
            hashes.length = hashes.length.saturating_add(read as u64);
            hashed.fetch_add(read as u64, Ordering::Relaxed);
        }
        let file = Arc::new(file);
        let direct = Direct::open(&path, size);
        let syncer = Syncer { file: Arc::clone(&file), failed: Arc::default() };
        let unsynced = hashes.length;
        Ok(Self { file, direct, path, hashes, unsynced, syncer, writer: 0 })
    }

    /// How many bytes are written and hashed.
    pub(crate) const fn written(&self) -> u64 {
        self.hashes.length
    }

    /// Makes the caller the writer, in place of whoever was; the number proves it.
    pub(crate) const fn take_over(&mut self) -> u64 {
        self.writer = self.writer.wrapping_add(1);
        self.writer
    }

    /// Whether nobody took over since [`take_over`](Self::take_over) gave this number.
    pub(crate) const fn is_writer(&self, writer: u64) -> bool {
        self.writer == writer
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(crate) fn syncer(&self) -> Syncer {
        self.syncer.clone()
    }

    /// The digests of everything written.
    pub(crate) fn digests(&self) -> Digests {
        let Hashes { sha256, sha512, .. } = self.hashes.clone();
        Digests {
            sha256: Sha256Digest::from_bytes(sha256.finalize().into()),
            sha512: Sha512Digest::from_bytes(sha512.finalize().into()),
        }
    }

    /// Writes and hashes one block of non-empty chunks. On an error nothing was appended.
    ///
    /// Returns whether enough was written since the last time that a sync should be begun.
    pub(crate) fn append(&mut self, block: &[Bytes], hashed: &AtomicU64) -> io::Result<bool> {
        let length = block.iter().map(|chunk| chunk.len() as u64).sum();
        let before = self.hashes.clone();
        let Hashes { sha256, sha512, .. } = &mut self.hashes;
        let write_and_hash = |sha256: &mut Sha256| {
            block.iter().for_each(|chunk| sha256.update(chunk));
            let pages = match &self.direct {
                Some(direct) => direct.write_pages(block, before.length)?,
                None => 0,
            };
            write_at(&self.file, block, before.length, pages)
        };
        let written = if length < LANES_BYTES {
            block.iter().for_each(|chunk| sha512.update(chunk));
            write_and_hash(sha256)
        } else {
            std::thread::scope(|scope| {
                let lane = || block.iter().for_each(|chunk| sha512.update(chunk));
                let lane = std::thread::Builder::new().spawn_scoped(scope, lane)?;
                let written = write_and_hash(sha256);
                lane.join().map_err(|_| io::Error::other("the hashing thread panicked"))?;
                written
            })
        };
        if let Err(error) = written {
            self.hashes = before;
            return Err(error);
        }
        hashed.fetch_add(length, Ordering::Relaxed);
        self.hashes.length = before.length.saturating_add(length);
        self.unsynced = self.unsynced.saturating_add(length);
        let due = self.unsynced >= SYNC_BYTES;
        if due {
            self.unsynced = 0;
        }
        Ok(due)
    }
}

/// Writes the chunks without their first `done` bytes, which are there already, so that the whole
/// begins at `offset`; gathered into as few calls as the system allows.
fn write_at(mut file: &File, block: &[Bytes], offset: u64, done: usize) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset.saturating_add(done as u64)))?;
    let mut slices: Vec<IoSlice<'_>> = block.iter().map(|chunk| IoSlice::new(chunk)).collect();
    let mut rest = slices.as_mut_slice();
    IoSlice::advance_slices(&mut rest, done);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
