//! Every file of a model, by name; links and special files are named and never opened.

use std::{
    fs::FileType,
    path::{Path, PathBuf},
};

use oms::MAX_RESOURCES;
use serde::Serialize;

use crate::failure::Failure;

/// A regular file of a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// Its path within the model, `/` between the parts.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its length in bytes when it was found.
    pub(super) size: u64,
}

/// Something that no signature can cover.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Unusable {
    /// Its path within the model; bytes that are no text are replaced.
    pub(super) path: String,
    /// What it is.
    pub(super) why: &'static str,
}

/// What a model's directory holds.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Regular files, by name.
    pub(super) files: Vec<Found>,
    /// Links, special files, names that are no text.
    pub(super) unusable: Vec<Unusable>,
    /// What was passed over, files and directories.
    pub(super) ignored: Vec<String>,
}

/// Lists everything below `root` but the file `signature`, without following a link; `ignores`
/// says which paths are passed over, with all below them.
pub(super) fn walk(
    root: &Path,
    signature: &Path,
    ignores: impl Fn(&str) -> bool,
) -> Result<Walk, Failure> {
    let mut walk = Walk::default();
    let own = own_name(root, signature);
    let mut directories = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = directories.pop() {
        let cannot = |error: std::io::Error| {
            Failure::cannot(format_args!("cannot list {}", directory.display())).because(error)
        };
        for entry in std::fs::read_dir(&directory).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let name = entry.file_name();
            let path = format!("{prefix}{}", name.to_string_lossy());
            if name.to_str().is_none() {
                walk.unusable.push(Unusable { path, why: "the name is not UTF-8" });
                continue;
            }
            if own.as_deref() == Some(&path) && entry.file_type().map_err(cannot)?.is_file() {
                continue;
            }
            if ignores(&path) {
                walk.ignored.push(path);
                continue;
            }
            let kind = entry.file_type().map_err(cannot)?;
            if kind.is_dir() {
                directories.push((entry.path(), format!("{path}/")));
            } else if let Some(why) = no_file(kind) {
                walk.unusable.push(Unusable { path, why });
            } else {
                let size = entry.metadata().map_err(cannot)?.len();
                walk.files.push(Found { name: path, path: entry.path(), size });
            }
        }
        if walk.files.len() > MAX_RESOURCES {
            let what = format!("{} holds more than {MAX_RESOURCES} files", root.display());
            return Err(Failure::refused(what));
        }
    }
    walk.files.sort();
    walk.unusable.sort();
    walk.ignored.sort();
    Ok(walk)
}

fn no_file(kind: FileType) -> Option<&'static str> {
    if kind.is_symlink() {
        return Some("a symbolic link; links are not followed");
    }
    (!kind.is_file()).then_some("a pipe, socket or device")
}

/// The signature's path within the model, when it lies there.
pub(super) fn own_name(root: &Path, signature: &Path) -> Option<String> {
    let parent = signature.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize().ok()?;
    let place = parent.join(signature.file_name()?);
    Some(place.strip_prefix(root).ok()?.to_str()?.to_owned())
}

/// Paths that the user wants to be passed over, relative to `root`.
pub(super) fn within(root: &Path, paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let inside = |path: &PathBuf| {
        let relative = if path.is_absolute() { path.strip_prefix(root).ok()? } else { path };
        let plain = |part| matches!(part, std::path::Component::Normal(_));
        let some = relative.components().next().is_some();
        let text = relative.to_str().filter(|_| some && relative.components().all(plain))?;
        Some(text.trim_end_matches('/').to_owned())
    };
    let list = paths.iter().map(|path| {
        inside(path).ok_or_else(|| {
            Failure::cannot(format_args!("--ignore {}: not a path in the model", path.display()))
                .remedy("name it relative to DIR, without '.' and '..'")
        })
    });
    list.collect()
}

/// The model's directory itself, absolute and without links.
pub(super) fn root(directory: &Path) -> Result<PathBuf, Failure> {
    let shown = directory.display();
    let root = directory
        .canonicalize()
        .map_err(|error| Failure::cannot(format_args!("cannot open {shown}")).because(error))?;
    if root.is_dir() {
        return Ok(root);
    }
    Err(Failure::cannot(format_args!("{shown} is not a directory"))
        .remedy("put a model of one file into a directory of its own"))
}
