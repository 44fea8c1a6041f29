//! A writer of HTML that escapes: markup is static, everything else is text.

use std::fmt::Write as _;

/// The longest text that is written whole, in bytes; the rest is cut with a note.
pub(super) const MAX_TEXT_BYTES: usize = 4096;

/// HTML as it grows.
///
/// Names of elements and attributes and raw markup are `&'static str`, so nothing that is read at
/// run time can become one.
#[derive(Debug, Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    /// An element with content.
    pub(super) fn el(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        inner: impl FnOnce(&mut Self),
    ) {
        self.void(name, attributes);
        inner(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// The start of an element; all of it when it has no content (`meta`).
    pub(super) fn void(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.text(value);
            self.out.push('"');
        }
        self.out.push('>');
    }

    /// An element of a class that holds only text.
    pub(super) fn leaf(&mut self, name: &'static str, class: &'static str, text: &str) {
        let attributes: &[_] = if class.is_empty() { &[] } else { &[("class", class)] };
        self.el(name, attributes, |h| h.text(text));
    }

    /// A link, when `url` is one that a browser may open from here; else text.
    pub(super) fn link(&mut self, url: &str, text: &str) {
        if url.starts_with("https://") || url.starts_with("http://") {
            let rel = "noopener noreferrer nofollow";
            self.el("a", &[("href", url), ("rel", rel)], |h| h.text(text));
        } else {
            self.text(text);
        }
    }

    /// Text or an attribute's value: escaped, cut when very long, hidden characters made visible.
    pub(super) fn text(&mut self, text: &str) {
        let shown = text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or_default();
        for character in shown.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                hidden if is_hidden(hidden) => {
                    let _ = write!(self.out, "\u{27e8}U+{:04X}\u{27e9}", u32::from(hidden));
                }
                plain => self.out.push(plain),
            }
        }
        if shown.len() < text.len() {
            let _ = write!(self.out, " … (cut: {} of {} bytes shown)", shown.len(), text.len());
        }
    }

    /// Markup of the program's own.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// Whether a reader would not see the character, or would see its neighbours in another order.
pub(crate) const fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        _ if character.is_ascii_control() => true,
        _ => matches!(
            character,
            '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        ),
    }
}

/// The first `most` characters, with an ellipsis when there are more.
pub(crate) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A whole number with its digits in groups of three; any other text as it is.
pub(super) fn grouped(text: &str) -> String {
    if text.len() < 5 || text.len() > 20 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}
