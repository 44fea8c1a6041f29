//! The tar archive of the database's layer: two regular files, and nothing else.

use std::io::{Read, Write};

use ids::Sha256Digest;
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};

use super::{UnpackError, Unpacked};
use crate::{DATABASE_BYTES_MAX, DATABASE_FILE, METADATA_BYTES_MAX, METADATA_FILE};

/// Two files, a directory, and what some writers of archives put before each.
const ENTRIES_MAX: usize = 16;
/// The longest extended header, in bytes; what it says is not needed.
const EXTENSION_BYTES_MAX: u64 = 64 * 1024;
const COPY_BYTES: usize = 256 * 1024;

/// Takes the database out of a tar archive.
pub(super) fn read(archive: impl Read, database: &mut dyn Write) -> Result<Unpacked, UnpackError> {
    let mut archive = Archive::new(archive);
    let (mut metadata, mut taken) = (None, None);
    // Raw: otherwise the reader keeps extended headers of any length in memory.
    let entries = archive.entries().map_err(UnpackError::Read)?.raw(true);
    for (index, entry) in entries.enumerate() {
        let entry = entry.map_err(UnpackError::Read)?;
        if index >= ENTRIES_MAX {
            return Err(UnpackError::Entries(ENTRIES_MAX));
        }
        let name = entry.path_bytes().into_owned();
        let (kind, length) = (entry.header().entry_type(), entry.size());
        match (kind, plain(&name)) {
            (EntryType::XHeader | EntryType::XGlobalHeader, _) => {
                bounded("extended header", length, EXTENSION_BYTES_MAX)?;
            }
            (EntryType::Directory, b"" | b".") => {}
            (EntryType::Regular, b"metadata.json") if metadata.is_none() => {
                bounded(METADATA_FILE, length, METADATA_BYTES_MAX)?;
                let mut bytes = Vec::new();
                copy(entry, METADATA_FILE, length, &mut bytes)?;
                metadata = Some(bytes);
            }
            (EntryType::Regular, b"trivy.db") if taken.is_none() => {
                bounded(DATABASE_FILE, length, DATABASE_BYTES_MAX)?;
                taken = Some((copy(entry, DATABASE_FILE, length, database)?, length));
            }
            (EntryType::Regular, b"metadata.json") => {
                return Err(UnpackError::Twice(METADATA_FILE));
            }
            (EntryType::Regular, b"trivy.db") => return Err(UnpackError::Twice(DATABASE_FILE)),
            _ => return Err(UnpackError::Entry(shown(&name))),
        }
    }
    let (sha256, bytes) = taken.ok_or_else(|| UnpackError::Missing(DATABASE_FILE.to_owned()))?;
    let metadata = metadata.ok_or_else(|| UnpackError::Missing(METADATA_FILE.to_owned()))?;
    Ok(Unpacked { metadata, sha256, bytes })
}

/// A name without the `./` before it and the `/` behind it, which some writers put there.
pub(super) fn plain(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    name.strip_suffix(b"/").unwrap_or(name)
}

/// A name from an archive, for an error.
pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(128).collect()
}

pub(super) fn bounded(what: &str, got: u64, limit: u64) -> Result<(), UnpackError> {
    if got <= limit {
        return Ok(());
    }
    Err(UnpackError::TooLarge { what: what.to_owned(), got, limit })
}

/// Copies exactly `expected` bytes and gives their digest.
pub(crate) fn copy(
    from: impl Read,
    what: &str,
    expected: u64,
    to: &mut dyn Write,
) -> Result<Sha256Digest, UnpackError> {
    let mut from = from.take(expected);
    let (mut hasher, mut got) = (Sha256::new(), 0);
    let room = usize::try_from(expected).unwrap_or(COPY_BYTES).clamp(1, COPY_BYTES);
    let mut buffer = vec![0; room];
    loop {
        let length = from.read(&mut buffer).map_err(UnpackError::Read)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        to.write_all(bytes).map_err(UnpackError::Write)?;
        got += length as u64;
    }
    if got != expected {
        return Err(UnpackError::Truncated { what: what.to_owned(), got, expected });
    }
    Ok(Sha256Digest::from_bytes(hasher.finalize().into()))
}
