//! Texts: JSON, CSV, YAML, pages; and what their loaders would run.

use std::io;

use crate::{Format, Scan, Severity, format, rule::Rule, source::Source};

const LOOK_BYTES: usize = 64 * 1024;
const YAML_BYTES: u64 = 16 << 20;

impl Scan<'_> {
    /// `None` when it is no text.
    pub(crate) fn text(
        &mut self,
        name: &str,
        head: &[u8],
        source: &mut Source<'_>,
    ) -> io::Result<Option<Format>> {
        let start = source.peek(0, LOOK_BYTES)?;
        let valid = match std::str::from_utf8(&start) {
            Ok(text) => text,
            // Cut in the middle of a character.
            Err(error) if error.error_len().is_none() => {
                let valid = start.get(..error.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(valid).unwrap_or_default()
            }
            Err(_) if is_latin(&start) => "",
            Err(_) => return Ok(None),
        };
        if valid.chars().any(|char| char.is_control() && !char.is_whitespace() && char != '\u{1B}')
        {
            return Ok(None);
        }
        if format::is_markup(head) {
            let detail = "the file is a page or drawing that a browser runs";
            self.findings.add(Severity::Medium, Rule::Script, "byte 0", detail);
            return Ok(Some(Format::Markup));
        }
        let text = valid.trim_start_matches('\u{FEFF}').trim_start();
        if text.starts_with(['{', '[']) {
            self.keras_names(source)?;
            return Ok(Some(Format::Json));
        }
        self.yaml_tags(source)?;
        let separated = |separator: char| {
            let mut counts = valid.lines().take(3).map(|line| line.matches(separator).count());
            let first = counts.next().unwrap_or(0);
            first > 0 && counts.all(|count| count == first)
        };
        let csv = name.ends_with("sv") || [',', ';', '\t'].iter().any(|mark| separated(*mark));
        Ok(Some(if csv { Format::Csv } else { Format::Text }))
    }

    /// `!!python/object/apply` and its kin, for which PyYAML's full and unsafe loaders run code.
    fn yaml_tags(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        const TAGS: [&str; 2] = ["!!python/", "tag:yaml.org,2002:python/"];
        let mut at = 0;
        while at < source.length().min(YAML_BYTES) {
            let bytes = source.peek(at, LOOK_BYTES)?;
            for tag in TAGS {
                let found = bytes.windows(tag.len()).position(|window| window == tag.as_bytes());
                if let Some(offset) = found {
                    let place = format!("byte {}", at + offset as u64);
                    let detail = "a YAML tag builds Python objects or calls functions";
                    self.findings.add(Severity::High, Rule::YamlTag, &place, detail);
                }
            }
            // Windows overlap, so that no tag is cut in two.
            at += (LOOK_BYTES - 64) as u64;
        }
        Ok(())
    }
}

/// Text of an older encoding: no control bytes, and mostly letters.
fn is_latin(bytes: &[u8]) -> bool {
    let control = bytes.iter().any(|byte| *byte < 9 || (14..27).contains(byte) || *byte == 127);
    let high = bytes.iter().filter(|byte| **byte >= 128).count();
    !control && high * 4 < bytes.len()
}
