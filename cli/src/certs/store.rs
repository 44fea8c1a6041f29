//! The directory that holds a mesh's secrets, and how files get into it.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use crate::failure::Failure;

/// Makes a directory for its owner only, from which no version control takes a secret.
pub(crate) fn make_private(directory: &Path) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::cannot(format_args!("cannot make the directory {}", directory.display()))
            .because(error)
    };
    let mut ignored = "*\n";
    if directory.is_dir() {
        if std::fs::read_dir(directory).map_err(cannot)?.next().is_some() {
            // What else it holds is not ours to hide.
            ignored = "*.key.pem\n";
        }
    } else {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(cannot)?;
    }
    let path = directory.join(".gitignore");
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(ignored.as_bytes()).map_err(cannot),
        // Whoever wrote it knows best.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(cannot(error)),
    }
}

/// Writes a secret of mode 0600, replacing an older one atomically.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    ::keys::write_secret(path, text).map_err(|error| {
        Failure::cannot(format_args!("cannot write {}", path.display())).because(error)
    })
}

/// Writes a public file, replacing an older one atomically.
pub(crate) fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    ::keys::replace_file(path, bytes, 0o644).map_err(|error| {
        Failure::cannot(format_args!("cannot write {}", path.display())).because(error)
    })
}
