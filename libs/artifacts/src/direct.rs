//! Writes of large uploads that go past the page cache, where the file system allows it.
//!
//! A large artifact is written once and not read at once: copying it into the page cache first
//! costs more processor time than everything else that an upload does (`docs/benchmarks.md`).

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
};

use bytes::Bytes;
use rustix::fs::OFlags;

/// From this promised size on the page cache is passed by, in bytes; what is smaller is likely to
/// be read soon.
const DIRECT_FROM_BYTES: u64 = 16 * 1024 * 1024;

/// What addresses, offsets and lengths are multiples of, in bytes: what every usual disk takes.
const ALIGN_BYTES: usize = 4096;

/// A second handle of the staging file, opened with `O_DIRECT`.
pub(crate) struct Direct(File);

impl Direct {
    /// Opens the file at `path` once more; `None` for a small upload or where it is not supported.
    pub(crate) fn open(path: &Path, promised: u64) -> Option<Self> {
        if promised < DIRECT_FROM_BYTES {
            return None;
        }
        let flags = i32::try_from(OFlags::DIRECT.bits()).ok()?;
        let file = OpenOptions::new().write(true).custom_flags(flags).open(path);
        file.ok().map(Self)
    }

    /// Writes as many whole pages of the block as it can, and says how many bytes those were: none
    /// when `offset` is not at a page, or the disk wants another alignment.
    pub(crate) fn write_pages(&self, block: &[Bytes], offset: u64) -> io::Result<usize> {
        let length = block.iter().map(Bytes::len).sum::<usize>() / ALIGN_BYTES * ALIGN_BYTES;
        if length == 0 || !offset.is_multiple_of(ALIGN_BYTES as u64) {
            return Ok(0);
        }
        // Room for one page more, so that the pages can begin at an aligned address in it.
        let mut buffer: Vec<u8> = Vec::with_capacity(length + ALIGN_BYTES);
        let begin = buffer.as_ptr().align_offset(ALIGN_BYTES);
        buffer.resize(begin, 0);
        let end = begin.saturating_add(length);
        for chunk in block {
            let room = end - buffer.len();
            buffer.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        match self.0.write_all_at(&buffer[begin..], offset) {
            Ok(()) => Ok(length),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(0),
            Err(error) => Err(error),
        }
    }
}
