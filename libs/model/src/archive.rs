//! The zip archive (PKWARE APPNOTE 6.3), held to the one layout that Python's `zipfile` writes for
//! Keras: three stored entries, one behind the other from byte 0, the directory, the end record.
//!
//! Read by hand rather than by a library, since a library is made to be lenient: it skips what is in
//! front, trusts the directory over the headers, and hides what the two disagree about.

use std::{
    io::{Read, Seek},
    ops::Range,
};

use crate::{Limits, Refusal, fields::Fields, refusal::cut, window::Window};

const END_BYTES: u64 = 22;
const END_SIGNATURE: u32 = 0x0605_4B50;
const CENTRAL_BYTES: usize = 46;
const CENTRAL_SIGNATURE: u32 = 0x0201_4B50;
const LOCAL_BYTES: usize = 30;
const LOCAL_SIGNATURE: u32 = 0x0403_4B50;
const MAX_NAME_BYTES: usize = 1024;
const UNIX: u16 = 3;

/// Where the three parts lie in the file.
pub(crate) struct Entries {
    pub(crate) metadata: Range<u64>,
    pub(crate) config: Range<u64>,
    pub(crate) weights: Range<u64>,
}

/// What the local header repeats of the directory: from "version needed" to "uncompressed size".
type Shared = [u8; 22];

struct Entry {
    name: String,
    shared: Shared,
    size: u64,
    crc: u32,
    offset: u64,
}

/// Checks the whole structure and every checksum.
pub(crate) fn entries<R: Read + Seek>(
    file: &mut Window<R>,
    limits: &Limits,
) -> Result<Entries, Refusal> {
    let (bytes, limit) = (file.length(), limits.max_file_bytes);
    if bytes > limit {
        return Err(Refusal::TooLarge { part: "the model", bytes, limit });
    }
    let directory = directory(file)?;
    let (mut metadata, mut config, mut weights) = (None, None, None);
    let mut next = 0;
    for entry in parse_directory(&file.bytes(&directory)?)? {
        let (place, limit) = match entry.name.as_str() {
            "metadata.json" => (&mut metadata, limits.max_metadata_bytes),
            "config.json" => (&mut config, limits.max_config_bytes),
            "model.weights.h5" => (&mut weights, limit),
            _ => return Err(foreign(&entry.name)),
        };
        let range = check_entry(file, &entry, next, limit)?;
        next = range.end;
        if place.replace(range).is_some() {
            return Err(Refusal::DuplicateEntry(entry.name));
        }
    }
    if next != directory.start {
        return Err(Refusal::Slack("in front of the directory"));
    }
    Ok(Entries {
        metadata: metadata.ok_or(Refusal::MissingEntry("metadata.json"))?,
        config: config.ok_or(Refusal::MissingEntry("config.json"))?,
        weights: weights.ok_or(Refusal::MissingEntry("model.weights.h5"))?,
    })
}

/// Finds the directory from the end record, which must be the last 22 bytes.
fn directory<R: Read + Seek>(file: &mut Window<R>) -> Result<Range<u64>, Refusal> {
    let none = Refusal::Archive("no end record");
    let Some(at) = file.length().checked_sub(END_BYTES) else {
        return Err(none);
    };
    let Some(end) = file.array::<22>(at)? else {
        return Err(none);
    };
    let mut fields = Fields(&end);
    if fields.u32() != Some(END_SIGNATURE) {
        return Err(find_end(file).unwrap_or(none));
    }
    let (disk, first_disk) = (fields.u16(), fields.u16());
    let (here, total) = (fields.u16(), fields.u16());
    let (Some(size), Some(offset), Some(comment)) = (fields.u32(), fields.u32(), fields.u16())
    else {
        return Err(none);
    };
    if total == Some(u16::MAX) || size == u32::MAX || offset == u32::MAX {
        return Err(Refusal::Zip64("the end record points to one"));
    }
    if (disk, first_disk) != (Some(0), Some(0)) || here != total {
        return Err(Refusal::Archive("split over several files"));
    }
    if comment != 0 {
        return Err(Refusal::Archive("cut short in its comment"));
    }
    let (start, end) = (u64::from(offset), u64::from(offset) + u64::from(size));
    if end != at {
        let locator = at.checked_sub(20).map(|place| file.array::<4>(place)).transpose()?;
        return Err(match locator {
            Some(Some(bytes)) if bytes == *b"PK\x06\x07" => Refusal::Zip64("an end record locator"),
            _ if end < at => Refusal::Slack("in front of the archive, or behind its directory"),
            _ => Refusal::Archive("the directory reaches over the end record"),
        });
    }
    if size as usize > MAX_NAME_BYTES * 16 {
        return Err(Refusal::Archive("an oversized directory"));
    }
    Ok(start..end)
}

/// Tells an archive with something behind it from what is no archive.
fn find_end<R: Read + Seek>(file: &mut Window<R>) -> Option<Refusal> {
    let length = file.length();
    let tail = file.bytes(&(length.saturating_sub(65_557)..length)).ok()?;
    let found = tail.windows(4).any(|bytes| bytes == END_SIGNATURE.to_le_bytes());
    found.then_some(Refusal::Slack("behind the end record: a comment, or other data"))
}

