//! Zip archives (PKWARE APPNOTE 6.3), read so as to show what readers disagree about: bytes in front
//! and behind, headers that differ, entries that share bytes, and what the directory leaves out.

mod directory;
mod entry;
pub(crate) mod path;

use std::{collections::HashSet, io};

use crate::{
    Format, Scan, Severity,
    compressed::{MAX_RATIO, RATIO_FROM_BYTES},
    pickle::{self, Setting},
    rule::Rule,
    source::Source,
};
pub(crate) use directory::end_record;
use directory::{End, Entry};

impl Scan<'_> {
    pub(crate) fn zip(&mut self, name: &str, source: &mut Source<'_>) -> io::Result<Format> {
        let Some(end) = end_record(source)? else {
            let detail = "there is no directory at the archive's end";
            self.findings.add(Severity::Medium, Rule::ZipBroken, "the end", detail);
            self.findings.unread("the archive has no directory");
            return Ok(Format::Zip);
        };
        self.frame(source, &end)?;
        let entries = self.directory(source, &end)?;
        let format = kind(name, &entries);
        if format == Format::Keras {
            self.keras(source)?;
        }
        self.names(&entries);
        let mut ranges = Vec::new();
        for entry in &entries {
            let data = self.local(source, &end, entry)?;
            ranges.push(data.as_ref().map(|data| data.whole.clone()));
            let Some(data) = data else { continue };
            self.contents(source, entry, data.data, format)?;
        }
        self.layout(source, &end, ranges.into_iter().flatten().collect())?;
        Ok(format)
    }

    /// What stands around the archive.
    fn frame(&mut self, source: &mut Source<'_>, end: &End) -> io::Result<()> {
        let mut add = |severity, rule, place: String, detail: &str| {
            self.findings.add(severity, rule, &place, detail);
        };
        if end.shift > 0 {
            let detail = "bytes stand in front of the archive; as a whole it is two files in one";
            add(Severity::High, Rule::Polyglot, "byte 0".to_owned(), detail);
        }
        if end.behind > 0 {
            let at = source.length() - end.behind;
            let detail = "bytes stand behind the archive's end, where some readers look first";
            add(Severity::High, Rule::Polyglot, format!("byte {at}"), detail);
        }
        if end.ambiguous {
            let detail = "there are two end records, and readers differ on which one counts";
            add(Severity::High, Rule::ZipContradiction, format!("byte {}", end.at), detail);
        }
        if let Some(why) = end.contradiction {
            add(Severity::High, Rule::ZipContradiction, format!("byte {}", end.at), why);
        }
        Ok(())
    }

    /// The rules on names and kinds.
    fn names(&mut self, entries: &[Entry]) {
        let mut names = HashSet::new();
        let (mut packed, mut unpacked) = (0_u64, 0_u64);
        for entry in entries {
            let mut add = |severity, rule, detail: &str| {
                self.findings.add(severity, rule, &entry.name, detail);
            };
            if let Some(why) = path::leaves(&entry.name) {
                add(Severity::High, Rule::ZipPath, &format!("the entry's name {why}"));
            }
            if !matches!(entry.kind, 0 | 4 | 8) {
                add(Severity::High, Rule::ZipLink, "the entry is a symbolic link or a device");
            }
            if !names.insert(entry.name.trim_start_matches("./")) {
                let detail =
                    "two entries have this name, and readers differ on which one they take";
                add(Severity::High, Rule::ZipDuplicate, detail);
            }
            packed = packed.saturating_add(entry.packed);
            unpacked = unpacked.saturating_add(entry.size);
        }
        if unpacked > packed.saturating_mul(MAX_RATIO).max(RATIO_FROM_BYTES) {
            let detail = format!("{packed} bytes unpack to {unpacked}");
            self.findings.add(Severity::High, Rule::ZipBomb, "the directory", &detail);
        }
    }

    /// What lies between the entries, or in two of them.
    fn layout(
        &mut self,
        source: &mut Source<'_>,
        end: &End,
        mut ranges: Vec<std::ops::Range<u64>>,
    ) -> io::Result<()> {
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        let mut at = end.shift;
        for range in ranges.iter().chain(std::iter::once(&(end.start..end.at))) {
            if range.start < at {
                let detail = "entries share bytes, so that few bytes unpack to many";
                let place = format!("byte {}", range.start);
                self.findings.add(Severity::High, Rule::ZipOverlap, &place, detail);
            }
            let gap = range.start.saturating_sub(at);
            // Data descriptors have 12 to 24 bytes and stand behind an entry.
            if gap > 24 || (gap > 0 && at == end.shift) {
                let bytes = source.peek(at, usize::try_from(gap.min(1 << 20)).unwrap_or(0))?;
                let entry = bytes.windows(4).any(|window| window == b"PK\x03\x04");
                let severity = if entry { Severity::High } else { Severity::Medium };
                let what = if entry { "an entry" } else { "bytes" };
                let detail = format!("{what} of {gap} bytes that the directory does not list");
                self.findings.add(severity, Rule::ZipHidden, &format!("byte {at}"), &detail);
                if pickle::imports_harm(self, &mut source.part(&(at..range.start)))? {
                    self.pickles(&mut source.part(&(at..range.start)), 0, Setting::Plain)?;
                }
            }
            at = at.max(range.end);
        }
        Ok(())
    }
}

/// What the archive is, by the names of its entries.
fn kind(name: &str, entries: &[Entry]) -> Format {
    let has = |wanted: fn(&str) -> bool| entries.iter().any(|entry| wanted(&entry.name));
    let keras = has(|name| name == "config.json")
        && (has(|name| name == "metadata.json") || has(|name| name.ends_with(".weights.h5")));
    if keras || name.ends_with(".keras") {
        Format::Keras
    } else if has(|name| name == "data.pkl" || name.ends_with("/data.pkl")) {
        Format::Torch
    } else if !entries.is_empty() && entries.iter().all(|entry| entry.name.ends_with(".npy")) {
        Format::Npz
    } else {
        Format::Zip
    }
}
