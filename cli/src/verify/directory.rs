//! The checks on the files of a fetched directory.
//!
//! Every file that the bundle determines must be exactly what the bundle says. Files that it does
//! not determine are named in a note outside of `artifacts/`, and refused inside of it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use ::verify::{RecordedFile, Verified};
use evidence::{Checks, TrustRoot};

use super::{BUNDLE_FILE, hash};
use crate::{
    failure::Failure,
    fetch::layout::{self, TRUST_ROOT_FILE},
    profile::read_bounded,
};

/// The most files that are looked at in one directory.
const MAX_FILES: usize = 1_024;

/// Checks every file below `directory`; gives notes on what was not checked.
pub(super) fn check(
    directory: &Path,
    subject: &Verified,
    root: &TrustRoot,
    root_bytes: &[u8],
    bundle: &[u8],
    checks: &mut Checks,
) -> Result<Vec<String>, Failure> {
    let mut notes = Vec::new();
    let mut seen: BTreeSet<String> = [BUNDLE_FILE.to_owned()].into();
    let artifacts = layout::artifacts(subject.files()).map_err(|error| {
        Failure::refused("the bundle names a file that cannot be in a directory").because(error)
    })?;
    for (name, recorded) in &artifacts {
        let path = directory.join(name);
        seen.insert(name.clone());
        if !path.exists() {
            notes.push(format!("{name} is not here, so it was not checked"));
            continue;
        }
        artifact(name, &path, recorded, checks)?;
    }
    let derived = layout::derived(subject, root, bundle).map_err(|error| {
        Failure::refused("the bundle's files cannot be derived from it").because(error)
    })?;
    for (name, bytes) in &derived {
        let path = directory.join(name);
        seen.insert(name.clone());
        if !path.exists() {
            notes.push(format!("{name} is not here; the bundle holds what it would say"));
            continue;
        }
        let length = fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len());
        let same = is_regular(&path)
            && length == bytes.len() as u64
            && read_bounded(&path, length)? == *bytes;
        let good = "what the bundle holds";
        checks.require(format!("directory.{name}"), same, good, "not what the bundle holds");
    }
    let beside = directory.join(TRUST_ROOT_FILE);
    if seen.insert(TRUST_ROOT_FILE.to_owned()) && beside.exists() {
        let limit = evidence::MAX_TRUST_ROOT_BYTES as u64 + 1;
        if read_bounded(&beside, limit)? != root_bytes {
            notes.push(format!(
                "{TRUST_ROOT_FILE} in the directory is not the one you pinned; it was not used"
            ));
        }
    }
    unknown(directory, &seen, checks, &mut notes)?;
    Ok(notes)
}

fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// The file that stands under the name of a recorded one must be that one, not another of the job.
fn artifact(
    name: &str,
    path: &Path,
    recorded: &RecordedFile,
    checks: &mut Checks,
) -> Result<(), Failure> {
    let outcome = if is_regular(path) {
        let file = hash(path)?;
        let (part, size) = (recorded.part, file.size);
        recorded.matches(&file.digests, size).map(|()| ((), format!("the {part}, {size} bytes")))
    } else {
        Err("not a regular file".to_owned())
    };
    checks.record(format!("artifact.{name}"), outcome);
    Ok(())
}

/// Refuses what lies in `artifacts/` without being one; notes what lies elsewhere.
fn unknown(
    directory: &Path,
    seen: &BTreeSet<String>,
    checks: &mut Checks,
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut waiting = vec![PathBuf::new()];
    let mut count = 0_usize;
    while let Some(folder) = waiting.pop() {
        let path = directory.join(&folder);
        let cannot = |error: std::io::Error| {
            Failure::cannot(format_args!("cannot read {}", path.display())).because(error)
        };
        for entry in fs::read_dir(&path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            count += 1;
            if count > MAX_FILES {
                let what = format!("{} holds more than {MAX_FILES} files", directory.display());
                return Err(Failure::cannot(what).remedy("check the bundle file itself"));
            }
            let below = folder.join(entry.file_name());
            if entry.file_type().map_err(cannot)?.is_dir() {
                waiting.push(below);
                continue;
            }
            let name = below.to_string_lossy().into_owned();
            if seen.contains(&name) {
                continue;
            }
            if name.starts_with(layout::ARTIFACTS) {
                let bad = "none of the files that the bundle names";
                checks.require(format!("artifact.{name}"), false, "", bad);
            } else {
                notes.push(format!("{name} is nothing that the bundle vouches for"));
            }
        }
    }
    Ok(())
}
