//! What the simulated stack holds: as much of a value as can become the name or place of something.

use std::rc::Rc;

/// The longest text that is kept; no Python module or class that loads has a longer name.
pub(super) const MAX_TEXT_BYTES: usize = 512;
const MAX_ITEMS: usize = 16;
const MAX_PAIRS: usize = 16;
/// Tuples deeper than this are not kept, so that dropping one needs little stack.
const MAX_DEPTH: u8 = 8;

/// A value on the stack or in the memo.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// MARK.
    Mark,
    Int(i64),
    Text(Rc<str>),
    Global(Rc<(String, String)>),
    /// What calling a global made, with the arguments.
    Made(Rc<(Rc<(String, String)>, Self)>, u8),
    Tuple(Rc<[Self]>, u8),
    Dict(Vec<(Rc<str>, Self)>, u8),
    /// Any other thing that is surely no text.
    Object,
    /// Anything else.
    Other,
}

impl Value {
    pub(super) fn text(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.len() <= MAX_TEXT_BYTES => Self::Text(text.into()),
            _ => Self::Other,
        }
    }

    /// The operand of STRING (Python's literal in quotes) or UNICODE; `None` when it is none.
    pub(super) fn line(opcode: u8, line: &[u8]) -> Option<Self> {
        if opcode == b'V' {
            return Some(Self::text(unescape(line, true).as_bytes()));
        }
        let line = line.trim_ascii_end();
        let (first, last) = (*line.first()?, *line.last()?);
        let inner = line.get(1..line.len() - 1).filter(|_| line.len() >= 2)?;
        let quoted = first == last && matches!(first, b'\'' | b'"');
        quoted.then(|| Self::text(unescape(inner, false).as_bytes()))
    }

    const fn depth(&self) -> u8 {
        match self {
            Self::Made(_, depth) | Self::Tuple(_, depth) | Self::Dict(_, depth) => *depth,
            Self::Mark
            | Self::Int(_)
            | Self::Text(_)
            | Self::Global(_)
            | Self::Object
            | Self::Other => 0,
        }
    }

    fn over<'a>(items: impl Iterator<Item = &'a Self>) -> Option<u8> {
        let depth = items.map(Self::depth).max().unwrap_or(0) + 1;
        (depth <= MAX_DEPTH).then_some(depth)
    }

    pub(super) fn tuple(items: Vec<Self>) -> Self {
        match Self::over(items.iter()) {
            Some(depth) if items.len() <= MAX_ITEMS => Self::Tuple(items.into(), depth),
            _ => Self::Other,
        }
    }

    pub(super) fn made(callable: Rc<(String, String)>, arguments: Self) -> Self {
        match Self::over(std::iter::once(&arguments)) {
            Some(depth) => Self::Made(Rc::new((callable, arguments)), depth),
            None => Self::Other,
        }
    }

    /// Sets pairs of a dictionary; others stay as they are.
    pub(super) fn set(&mut self, items: Vec<Self>) {
        let Self::Dict(pairs, depth) = self else { return };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let Self::Text(key) = key else { continue };
            let fits = Self::over(std::iter::once(&value));
            pairs.retain(|(known, _)| *known != key);
            if let Some(over) = fits.filter(|_| pairs.len() < MAX_PAIRS) {
                *depth = over.max(*depth);
                pairs.push((key, value));
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(pairs, _) = self else { return None };
        pairs.iter().find(|(known, _)| &**known == key).map(|(_, value)| value)
    }

    /// Whether it surely is no text, so that CPython takes it for no name.
    pub(super) fn is_no_text(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Made(..) | Self::Other) || self.is_wrapper()
    }

    /// Whether it surely cannot be called, so that CPython fails where it is.
    pub(super) fn is_no_callable(&self) -> bool {
        !matches!(self, Self::Global(_) | Self::Made(..) | Self::Other) || self.is_wrapper()
    }

    /// Whether it is what joblib reads an array by.
    fn is_wrapper(&self) -> bool {
        let Self::Made(made, _) = self else { return false };
        made.0.0.starts_with("joblib") && made.0.1 == "NumpyArrayWrapper"
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// About the bytes of memory that it takes on its own.
    pub(super) fn cost(&self) -> usize {
        const PLACE: usize = 48;
        PLACE
            + match self {
                Self::Mark | Self::Int(_) | Self::Object | Self::Other => 0,
                Self::Text(text) => text.len() + 16,
                Self::Global(global) => global.0.len() + global.1.len() + 64,
                Self::Made(..) => 96,
                Self::Tuple(items, _) => items.len() * PLACE + 16,
                Self::Dict(pairs, _) => MAX_PAIRS.min(pairs.len() + 1) * 2 * PLACE,
            }
    }
}

/// Resolves Python's escapes: all of them, or only `\u` and `\U` as in raw Unicode literals.
fn unescape(bytes: &[u8], raw: bool) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let Some((&kind, tail)) = rest.split_first().filter(|_| byte == b'\\') else {
            text.push(char::from(byte));
            continue;
        };
        let hex = |digits: usize| {
            let digits = std::str::from_utf8(tail.get(..digits)?).ok()?;
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)
        };
        let (char, used) = match (kind, raw) {
            (b'u', true) => (hex(4), 4),
            (b'U', true) => (hex(8), 8),
            (b'x', false) => (hex(2), 2),
            (b'0'..=b'7', false) => octal(rest),
            (b'n', false) => (Some('\n'), 0),
            (b't', false) => (Some('\t'), 0),
            (b'r', false) => (Some('\r'), 0),
            (b'\\' | b'\'' | b'"', false) => (Some(char::from(kind)), 0),
            _ => (None, 0),
        };
        match char {
            Some(char) => {
                text.push(char);
                rest = tail.get(used..).unwrap_or_default();
            }
            None => text.push('\\'),
        }
    }
    text
}

/// One to three octal digits; what they stand for, and how many stand behind the first.
fn octal(digits: &[u8]) -> (Option<char>, usize) {
    let count = digits.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let number = digits.iter().take(count).fold(0, |sum, byte| sum * 8 + u32::from(byte - b'0'));
    (char::from_u32(number & 0xFF), count.saturating_sub(1))
}
