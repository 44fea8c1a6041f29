//! Tar archives (POSIX.1-1988, pax, GNU): names, links, devices, sizes, and the entries.

use std::{collections::HashSet, io};

use crate::{Scan, Severity, findings::clean, rule::Rule, source::Source, zip::path};

const BLOCK: u64 = 512;
const MAX_EXTENDED_BYTES: u64 = 1 << 20;
/// How far behind an empty block another header is looked for.
const MAX_TAIL_BYTES: u64 = 1 << 20;

/// What extended headers say of the next entry.
#[derive(Default)]
struct Extended {
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    sparse: Option<u64>,
}

/// Whether a block's checksum is right: the sum of its bytes with spaces for the checksum.
pub(crate) fn checksum_holds(block: &[u8]) -> bool {
    let Some(stored) = block.get(148..156).and_then(octal) else { return false };
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
        .sum();
    stored == sum && sum > 256 && block.first() != Some(&0)
}

/// Octal digits ended by space or NUL, or GNU's base 256.
fn octal(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        let mut all = std::iter::once(first & 0x7F).chain(rest.iter().copied());
        return all.try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(byte.into()));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn string(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

impl Scan<'_> {
    pub(crate) fn tar(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        let (mut at, mut next) = (0_u64, Extended::default());
        let mut names = HashSet::new();
        for _ in 0..self.limits.max_entries {
            let Some(block) = source.array::<512>(at)? else { return Ok(()) };
            if block.iter().all(|byte| *byte == 0) {
                match self.behind_end(source, at)? {
                    Some(place) => at = place,
                    None => return Ok(()),
                }
                (next, names) = (Extended::default(), HashSet::new());
                continue;
            }
            let size = block.get(124..136).and_then(octal).filter(|_| checksum_holds(&block));
            let Some(size) = size else {
                let detail = "a header is broken; readers differ on what they make of that";
                let place = format!("byte {at}");
                self.findings.add(Severity::Medium, Rule::TarBroken, &place, detail);
                self.findings.unread("the archive cannot be read to its end");
                return Ok(());
            };
            let kind = block.get(156).copied().unwrap_or_default();
            let data = at + BLOCK;
            if matches!(kind, b'x' | b'g' | b'L' | b'K') {
                self.extended(source, kind, data..data.saturating_add(size), &mut next)?;
                at = data.saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
                continue;
            }
            let extended = std::mem::take(&mut next);
            let real = self.tar_entry(source, at, &block, size, &extended, &mut names)?;
            at = data.saturating_add(real.div_ceil(BLOCK).saturating_mul(BLOCK));
        }
        self.findings.unread("the archive has too many entries");
        Ok(())
    }

    /// The next header behind an empty block: some readers go on there, some stop.
    fn behind_end(&mut self, source: &mut Source<'_>, at: u64) -> io::Result<Option<u64>> {
        let mut next = at;
        while next < source.length() {
            if next >= at.saturating_add(MAX_TAIL_BYTES) {
                self.findings.unread("more stands behind the archive's end than is looked at");
                break;
            }
            let block = source.peek(next, 512)?;
            if checksum_holds(&block) {
                let detail =
                    "entries stand behind the end of the archive, where some readers go on";
                let place = format!("byte {next}");
                self.findings.add(Severity::Medium, Rule::TarMismatch, &place, detail);
                return Ok(Some(next));
            }
            next += BLOCK;
        }
        Ok(None)
    }

    fn extended(
        &mut self,
        source: &mut Source<'_>,
        kind: u8,
        range: std::ops::Range<u64>,
        next: &mut Extended,
    ) -> io::Result<()> {
        let size = range.end - range.start;
        let Some(bytes) = source.exact(range.start, size, MAX_EXTENDED_BYTES)? else {
            let place = format!("byte {}", range.start);
            let detail = "an extended header is larger than any name needs";
            self.findings.add(Severity::Medium, Rule::TarBroken, &place, detail);
            self.findings.unread("an extended header is too large");
            return Ok(());
        };
        match kind {
            b'L' => next.path = Some(string(&bytes)),
            b'K' => next.link = Some(string(&bytes)),
            _ => {
                let mut rest = bytes.as_slice();
                while let Some((key, value, tail)) = record(rest) {
                    rest = tail;
                    match key.as_str() {
                        "path" | "GNU.sparse.name" => next.path = Some(value),
                        "linkpath" => next.link = Some(value),
                        "size" => next.size = value.parse().ok(),
                        "GNU.sparse.realsize" | "GNU.sparse.size" => {
                            next.sparse = value.parse().ok()
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at one entry; gives the bytes that its data takes.
    fn tar_entry(
        &mut self,
        source: &mut Source<'_>,
        at: u64,
        block: &[u8; 512],
        size: u64,
        extended: &Extended,
        names: &mut HashSet<String>,
    ) -> io::Result<u64> {
        let field = |range: std::ops::Range<usize>| string(block.get(range).unwrap_or_default());
        let prefix = if field(257..262) == "ustar" { field(345..500) } else { String::new() };
        let short = field(0..100);
        let short = if prefix.is_empty() { short } else { format!("{prefix}/{short}") };
        let name = extended.path.clone().unwrap_or_else(|| short.clone());
        let link = extended.link.clone().unwrap_or_else(|| field(157..257));
        let kind = block.get(156).copied().unwrap_or_default();
        let place = clean(&name, 120);
        let mut add = |severity, rule, detail: &str| {
            self.findings.add(severity, rule, &place, detail);
        };
        let real = extended.size.unwrap_or(size);
        if real != size && size != 0 {
            add(Severity::High, Rule::TarMismatch, "two headers give two sizes of the entry");
        }
        if let Some(why) = path::leaves(&name).or_else(|| path::leaves(&short)) {
            add(Severity::High, Rule::TarPath, &format!("the entry's name {why}"));
        }
        match kind {
            b'1' | b'2' => {
                let out = path::leaves(&link).is_some();
                let severity = if out { Severity::High } else { Severity::Medium };
                let detail = format!("the entry is a link to {:?}", clean(&link, 100));
                add(severity, Rule::TarLink, &detail);
            }
            b'3' | b'4' | b'6' => add(Severity::High, Rule::TarDevice, "a device or a pipe"),
            _ => {}
        }
        let apparent = extended
            .sparse
            .or_else(|| (kind == b'S').then(|| block.get(483..495).and_then(octal)).flatten());
        if apparent.is_some_and(|bytes| bytes > real.saturating_mul(200).max(1 << 30)) {
            add(Severity::High, Rule::TarBomb, "a sparse entry claims far more than it stores");
        }
        if !matches!(kind, b'5') && !names.insert(name.trim_start_matches("./").to_owned()) {
            add(Severity::Medium, Rule::TarDuplicate, "a second entry replaces the first");
        }
        let data = at + BLOCK;
        let end = data.saturating_add(real);
        if end > source.length() {
            add(Severity::Medium, Rule::TarBroken, "the entry reaches over the end of the file");
            self.findings.unread("the archive is cut short");
        }
        match kind {
            b'0' | 0 | b'7' => {
                self.entry(&name, &mut source.part(&(data..end)), false)?;
            }
            b'S' => self.findings.unread("sparse entries are not read"),
            _ => {}
        }
        Ok(if matches!(kind, b'1'..=b'6') && extended.size.is_none() { 0 } else { real })
    }
}

/// A pax record: `length key=value\n`.
fn record(bytes: &[u8]) -> Option<(String, String, &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let text = String::from_utf8_lossy(record.get(space + 1..)?.strip_suffix(b"\n")?).into_owned();
    let (key, value) = text.split_once('=')?;
    Some((key.to_owned(), value.to_owned(), rest))
}
