//! How a log reads a witness's answer: a cosignature that verifies, another size to ask from, or
//! the news that the witness knows another history than ours.

use merkle::{CosignerKey, SignedCheckpoint};

use crate::{SIZE_MEDIA_TYPE, request::plain_decimal};

/// The longest answer that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024;
/// The most signature lines of an answer that are looked at.
const MAX_LINES: usize = 16;
/// How much of a refusal's text is kept, in characters.
const MAX_REASON_CHARS: usize = 200;

/// What a witness was asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The checkpoint, signed by the log.
    pub note: &'a str,
    /// Its size, in leaves.
    pub size: u64,
    /// The size from which the proof led, in leaves.
    pub old: u64,
}

/// What the answer means to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// The witness cosigned; the line, with its newline, as it stands in a note.
    Cosigned(String),
    /// It cosigned that size last: ask again from there.
    AskFrom(u64),
    /// It cosigned a larger tree of this log: ours was rolled back, or somebody else extends it.
    Ahead(u64),
    /// It cosigned another tree of that size, or of that beginning: the log forked.
    Forked(u64),
    /// It did not cosign, for this reason; asking again may help.
    Refused(String),
}

impl Asked<'_> {
    /// Reads the answer; nothing in it is believed but a cosignature of `key` that verifies, and a
    /// size that stops us.
    #[must_use]
    pub fn read(&self, status: u16, media_type: &str, body: &[u8], key: &CosignerKey) -> Answered {
        match status {
            200 => match self.cosignature(body, key) {
                Some(line) => Answered::Cosigned(line),
                None => Answered::Refused(format!("status 200 without a cosignature of {key}")),
            },
            409 if media_type.eq_ignore_ascii_case(SIZE_MEDIA_TYPE) => self.conflict(body),
            // tlog-witness gives this 409 no media type: the size is the one that the witness named.
            409 if self.same_size() => Answered::Forked(self.size),
            // The proof was ours, and led from the size that the witness named.
            422 if self.old > 0 => Answered::Forked(self.old),
            _ => {
                let text = String::from_utf8_lossy(body);
                let text = text.chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS);
                Answered::Refused(format!("status {status}: {}", text.collect::<String>()))
            }
        }
    }

    fn conflict(&self, body: &[u8]) -> Answered {
        let text = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n'));
        match text.and_then(plain_decimal) {
            Some(size) if size > self.size => Answered::Ahead(size),
            // The same size on both sides, and still a conflict: another root.
            Some(size) if size == self.old && size == self.size => Answered::Forked(size),
            Some(size) if size != self.old => Answered::AskFrom(size),
            Some(size) => {
                Answered::Refused(format!("status 409 though asked from its size {size}"))
            }
            None if self.same_size() => Answered::Forked(self.size),
            None => Answered::Refused("status 409 without a size".to_owned()),
        }
    }

    /// Whether only the roots can differ.
    const fn same_size(&self) -> bool {
        self.old == self.size && self.size > 0
    }

    fn cosignature(&self, body: &[u8], key: &CosignerKey) -> Option<String> {
        let (text, _) = self.note.split_at_checked(self.note.rfind("\n\n")? + 2)?;
        let lines = std::str::from_utf8(body).ok()?.split_inclusive('\n').take(MAX_LINES);
        let verifies = |line: &&str| {
            let note = format!("{text}{line}");
            SignedCheckpoint::parse(&note).is_ok_and(|note| note.cosigned(key).is_ok())
        };
        lines.into_iter().find(verifies).map(str::to_owned)
    }
}
