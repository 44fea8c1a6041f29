//! A writer of Markdown that escapes: what stands in a document stays text.

use std::fmt::Write as _;

use crate::html::is_hidden;

/// The longest text that is written whole, in bytes.
const MAX_TEXT_BYTES: usize = 4096;

/// Markdown as it grows.
#[derive(Debug, Default)]
pub(super) struct Markdown {
    out: String,
}

impl Markdown {
    /// A heading of our own words, or of a text of the document; nothing when the text is empty.
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let marks = "#".repeat(level);
        let _ = writeln!(self.out, "{marks} {}\n", escaped(text));
    }

    /// A paragraph; nothing when the text is empty.
    pub(super) fn paragraph(&mut self, text: &str) {
        let text = escaped(text.trim_start());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        // At the start of a line these would begin a list, a rule, or a heading.
        let (number, rest) = text.split_at_checked(digits).unwrap_or_default();
        let guard = if rest.starts_with(['-', '=', '.']) { "\\" } else { "" };
        if !text.is_empty() {
            let _ = writeln!(self.out, "{number}{guard}{rest}\n");
        }
    }

    /// A paragraph of our own words.
    pub(super) fn note(&mut self, text: &'static str) {
        let _ = writeln!(self.out, "*{text}*\n");
    }

    /// `- **label:** value (source)`; nothing when the value is empty.
    pub(super) fn fact(&mut self, label: &str, value: &str, by: &str) {
        if value.is_empty() {
            return;
        }
        let _ = write!(self.out, "- **{}:** {}", escaped(label), escaped(value));
        if !by.is_empty() {
            let _ = write!(self.out, " *({by})*");
        }
        self.out.push('\n');
    }

    /// A table; nothing when it has no rows.
    pub(super) fn table<const N: usize>(
        &mut self,
        head: [&'static str; N],
        rows: &[[impl AsRef<str>; N]],
    ) {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(self.out, "\n| {} |\n|{}", head.join(" | "), "---|".repeat(N));
        for row in rows {
            let _ = writeln!(
                self.out,
                "| {} |",
                row.each_ref().map(|cell| escaped(cell.as_ref())).join(" | ")
            );
        }
        self.out.push('\n');
    }

    /// A command of our own words.
    pub(super) fn code(&mut self, command: &'static str) {
        let _ = writeln!(self.out, "```sh\n{command}\n```\n");
    }

    /// Whether nothing was written.
    pub(super) const fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// What another writer wrote, and an empty line.
    pub(super) fn append(&mut self, other: &Self) {
        self.out.push_str(&other.out);
        if !other.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// What was written, with one line end at its end.
    pub(super) fn finish(self) -> String {
        format!("{}\n", self.out.trim_end())
    }
}

/// `text` in a code span; escaped and outside of one when it holds what a span cannot show.
pub(crate) fn code_span(text: &str) -> String {
    let plain = |c: char| c != '`' && !c.is_control() && !is_hidden(c);
    let fits = !text.is_empty() && text.len() <= MAX_TEXT_BYTES && text.chars().all(plain);
    // A span takes one blank from each end.
    if fits && !text.starts_with(' ') && !text.ends_with(' ') {
        format!("`{text}`")
    } else {
        escaped(text)
    }
}

/// `text` on one line, so that no character of it means anything to Markdown or HTML.
pub(crate) fn escaped(text: &str) -> String {
    let shown = text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or_default();
    let mut out = String::with_capacity(shown.len() + 16);
    let mut characters = shown.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' | '\t' => out.push(' '),
            hidden if is_hidden(hidden) => {
                let _ = write!(out, "\u{27e8}U+{:04X}\u{27e9}", u32::from(hidden));
            }
            mark if "\\`*_{}[]()#+!|~$".contains(mark) => out.extend(['\\', mark]),
            // These make GitHub and Hugging Face turn a text into a link or a mention.
            '@' => out.push_str("&#64;"),
            ':' if characters.peek() == Some(&'/') => out.push_str("&#58;"),
            '.' if out.ends_with(['w', 'W']) => out.push_str("&#46;"),
            plain => out.push(plain),
        }
    }
    if shown.len() < text.len() {
        let _ = write!(out, " … (cut: {} of {} bytes shown)", shown.len(), text.len());
    }
    out
}
