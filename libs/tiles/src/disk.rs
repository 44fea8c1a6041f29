//! What a writer does to a directory beside what the object store does: everything durable.

use std::{
    ffi::OsStr,
    fmt::Debug,
    fs::File,
    io::{self, Write as _},
    path::Path,
};

/// What is written of a file that is not there yet; the object store names its own the same way.
const UNFINISHED: &str = "#0";

/// Exchanges files.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Puts `bytes` in the place of the file at `path`: readers see the old file or the new one, and
    /// after the return the new one survives whatever comes.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
}

/// The machine's disk.
#[derive(Debug)]
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(UNFINISHED);
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        sync(parent(path))
    }
}

fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new("."))
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes a directory where there is none, and durable with those above it that it made.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    let mut made: Vec<&Path> =
        path.ancestors().take_while(|at| !at.as_os_str().is_empty() && !at.exists()).collect();
    std::fs::create_dir_all(path)?;
    // A directory is durable once the one above it is written.
    made.push(path);
    made.iter().try_for_each(|made| sync(parent(made)))?;
    sync(path)
}

/// Takes over what an earlier writer left in the log's directory: deletes what it did not finish, and
/// makes durable what it linked or renamed just before it ended. Gives how many files were deleted.
pub(crate) fn take_over(root: &Path) -> io::Result<usize> {
    let (mut folders, mut deleted) = (vec![root.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, entry.file_name());
            if kind.is_dir() && (folder != root || name == "tile") {
                folders.push(entry.path());
            } else if kind.is_file() && is_unfinished(&name) {
                std::fs::remove_file(entry.path())?;
                deleted += 1;
            }
        }
        sync(&folder)?;
    }
    match sync(&root.join(merkle::tile::CHECKPOINT_PATH)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(deleted),
    }
}

/// Whether a file is one that somebody began to write: `<name>#<digits>`.
fn is_unfinished(name: &OsStr) -> bool {
    let suffix = name.to_str().and_then(|name| name.rsplit_once('#'));
    suffix.is_some_and(|(_, digits)| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
