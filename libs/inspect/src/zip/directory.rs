//! The end records and the directory.

use std::io;

use model::Fields;

use crate::{Scan, Severity, rule::Rule, source::Source};

const TAIL_BYTES: u64 = 65_557 + 76;
const MAX_DIRECTORY_BYTES: u64 = 64 << 20;
const UNIX: u16 = 3;

/// Where the archive ends, and what is odd about that.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// The place of the end record, or of the zip64 one in front of it.
    pub(crate) at: u64,
    /// The place of the directory in the file.
    pub(crate) start: u64,
    pub(crate) size: u64,
    pub(crate) entries: u64,
    /// Bytes in front of the archive; offsets count from there.
    pub(crate) shift: u64,
    /// Bytes behind the end record and its comment.
    pub(crate) behind: u64,
    pub(crate) ambiguous: bool,
    pub(crate) contradiction: Option<&'static str>,
}

/// An entry, as the directory tells it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) raw_name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
    /// The kind of file by its Unix mode: 8 is a regular file, 4 a directory, 0 unknown.
    pub(crate) kind: u32,
}

/// Finds the end record as Python's `zipfile` does, from the back.
pub(crate) fn end_record(source: &mut Source<'_>) -> io::Result<Option<End>> {
    let base = source.length().saturating_sub(TAIL_BYTES);
    let tail = source.peek(base, usize::try_from(TAIL_BYTES).unwrap_or(0))?;
    let mut found: Option<End> = None;
    let places = tail.windows(4).enumerate().rev();
    for (place, _) in places.filter(|(_, bytes)| *bytes == b"PK\x05\x06").take(64) {
        let at = base + place as u64;
        let Some(end) = record(source, tail.get(place..).unwrap_or_default(), at)? else {
            continue;
        };
        match &mut found {
            None => found = Some(end),
            // An archive that is stored inside of this one does not end where the file ends.
            Some(found) if end.behind == 0 && end.contradiction.is_none() => {
                found.ambiguous = true;
            }
            Some(_) => {}
        }
    }
    Ok(found)
}

/// The end record at `at`, if a directory is where it says or right in front of it.
fn record(source: &mut Source<'_>, bytes: &[u8], at: u64) -> io::Result<Option<End>> {
    let mut fields = Fields(bytes.get(4..).unwrap_or_default());
    let (Some(disk), Some(first), Some(here), Some(total), Some(size), Some(offset), Some(comment)) = (
        fields.u16(),
        fields.u16(),
        fields.u16(),
        fields.u16(),
        fields.u32(),
        fields.u32(),
        fields.u16(),
    ) else {
        return Ok(None);
    };
    let mut end = End { at, size: size.into(), entries: total.into(), ..End::default() };
    let mut offset = u64::from(offset);
    end.behind = (source.length() - at).saturating_sub(22 + u64::from(comment));
    if (22 + u64::from(comment)) > source.length() - at {
        end.contradiction = Some("the archive's comment reaches over the end of the file");
    }
    if here != total || disk != first {
        end.contradiction = Some("the end record speaks of several files, or of two counts");
    }
    if let Some(wide) = zip64(source, at)? {
        let [wide_at, entries, size, wide_offset] = wide;
        let differs = |narrow: u64, full: u64, mask: u64| narrow != mask && narrow != full;
        if differs(end.entries, entries, 0xFFFF)
            || differs(end.size, size, 0xFFFF_FFFF)
            || differs(offset, wide_offset, 0xFFFF_FFFF)
        {
            end.contradiction = Some("the two end records (zip and zip64) give two directories");
        }
        (end.at, end.entries, end.size, offset) = (wide_at, entries, size, wide_offset);
    }
    let Some(start) = end.at.checked_sub(end.size) else { return Ok(None) };
    let Some(shift) = start.checked_sub(offset) else { return Ok(None) };
    (end.start, end.shift) = (start, shift);
    if end.size == 0 && end.entries == 0 {
        // An empty archive is one only if it is the whole file.
        return Ok((start == 0).then_some(end));
    }
    let there = |bytes: Option<[u8; 4]>| bytes == Some(*b"PK\x01\x02");
    if there(source.array(start)?) {
        return Ok(Some(end));
    }
    // Space between the directory and its end record.
    if there(source.array(offset)?) {
        (end.start, end.shift) = (offset, 0);
        end.contradiction = Some("the directory does not end at its end record");
        return Ok(Some(end));
    }
    Ok(None)
}

