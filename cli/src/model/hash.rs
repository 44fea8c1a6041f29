//! SHA-256 of many files: each byte is read once, on as many threads as there are cores.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ids::Sha256Digest;
use indicatif::ProgressBar;
use oms::{MAX_RESOURCES, Resource, Serialization};
use rustix::fs::{Advice, OFlags, fadvise};
use sha2::{Digest as _, Sha256};

use super::walk::Found;
use crate::failure::Failure;

/// What is read at once, in bytes; small enough to stay in a core's cache.
const BLOCK_BYTES: usize = 128 * 1024;
/// The most threads that hash.
const MAX_THREADS: usize = 64;

/// A file or a shard of one: what becomes one resource.
struct Piece<'a> {
    file: &'a Found,
    name: String,
    start: u64,
    end: u64,
}

/// Hashes `files`, cut as `serialization` says; the resources come in the order of the files.
pub(super) fn hash(
    files: &[&Found],
    serialization: Serialization,
    bar: &ProgressBar,
) -> Result<Vec<Resource>, Failure> {
    let pieces = cut(files, serialization)?;
    let cores = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let threads = cores.min(pieces.len());
    // The longest first: no core is left alone with one at the end.
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|&index| pieces.get(index).map(|piece| std::cmp::Reverse(piece.length())));
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Sha256Digest)>> = Mutex::new(Vec::with_capacity(pieces.len()));
    let failed: Mutex<Option<Failure>> = Mutex::new(None);
    let work = || {
        let mut hashed = Vec::new();
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(piece) = pieces.get(index) else { break };
            match piece.hash(bar) {
                Ok(digest) => hashed.push((index, digest)),
                Err(error) => {
                    // The others stop at their next piece.
                    next.store(order.len(), Ordering::Relaxed);
                    *lock(&failed) = Some(piece.failure(&error));
                }
            }
        }
        lock(&done).append(&mut hashed);
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    if let Some(failure) = lock(&failed).take() {
        return Err(failure);
    }
    let mut digests = std::mem::take(&mut *lock(&done));
    digests.sort_unstable_by_key(|(index, _)| *index);
    let resources = pieces.into_iter().zip(digests);
    Ok(resources.map(|(piece, (_, sha256))| Resource { name: piece.name, sha256 }).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Cuts files into what becomes resources; an empty file has no shard.
fn cut<'a>(files: &[&'a Found], serialization: Serialization) -> Result<Vec<Piece<'a>>, Failure> {
    let mut pieces = Vec::with_capacity(files.len());
    for &file in files {
        match serialization {
            Serialization::Files => {
                pieces.push(Piece { file, name: file.name.clone(), start: 0, end: file.size });
            }
            Serialization::Shards { size } => {
                let mut start = 0;
                while start < file.size {
                    let end = file.size.min(start.saturating_add(size));
                    let name = format!("{}:{start}:{end}", file.name);
                    pieces.push(Piece { file, name, start, end });
                    start = end;
                    if pieces.len() > MAX_RESOURCES {
                        let what = format!("more than {MAX_RESOURCES} shards of {size} bytes");
                        return Err(Failure::refused(what));
                    }
                }
            }
        }
    }
    Ok(pieces)
}

impl Piece<'_> {
    const fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    fn failure(&self, error: &io::Error) -> Failure {
        Failure::cannot(format_args!("cannot read {}", self.file.path.display())).because(error)
    }

    /// Reads the piece to its end, and fails when the file is not as long as it was.
    fn hash(&self, bar: &ProgressBar) -> io::Result<Sha256Digest> {
        let mut file = open(&self.file.path)?;
        if file.metadata()?.len() != self.file.size {
            return Err(changed());
        }
        file.seek(SeekFrom::Start(self.start))?;
        // A hint: where it is not taken, only time is lost.
        let _ = fadvise(&file, self.start, None, Advice::Sequential);
        // One byte more than a whole file should have shows that it has grown.
        let last = self.end == self.file.size;
        let reader = file.take(self.length().saturating_add(u64::from(last)));
        let mut hasher = Sha256::new();
        let mut length = 0_u64;
        let take = |block: &[u8]| {
            hasher.update(block);
            length = length.saturating_add(block.len() as u64);
            bar.inc(block.len() as u64);
        };
        each_block(reader, take)?;
        if length != self.length() {
            return Err(changed());
        }
        Ok(Sha256Digest::from_bytes(hasher.finalize().into()))
    }
}

fn changed() -> io::Error {
    io::Error::other("it changed while it was read")
}

/// Opens a regular file; neither follows a link nor waits for a pipe that took its place.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(changed()) }
}

/// Reads and hashes in turn: the kernel reads ahead, and a thread that did it as well cost a fifth
/// more processor time for a twentieth less wall time (docs/benchmarks.md).
fn each_block(mut reader: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let length = read_some(&mut reader, &mut block)?;
        match block.get(..length) {
            Some(bytes) if length > 0 => take(bytes),
            _ => return Ok(()),
        }
    }
}

fn read_some(reader: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
