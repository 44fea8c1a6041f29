//! The list of fields of one annotation, and which of them a place lies under.

use std::collections::HashSet;

/// The longest field that is read, in bytes.
const MAX_FIELD_BYTES: usize = 4096;

/// Fields below the subject and below the document.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    subject: Prefixes<'a>,
    document: Prefixes<'a>,
}

#[derive(Debug, Default)]
struct Prefixes<'a> {
    whole: HashSet<&'a str>,
    /// Fields with `*` at their end, without it.
    open: HashSet<&'a str>,
    longest_open: usize,
}

impl<'a> Fields<'a> {
    /// Reads `<field>, <field>, …`; what is no field is left out.
    pub(super) fn read(text: &'a str) -> Self {
        let mut fields = Self::default();
        for field in text.split(", ").filter(|field| field.len() <= MAX_FIELD_BYTES) {
            if field == "everything" {
                fields.subject.add("");
            } else if let Some(below) = field.strip_prefix('$') {
                fields.document.add(below);
            } else if field.starts_with('/') {
                fields.subject.add(field);
            }
        }
        fields
    }

    /// Whether a field is below the document.
    pub(super) fn below_document(&self) -> bool {
        !self.document.whole.is_empty() || !self.document.open.is_empty()
    }

    /// The length of the longest field that `place`, below the subject, lies under.
    pub(super) fn longest(&self, place: &str) -> Option<usize> {
        self.subject.longest(place)
    }

    /// The same for fields and a place below the document.
    pub(super) fn longest_of_document(&self, place: &str) -> Option<usize> {
        self.document.longest(place)
    }
}

impl<'a> Prefixes<'a> {
    fn add(&mut self, field: &'a str) {
        if let Some(beginning) = field.strip_suffix('*') {
            self.longest_open = self.longest_open.max(beginning.len());
            self.open.insert(beginning);
        } else {
            self.whole.insert(field);
        }
    }

    fn longest(&self, place: &str) -> Option<usize> {
        let whole = prefixes(place).find(|prefix| self.whole.contains(prefix)).map(str::len);
        let lengths = if self.open.is_empty() { 0..0 } else { 0..self.longest_open + 1 };
        let beginning = |length| place.get(..length).filter(|start| self.open.contains(start));
        let open = lengths.rev().find_map(beginning).map(str::len);
        whole.max(open)
    }
}

/// A pointer and those of everything around it, the longest first; the last is empty.
pub(super) fn prefixes(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |rest| rest.rfind('/').and_then(|end| rest.get(..end)))
}

/// Adds a name to a place as fields spell it: `~0`, `~1`, `~2`, `~4` for `~`, `/`, `,`, `*`.
pub(super) fn spell(place: &mut String, name: &str) {
    for c in name.chars() {
        match c {
            '~' => place.push_str("~0"),
            '/' => place.push_str("~1"),
            ',' => place.push_str("~2"),
            '*' => place.push_str("~4"),
            other => place.push(other),
        }
    }
}