/// Place, count, size and offset of the zip64 end record in front of the end record at `at`.
fn zip64(source: &mut Source<'_>, at: u64) -> io::Result<Option<[u64; 4]>> {
    let Some(place) = at.checked_sub(20) else { return Ok(None) };
    let Some(locator) = source.array::<20>(place)? else { return Ok(None) };
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    let told = Fields(locator.get(8..).unwrap_or_default()).u64().unwrap_or_default();
    // With bytes in front of the archive it is not where it is said to be, but right here.
    for place in [Some(told), place.checked_sub(56)].into_iter().flatten() {
        let Some(record) = source.array::<56>(place)? else { continue };
        let mut fields = Fields(record.get(32..).unwrap_or_default());
        if record.starts_with(b"PK\x06\x06")
            && let (Some(entries), Some(size), Some(offset)) =
                (fields.u64(), fields.u64(), fields.u64())
        {
            return Ok(Some([place, entries, size, offset]));
        }
    }
    Ok(None)
}

impl Scan<'_> {
    pub(super) fn directory(
        &mut self,
        source: &mut Source<'_>,
        end: &End,
    ) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let Some(bytes) = source.exact(end.start, end.size, MAX_DIRECTORY_BYTES)? else {
            self.findings.unread("the directory is larger than is read");
            return Ok(entries);
        };
        let mut fields = Fields(&bytes);
        while !fields.0.is_empty() && entries.len() < self.limits.max_entries as usize {
            let Some(entry) = entry(&mut fields) else {
                let detail = "the directory breaks off";
                self.findings.add(Severity::Medium, Rule::ZipBroken, "the directory", detail);
                self.findings.unread("the archive's directory cannot be read to its end");
                break;
            };
            entries.push(entry);
        }
        if entries.len() >= self.limits.max_entries as usize {
            self.findings.unread("the archive has too many entries");
        } else if entries.len() as u64 != end.entries {
            let detail = format!(
                "the end record counts {} entries, and {} are there",
                end.entries,
                entries.len()
            );
            self.findings.add(Severity::High, Rule::ZipContradiction, "the directory", &detail);
        }
        Ok(entries)
    }
}

/// One record of the directory.
fn entry(fields: &mut Fields<'_>) -> Option<Entry> {
    if fields.take(4)? != b"PK\x01\x02" {
        return None;
    }
    let (made_by, _needed, flags, method) =
        (fields.u16()?, fields.u16()?, fields.u16()?, fields.u16()?);
    let (_time, crc) = (fields.u32()?, fields.u32()?);
    let (packed, size) = (fields.u32()?, fields.u32()?);
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let (_disk, _internal, external) = (fields.u16()?, fields.u16()?, fields.u32()?);
    let offset = fields.u32()?;
    let raw_name = fields.take(name.into())?.to_vec();
    let mut wide = Wide::new(fields.take(extra.into())?);
    fields.take(comment.into())?;
    let size = wide.resolve(size);
    let packed = wide.resolve(packed);
    let offset = wide.resolve(offset);
    let kind = if made_by >> 8 == UNIX { external >> 28 } else { 0 };
    let name = String::from_utf8_lossy(&raw_name).into_owned();
    Some(Entry { name, raw_name, flags, method, crc, packed, size, offset, kind })
}

/// The zip64 numbers of an extra field, each taken by the first number that is all ones.
struct Wide<'a>(Fields<'a>);

impl<'a> Wide<'a> {
    fn new(extra: &'a [u8]) -> Self {
        let mut fields = Fields(extra);
        while let (Some(id), Some(size)) = (fields.u16(), fields.u16()) {
            match fields.take(size.into()) {
                Some(body) if id == 1 => return Self(Fields(body)),
                Some(_) => {}
                None => break,
            }
        }
        Self(Fields(&[]))
    }

    fn resolve(&mut self, narrow: u32) -> u64 {
        let full = if narrow == u32::MAX { self.0.u64() } else { None };
        full.unwrap_or_else(|| narrow.into())
    }
}
