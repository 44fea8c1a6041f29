//! NumPy arrays: the header, and the pickle behind it when the array holds objects.

use std::io;

use crate::{
    Scan, Severity,
    pickle::{self, Setting},
    rule::Rule,
    source::Source,
};

const MAX_HEADER_BYTES: u64 = 1 << 20;

impl Scan<'_> {
    pub(crate) fn npy(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        let head = source.peek(6, 6)?;
        let (start, length) = match head.as_slice() {
            [1, _, low, high, ..] => (10, u64::from(u16::from_le_bytes([*low, *high]))),
            [2 | 3, _, a, b, c, d] => (12, u64::from(u32::from_le_bytes([*a, *b, *c, *d]))),
            _ => {
                self.unlooked("an unknown version");
                return Ok(());
            }
        };
        let Some(header) = source.exact(start, length, MAX_HEADER_BYTES)? else {
            let what = "a header that is larger than the file or than anybody writes";
            self.unlooked(what);
            return Ok(());
        };
        let text = String::from_utf8_lossy(&header);
        let data = start + length;
        if text.contains('\\') || !text.trim_start().starts_with('{') {
            self.strange(Severity::Medium, "a header that is spelled as NumPy never spells it");
        }
        let rest = data..source.length();
        if has_objects(&text) || text.contains('\\') {
            let detail =
                "the array holds Python objects, which NumPy unpickles if it is allowed to";
            self.findings.add(Severity::Medium, Rule::NumpyObject, "the header", detail);
            let prefix = self.findings.enter("objects");
            self.pickles(&mut source.part(&rest), 0, Setting::Numpy)?;
            self.findings.leave(prefix);
        } else if source.peek(data, 1)?.first() == Some(&0x80)
            && pickle::is_one(self, &mut source.part(&rest))?
        {
            self.strange(Severity::Medium, "numbers that are a pickle");
            self.pickles(&mut source.part(&rest), 0, Setting::Numpy)?;
        }
        Ok(())
    }

    fn strange(&mut self, severity: Severity, what: &str) {
        let detail = format!("the array has {what}");
        self.findings.add(severity, Rule::NumpyHeader, "the header", &detail);
    }

    /// Without its header it is not known whether there are objects, nor where.
    fn unlooked(&mut self, what: &str) {
        self.strange(Severity::High, what);
        self.findings.unread(format!("the array has {what}"));
    }
}

/// Whether a type in the header is `O`, alone or as a field.
fn has_objects(header: &str) -> bool {
    header.split(['\'', '"']).skip(1).step_by(2).any(|text| {
        let code = text.trim_start_matches(['<', '>', '|', '=']);
        code == "object"
            || code.strip_prefix('O').is_some_and(|size| size.bytes().all(|b| b.is_ascii_digit()))
    })
}
