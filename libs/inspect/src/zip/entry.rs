//! One entry: its own header against the directory, its checksum, and its contents.

use std::{
    io::{self, Read},
    ops::Range,
};

use flate2::bufread::{DeflateDecoder, ZlibDecoder};

use super::directory::{End, Entry};
use model::Fields;

use crate::{
    Format, Scan, Severity,
    compressed::{MAX_RATIO, RATIO_FROM_BYTES},
    format,
    pickle::{self, Setting},
    rule::Rule,
    source::Source,
};

const HEAD_BYTES: usize = 4096;

/// Where an entry lies.
pub(super) struct Place {
    /// With its header.
    pub(super) whole: Range<u64>,
    pub(super) data: Range<u64>,
}

impl Scan<'_> {
    /// Compares the entry's own header with the directory.
    pub(super) fn local(
        &mut self,
        source: &mut Source<'_>,
        end: &End,
        entry: &Entry,
    ) -> io::Result<Option<Place>> {
        let at = entry.offset.saturating_add(end.shift);
        let header = source.peek(at, 30)?;
        let mut fields = Fields(header.get(4..).unwrap_or_default());
        let read = (|| {
            let (_needed, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?);
            let (_time, crc) = (fields.u32()?, fields.u32()?);
            let (packed, size) = (fields.u32()?, fields.u32()?);
            Some((flags, method, crc, packed, size, fields.u16()?, fields.u16()?))
        })();
        let signed = header.starts_with(b"PK\x03\x04");
        let Some((flags, method, crc, packed, size, name, extra)) = read.filter(|_| signed) else {
            let detail = "the directory points to where no entry is";
            self.findings.add(Severity::High, Rule::ZipMismatch, &entry.name, detail);
            self.findings.unread("an entry is not where the directory says");
            return Ok(None);
        };
        let own = source.peek(at.saturating_add(30), name.into())?;
        let later = flags & 8 != 0;
        let same = |own: u32, told: u64| {
            u64::from(own) == told || (own == u32::MAX && extra > 0) || (later && own == 0)
        };
        let numbers = same(packed, entry.packed)
            && same(size, entry.size)
            && (crc == entry.crc || (later && crc == 0));
        let differs = match (own == entry.raw_name, flags == entry.flags, method == entry.method) {
            (false, ..) => Some("name"),
            (_, false, _) => Some("flags"),
            (.., false) => Some("method"),
            _ if !numbers => Some("size or checksum"),
            _ => None,
        };
        if let Some(what) = differs {
            let detail =
                format!("the entry has another {what} in its own header than in the directory");
            self.findings.add(Severity::High, Rule::ZipMismatch, &entry.name, &detail);
        }
        let start = at.saturating_add(30).saturating_add(u64::from(name) + u64::from(extra));
        let data = start..start.saturating_add(entry.packed);
        if data.end > source.length() {
            let detail = "the entry reaches over the end of the file";
            self.findings.add(Severity::High, Rule::ZipMismatch, &entry.name, detail);
            self.findings.unread("an entry is cut short");
            return Ok(None);
        }
        Ok(Some(Place { whole: at..data.end, data }))
    }

    /// Unpacks and looks at an entry.
    pub(super) fn contents(
        &mut self,
        source: &mut Source<'_>,
        entry: &Entry,
        data: Range<u64>,
        format: Format,
    ) -> io::Result<()> {
        if entry.flags & 0x2041 != 0 {
            let detail = "the entry is encrypted and cannot be looked at";
            self.findings.add(Severity::Medium, Rule::ZipEncrypted, &entry.name, detail);
            self.findings.unread(format!("{}: encrypted", entry.name));
            return Ok(());
        }
        if entry.name.ends_with('/') && entry.size == 0 {
            return Ok(());
        }
        match entry.method {
            0 => {
                if entry.packed != entry.size {
                    let detail = "the entry is stored as it is, and has two sizes";
                    self.findings.add(Severity::High, Rule::ZipMismatch, &entry.name, detail);
                }
                let crc = checksum(&mut source.part(&data))?;
                self.checksum(entry, crc);
                self.contents_of(entry, &mut source.part(&data), false, format)
            }
            8 => self.inflate(source, entry, &data, format),
            method => {
                self.findings.unread(format!("{}: packed by method {method}", entry.name));
                Ok(())
            }
        }
    }

    fn checksum(&mut self, entry: &Entry, crc: u32) {
        if crc != entry.crc {
            let detail = "the checksum is wrong: strict readers stop here, and others do not";
            self.findings.add(Severity::High, Rule::ZipChecksum, &entry.name, detail);
        }
    }

    fn inflate(
        &mut self,
        source: &mut Source<'_>,
        entry: &Entry,
        data: &Range<u64>,
        format: Format,
    ) -> io::Result<()> {
        let stop_at = entry.packed.saturating_mul(MAX_RATIO).max(RATIO_FROM_BYTES);
        let unpacked = {
            let mut part = source.part(data);
            self.unpack(DeflateDecoder::new(io::BufReader::new(part.stream(0))), stop_at)?
        };
        if unpacked.total > stop_at {
            let detail = format!("{} bytes unpack to more than {stop_at}", entry.packed);
            self.findings.add(Severity::High, Rule::ZipBomb, &entry.name, &detail);
        }
        if unpacked.broken {
            let detail = "the entry cannot be unpacked to its end";
            self.findings.add(Severity::Medium, Rule::ZipBroken, &entry.name, detail);
            self.findings.unread(format!("{}: cannot be unpacked", entry.name));
        } else if unpacked.whole {
            if unpacked.total != entry.size {
                let detail = "the entry unpacks to another size than its headers say";
                self.findings.add(Severity::High, Rule::ZipMismatch, &entry.name, detail);
            }
            self.checksum(entry, unpacked.crc);
        }
        let length = unpacked.bytes.len() as u64;
        let mut cursor = io::Cursor::new(unpacked.bytes.as_slice());
        let mut inner = Source::new(&mut cursor, length, self.budget.clone());
        self.contents_of(entry, &mut inner, unpacked.cut(), format)
    }

    /// Looks at the unpacked entry, by what the archive is.
    fn contents_of(
        &mut self,
        entry: &Entry,
        source: &mut Source<'_>,
        cut: bool,
        format: Format,
    ) -> io::Result<()> {
        if format == Format::Torch {
            let pickled = entry.name.ends_with(".pkl");
            let numbers = entry.name.contains("/data/") || entry.name.starts_with("data/");
            if pickled || (numbers && pickle::imports_harm(self, source)?) {
                let prefix = self.findings.enter(&entry.name);
                self.pickles(source, 0, Setting::Torch)?;
                self.findings.leave(prefix);
                if cut {
                    self.findings.unread(format!("{}: unpacks to too much", entry.name));
                }
                return Ok(());
            }
            if numbers && !embedded(&source.peek(0, HEAD_BYTES)?) {
                return Ok(());
            }
        }
        self.entry(&entry.name, source, cut)
    }
}

/// Whether the numbers of a tensor are a file of another format. Two bytes are met by chance, so for
/// those formats more must fit.
fn embedded(head: &[u8]) -> bool {
    match format::magic(head) {
        None => format::is_tar(head),
        Some(Format::Zlib) => matches!(ZlibDecoder::new(head).read(&mut [0]), Ok(1)),
        Some(Format::Script) => {
            let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
            line.len() < head.len() && line.iter().all(|byte| (b' '..=b'~').contains(byte))
        }
        Some(Format::Gzip) => head.get(2) == Some(&8),
        Some(Format::Program) if head.starts_with(b"MZ") => {
            head.windows(4).any(|window| window == b"PE\0\0")
        }
        Some(_) => true,
    }
}

fn checksum(source: &mut Source<'_>) -> io::Result<u32> {
    const STEP: usize = 256 * 1024;
    let mut hasher = crc32fast::Hasher::new();
    let mut at = 0;
    while at < source.length() {
        let bytes = source.peek(at, STEP)?;
        hasher.update(&bytes);
        at += bytes.len() as u64;
    }
    Ok(hasher.finalize())
}
