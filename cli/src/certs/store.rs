//! The directory that holds a mesh's secrets, and how files get into it.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write as _,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use crate::failure::Failure;

/// Makes a directory for its owner only, from which no version control takes anything.
pub(crate) fn make_private(directory: &Path) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::cannot(format_args!("cannot make the directory {}", directory.display()))
            .because(error)
    };
    if directory.is_dir() {
        // Whose directory it is, and what else it holds, is not ours to change.
        if std::fs::read_dir(directory).map_err(cannot)?.next().is_some() {
            return Ok(());
        }
    } else {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(cannot)?;
    }
    std::fs::write(directory.join(".gitignore"), "*\n").map_err(cannot)
}

/// Writes a secret of mode 0600, replacing an older one atomically.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    keys::write_secret(path, text).map_err(|error| {
        Failure::cannot(format_args!("cannot write {}", path.display())).because(error)
    })
}

/// Writes a public file, replacing an older one atomically.
pub(crate) fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::cannot(format_args!("cannot write {}", path.display())).because(error)
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = Path::new(&name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(temporary)
        .map_err(cannot)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(cannot)?;
    std::fs::rename(temporary, path).map_err(cannot)
}
