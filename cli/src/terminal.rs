//! What is printed and how: data on standard output, news on standard error, colours for people.

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
};

use serde::Serialize;

use crate::{
    arguments::Format,
    failure::{Exit, Failure},
};

/// Standard output and standard error, with their habits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    format: Format,
    colour: bool,
    live: bool,
}

/// How a text is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// All is well.
    Good,
    /// It is not.
    Bad,
    /// Worth a look.
    Warn,
    /// A heading.
    Bold,
    /// Beside the point.
    Dim,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Warn => "33",
            Self::Bold => "1",
            Self::Dim => "2",
        }
    }
}

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

impl Terminal {
    /// Looks at what standard output and standard error are.
    pub(crate) fn new(format: Format) -> Self {
        let colour = io::stdout().is_terminal() && !no_colour();
        Self { format, colour, live: io::stderr().is_terminal() }
    }

    /// Whether programs read the output.
    pub(crate) const fn is_json(&self) -> bool {
        matches!(self.format, Format::Json)
    }

    /// Whether bars can be drawn on standard error.
    pub(crate) const fn is_live(&self) -> bool {
        self.live
    }

    /// Marks a text when standard output is a terminal.
    pub(crate) fn paint(&self, style: Style, text: impl Display) -> String {
        if self.colour && !self.is_json() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
        } else {
            text.to_string()
        }
    }

    /// Prints a line of data.
    pub(crate) fn line(&self, text: impl Display) -> Result<(), Failure> {
        printed(writeln!(io::stdout().lock(), "{text}"))
    }

    /// Prints a value for programs, on one line.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::cannot("cannot write the answer as JSON").because(error))?;
        self.line(text)
    }

    /// Prints bytes as they are, or without control characters when people look at them.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = if io::stdout().is_terminal() {
            let text = String::from_utf8_lossy(bytes);
            let keep = |c: &char| !steers(*c) || matches!(c, '\n' | '\t');
            out.write_all(text.chars().filter(keep).collect::<String>().as_bytes())
        } else {
            out.write_all(bytes)
        };
        printed(written.and_then(|()| out.flush()))
    }

    /// Tells people something that is no data.
    pub(crate) fn say(&self, text: impl Display) {
        // Nobody to tell it to is no failure.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Prints rows in columns as wide as they need to be.
    pub(crate) fn table(&self, heads: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let mut widths: Vec<usize> = heads.iter().map(|head| head.chars().count()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(clean(cell).chars().count());
            }
        }
        let padded = |cells: Vec<String>| {
            let columns = cells.iter().zip(&widths);
            let line: Vec<_> = columns.map(|(cell, &width)| format!("{cell:width$}")).collect();
            line.join("  ").trim_end().to_owned()
        };
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        self.line(self.paint(Style::Bold, padded(heads)))?;
        for row in rows {
            self.line(padded(row.iter().map(|cell| clean(cell)).collect()))?;
        }
        Ok(())
    }
}

/// Text from elsewhere without anything that could steer a terminal.
pub(crate) fn clean(text: &str) -> String {
    let flat = |c: char| if c.is_whitespace() { ' ' } else { c };
    text.chars().map(flat).filter(|c| !steers(*c)).collect()
}

/// Whether a terminal does something else for it than to show it; what turns the order of
/// letters around can make a text read as another one.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text from elsewhere as it is shown: one line, and at most so many characters of it.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    let text = clean(text);
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Bytes as people count them.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        // The reader has seen enough (`aibom jobs list | head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            Err(Failure::interrupted("standard output was closed"))
        }
        Err(error) => Err(Failure::cannot("cannot write to standard output").because(error)),
        Ok(()) => Ok(()),
    }
}

/// Prints a failure to standard error.
pub(crate) fn complain(failure: &Failure) {
    let colour = io::stderr().is_terminal() && !no_colour();
    let word = if failure.exit() == Exit::Interrupted { "interrupted" } else { "error" };
    let word = if colour { format!("\u{1b}[1;31m{word}\u{1b}[0m") } else { word.to_owned() };
    let _ = writeln!(io::stderr().lock(), "{word}: {failure}");
}

#[cfg(test)]
mod tests {
    use super::{clean, cut};

    #[test]
    fn nothing_from_elsewhere_turns_the_text_around() {
        let marks = "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}";
        assert_eq!(clean(&format!("a{marks}\u{1b}[2Jb\r\nc")), "a[2Jb  c");
        assert_eq!(clean("é שלום"), "é שלום", "letters of every script stay");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(cut("éèê", 2), "éè…");
        assert_eq!(cut("éèê", 3), "éèê");
    }
}