fn parse_directory(bytes: &[u8]) -> Result<Vec<Entry>, Refusal> {
    let mut rest = bytes;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let broken = Refusal::Archive("a broken directory");
        let Some((header, tail)) = rest.split_at_checked(CENTRAL_BYTES) else {
            return Err(broken);
        };
        let mut fields = Fields(header);
        if fields.u32() != Some(CENTRAL_SIGNATURE) {
            return Err(broken);
        }
        let (entry, name_bytes) = parse_central(&mut fields, tail).ok_or(broken)??;
        entries.push(entry);
        rest = tail.get(name_bytes..).unwrap_or_default();
    }
    Ok(entries)
}

/// One directory header behind its signature; `None` when it is cut short.
fn parse_central(fields: &mut Fields<'_>, tail: &[u8]) -> Option<Result<(Entry, usize), Refusal>> {
    let made_by = fields.u16()?;
    let shared: Shared = fields.take(22)?.try_into().ok()?;
    let name_bytes = usize::from(fields.u16()?);
    let (extra, comment) = (fields.u16()?, fields.u16()?);
    let (disk, _internal, external) = (fields.u16()?, fields.u16()?, fields.u32()?);
    let offset = fields.u32()?;
    let name = String::from_utf8_lossy(tail.get(..name_bytes)?).into_owned();
    let mut common = Fields(&shared);
    let (version, flags, method) = (common.u16()?, common.u16()?, common.u16()?);
    let (_time, _date, crc) = (common.u16()?, common.u16()?, common.u32()?);
    let (packed, size) = (common.u32()?, common.u32()?);
    let shown = cut(&name);
    let feature = |feature| Refusal::ZipFeature { entry: shown.clone(), feature };
    let kind = if made_by >> 8 == UNIX { external >> 28 } else { 0 };
    let refusal = if name_bytes == 0 || name_bytes > MAX_NAME_BYTES {
        feature("a name of this length")
    } else if flags & 1 != 0 {
        Refusal::Encrypted(shown)
    } else if flags & 8 != 0 {
        Refusal::DataDescriptor(shown)
    } else if packed == u32::MAX || size == u32::MAX || offset == u32::MAX {
        Refusal::Zip64("an entry's size or place")
    } else if method != 0 {
        Refusal::Compressed(shown)
    } else if flags != 0 {
        feature("a flag")
    } else if version > 20 {
        feature("a newer version of zip")
    } else if extra != 0 || comment != 0 {
        feature("an extra field or a comment")
    } else if disk != 0 {
        feature("another volume")
    } else if !matches!(kind, 0 | 8) || external & 0x10 != 0 {
        Refusal::NotAFile(shown)
    } else if packed != size {
        Refusal::Archive("a stored entry with two sizes")
    } else {
        let (size, offset) = (u64::from(size), u64::from(offset));
        return Some(Ok((Entry { name, shared, size, crc, offset }, name_bytes)));
    };
    Some(Err(refusal))
}

/// Checks that the entry begins at `next`, that its own header agrees, and its checksum.
fn check_entry<R: Read + Seek>(
    file: &mut Window<R>,
    entry: &Entry,
    next: u64,
    limit: u64,
) -> Result<Range<u64>, Refusal> {
    let part = match entry.name.as_str() {
        "metadata.json" => "metadata.json",
        "config.json" => "config.json",
        _ => "model.weights.h5",
    };
    if entry.size > limit {
        return Err(Refusal::TooLarge { part, bytes: entry.size, limit });
    }
    if entry.offset > next {
        return Err(Refusal::Slack("in front of an entry"));
    }
    if entry.offset < next {
        return Err(Refusal::Archive("entries overlap or are out of order"));
    }
    let cut_short = || Refusal::Archive("an entry is cut short");
    let name = entry.name.as_bytes();
    let mut header = vec![0; LOCAL_BYTES + name.len()];
    file.read_at(entry.offset, &mut header)?.ok_or_else(cut_short)?;
    let mut expected = LOCAL_SIGNATURE.to_le_bytes().to_vec();
    expected.extend_from_slice(&entry.shared);
    expected.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    expected.extend([0, 0]);
    expected.extend_from_slice(name);
    if header != expected {
        return Err(Refusal::HeaderMismatch(entry.name.clone()));
    }
    let start = entry.offset + header.len() as u64;
    let range = start..start + entry.size;
    if range.end > file.length() {
        return Err(cut_short());
    }
    if checksum(file, &range)? != entry.crc {
        return Err(Refusal::Checksum(entry.name.clone()));
    }
    Ok(range)
}

fn checksum<R: Read + Seek>(file: &mut Window<R>, range: &Range<u64>) -> Result<u32, Refusal> {
    const STEP: u64 = 256 * 1024;
    let mut hasher = crc32fast::Hasher::new();
    let mut at = range.start;
    while at < range.end {
        let end = range.end.min(at + STEP);
        hasher.update(&file.bytes(&(at..end))?);
        at = end;
    }
    Ok(hasher.finalize())
}

/// Names the rule that an entry of another name breaks.
fn foreign(name: &str) -> Refusal {
    let shown = cut(name);
    let upward = name.split(['/', '\\']).any(|part| part == ".." || part == ".");
    if upward || name.starts_with(['/', '\\']) || name.contains(['\\', ':', '\0']) {
        Refusal::Path(shown)
    } else if name.starts_with("assets/") {
        Refusal::Asset(shown)
    } else if name.contains('/') {
        Refusal::Path(shown)
    } else {
        Refusal::UnknownEntry(shown)
    }
}

#[cfg(test)]
mod tests;
