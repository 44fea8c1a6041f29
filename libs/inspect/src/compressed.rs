//! gzip and zlib streams: unpacked within bounds, and looked into.

use std::io::{self, Cursor, Read};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use crate::{Format, Scan, Severity, rule::Rule, source::Source};

/// What data packs to is seldom a 200th; deflate's end is near a 1,030th.
pub(crate) const MAX_RATIO: u64 = 200;
/// Below this, a ratio is no danger.
pub(crate) const RATIO_FROM_BYTES: u64 = 16 << 20;

/// What came out of a compressed stream.
pub(crate) struct Unpacked {
    /// The first bytes.
    pub(crate) bytes: Vec<u8>,
    /// How many there were in all, as far as the budget went.
    pub(crate) total: u64,
    /// Whether the end was reached.
    pub(crate) whole: bool,
    /// Whether the stream is broken.
    pub(crate) broken: bool,
    pub(crate) crc: u32,
}

impl Unpacked {
    pub(crate) fn cut(&self) -> bool {
        self.total > self.bytes.len() as u64 || !self.whole
    }
}

impl Scan<'_> {
    /// Unpacks `reader`, keeps the first bytes, and stops where the budget or `stop_at` ends.
    pub(crate) fn unpack(&self, mut reader: impl Read, stop_at: u64) -> io::Result<Unpacked> {
        const STEP: usize = 64 * 1024;
        let mut buffer = vec![0; STEP];
        let mut out = Unpacked { bytes: Vec::new(), total: 0, whole: false, broken: false, crc: 0 };
        let mut hasher = crc32fast::Hasher::new();
        while out.total <= stop_at {
            let count = match reader.read(&mut buffer) {
                Ok(0) => {
                    out.whole = true;
                    break;
                }
                Ok(count) => count,
                Err(error) if crate::source::is_spent(&error) => return Err(error),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::InvalidInput
                            | io::ErrorKind::InvalidData
                            | io::ErrorKind::UnexpectedEof
                            | io::ErrorKind::Other
                    ) =>
                {
                    out.broken = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            if !self.budget.inflate(count as u64) {
                break;
            }
            let read = buffer.get(..count).unwrap_or_default();
            hasher.update(read);
            out.total += count as u64;
            let room = self.limits.max_entry_bytes.saturating_sub(out.bytes.len() as u64);
            let kept = usize::try_from(room).map_or(count, |room| room.min(count));
            out.bytes.extend_from_slice(read.get(..kept).unwrap_or_default());
        }
        out.crc = hasher.finalize();
        Ok(out)
    }

    /// Reads a gzip or zlib file; a pickle in it makes it joblib's.
    pub(crate) fn compressed(
        &mut self,
        name: &str,
        head: &[u8],
        source: &mut Source<'_>,
    ) -> io::Result<Format> {
        let packed = source.length();
        let gzip = head.first() == Some(&0x1F);
        let stop_at = packed.saturating_mul(MAX_RATIO).max(RATIO_FROM_BYTES);
        let unpacked = {
            let stream = io::BufReader::new(source.stream(0));
            match gzip {
                true => self.unpack(MultiGzDecoder::new(stream), stop_at)?,
                false => self.unpack(ZlibDecoder::new(stream), stop_at)?,
            }
        };
        let format = if gzip { Format::Gzip } else { Format::Zlib };
        if !gzip && unpacked.broken && unpacked.total == 0 {
            // Two bytes are little of a magic number: it is something else.
            if let Some(format) = self.text(name, head, source)? {
                return Ok(format);
            }
            self.findings.unread("the format is not understood");
            return Ok(Format::Unknown);
        }
        if unpacked.total > stop_at {
            let detail = format!(
                "{packed} bytes unpack to more than {stop_at}; unpacking them fills a disk"
            );
            self.findings.add(Severity::High, Rule::CompressedBomb, "byte 0", &detail);
        }
        if unpacked.broken {
            let detail = "the stream breaks off or has a wrong checksum";
            self.findings.add(Severity::Medium, Rule::CompressedBroken, "byte 0", detail);
            self.findings.unread("the compressed stream cannot be unpacked to its end");
        }
        let inner = name.strip_suffix(".gz").unwrap_or(name);
        let inner = if name.ends_with(".tgz") { "inner.tar" } else { inner };
        let inner = if gzip && inner == name { "unpacked" } else { inner };
        self.nested(inner, &unpacked)?;
        Ok(format)
    }

    /// Looks at what was unpacked, one level deeper.
    pub(crate) fn nested(&mut self, name: &str, unpacked: &Unpacked) -> io::Result<()> {
        let length = unpacked.bytes.len() as u64;
        let mut cursor = Cursor::new(unpacked.bytes.as_slice());
        let mut source = Source::new(&mut cursor, length, self.budget.clone());
        self.entry(name, &mut source, unpacked.cut())
    }

    /// Looks at an entry of an archive, which may be only the beginning of it.
    pub(crate) fn entry(
        &mut self,
        name: &str,
        source: &mut Source<'_>,
        cut: bool,
    ) -> io::Result<()> {
        let prefix = self.findings.enter(name);
        if self.depth >= self.limits.max_depth {
            // Whatever it is: any file can have an archive behind it.
            let detail = format!("what is {} archives deep is not read", self.limits.max_depth);
            self.findings.add(Severity::High, Rule::ArchiveDepth, "", &detail);
            self.findings.unread("archives are nested too deeply");
            self.findings.leave(prefix);
            return Ok(());
        }
        if cut {
            self.findings.unread("only the beginning was looked at; it unpacks to too much");
        }
        self.depth += 1;
        let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let format = self.file(last, source)?;
        self.depth -= 1;
        if self.depth > 0 && matches!(format, Format::Zip | Format::Tar | Format::Gzip) {
            let detail = format!("a {} is inside of an archive", format.as_str());
            self.findings.add(Severity::Low, Rule::ArchiveNested, "", &detail);
        }
        self.findings.leave(prefix);
        Ok(())
    }
}
