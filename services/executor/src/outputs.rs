//! The output directory from outside: its size while the container writes, its files when it is gone.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use ids::Hasher;
use job::Reason;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};

use crate::{
    failure::Failure,
    statement::{LOG_NAME, NamedFile},
};

/// The most output files.
pub const MAX_OUTPUTS: usize = 64;
/// The longest name of an output, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// The most entries that may be in the output directory at any time, at any depth.
pub const MAX_ENTRIES: u64 = 10_000;
/// How deep directories are followed when their size is taken; deeper ones count as too large.
const MAX_DEPTH: usize = 16;
/// The file that every training leaves.
pub const MODEL_NAME: &str = "model.keras";

/// What is in the output directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Lengths of all files together, in bytes.
    pub bytes: u64,
    /// Entries of all kinds.
    pub entries: u64,
}

impl Usage {
    /// Whether it is more than allowed.
    #[must_use]
    pub const fn over(self, limit_bytes: u64) -> bool {
        self.bytes > limit_bytes || self.entries > MAX_ENTRIES
    }
}

fn open_dir(parent: BorrowedFd<'_>, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

fn add(usage: &mut Usage, dir: BorrowedFd<'_>, limit: u64, depth: usize) -> io::Result<()> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        usage.entries += 1;
        if usage.over(limit) {
            return Ok(());
        }
        // What vanished between the two calls is not there.
        let Ok(stat) = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth == 0 => usage.entries = u64::MAX,
            FileType::Directory => {
                if let Ok(inner) = open_dir(dir, name) {
                    add(usage, inner.as_fd(), limit, depth - 1)?;
                }
            }
            _ => {
                let size = u64::try_from(stat.st_size).unwrap_or(0);
                usage.bytes = usage.bytes.saturating_add(size);
            }
        }
    }
    Ok(())
}

/// Takes the size of the directory at `path`, up to where `limit_bytes` is passed; links are not
/// followed. Blocks.
///
/// # Errors
/// When the directory cannot be read.
pub fn usage(path: &Path, limit_bytes: u64) -> io::Result<Usage> {
    let dir = open_dir(CWD, path)?;
    let mut usage = Usage::default();
    add(&mut usage, dir.as_fd(), limit_bytes, MAX_DEPTH)?;
    Ok(usage)
}

/// An output, still open: what was hashed is what is sent.
#[derive(Debug)]
pub struct OutputFile {
    /// Its name, digests and length.
    pub file: NamedFile,
    /// The open file.
    pub handle: File,
}

fn good_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn broken(text: &str) -> Failure {
    Failure::job(Reason::ContractBroken, text)
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::infrastructure(&format!("the outputs cannot be read: {error}"))
}

/// Hashes an open file from where it stands to its end.
///
/// # Errors
/// When it cannot be read.
pub fn hash(handle: &mut File) -> io::Result<Hasher> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = handle.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher);
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

fn open_output(dir: BorrowedFd<'_>, name: &str) -> Result<File, Failure> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = openat(dir, name, flags, Mode::empty());
    let missing = || broken(&format!("the output {name:?} is missing or no regular file"));
    let file = File::from(opened.map_err(|_| missing())?);
    let kind = file.metadata().map_err(|e| unreadable(&e))?.file_type();
    if kind.is_file() { Ok(file) } else { Err(missing()) }
}

/// Every entry must be a regular file with a plain name, whether it is an output or a leftover.
fn check_entries(dir: BorrowedFd<'_>) -> Result<(), Failure> {
    let entries = Dir::read_from(dir).map_err(|e| unreadable(&e.into()))?;
    for entry in entries {
        let entry = entry.map_err(|e| unreadable(&e.into()))?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let text = name.to_str().ok().filter(|text| good_name(text));
        let Some(text) = text else {
            return Err(broken(&format!("the output directory holds the name {name:?}")));
        };
        let stat =
            statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| unreadable(&e.into()))?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != FileType::RegularFile {
            return Err(broken(&format!("{text:?} in the output directory is a {kind:?}")));
        }
    }
    Ok(())
}

fn check_names(names: &[String]) -> Result<(), Failure> {
    if let Some(bad) = names.iter().find(|name| !good_name(name)) {
        return Err(broken(&format!("the trainer names the output {bad:?}")));
    }
    let mut unique: Vec<&String> = names.iter().collect();
    unique.sort_unstable();
    unique.dedup();
    if unique.len() != names.len() || names.len() > MAX_OUTPUTS {
        return Err(broken(&format!("outputs must be 1 to {MAX_OUTPUTS} different names")));
    }
    if names.iter().any(|name| name == MODEL_NAME) {
        return Ok(());
    }
    Err(broken(&format!("{MODEL_NAME} is not among the outputs")))
}

/// Opens and hashes the outputs that the trainer named, after the container is gone; blocks. Other
/// regular files are leftovers.
///
/// # Errors
/// When an entry is no regular file with a plain name, an output is missing, or all of it is
/// larger than `limit_bytes`.
pub fn collect(
    path: &Path,
    names: &[String],
    limit_bytes: u64,
) -> Result<Vec<OutputFile>, Failure> {
    check_names(names)?;
    let dir = open_dir(CWD, path).map_err(|e| unreadable(&e))?;
    if usage(path, limit_bytes).map_err(|e| unreadable(&e))?.over(limit_bytes) {
        let text = format!("the outputs are larger than {limit_bytes} bytes or too many");
        return Err(Failure::job(Reason::OutputLimit, &text));
    }
    check_entries(dir.as_fd())?;
    let mut outputs = Vec::with_capacity(names.len());
    for name in names {
        let mut handle = open_output(dir.as_fd(), name)?;
        let hasher = hash(&mut handle).map_err(|e| unreadable(&e))?;
        let size = hasher.length();
        let file = NamedFile { name: name.clone(), digests: hasher.finish(), size };
        outputs.push(OutputFile { file, handle });
    }
    Ok(outputs)
}

/// Opens and hashes the log at `path`; blocks.
///
/// # Errors
/// When it cannot be read.
pub fn open_log(path: &Path) -> io::Result<OutputFile> {
    let mut handle = File::open(path)?;
    let hasher = hash(&mut handle)?;
    let size = hasher.length();
    let file = NamedFile { name: LOG_NAME.to_owned(), digests: hasher.finish(), size };
    Ok(OutputFile { file, handle })
}

#[cfg(test)]
mod tests;
