//! Who says a value: read out of annotations (1.6) or citations (1.7).

mod fields;

use std::{collections::HashMap, fmt};

use serde_json::Value;

use self::fields::Fields;
use crate::aibom::{Aibom, list, text};

/// The most lists of fields that are read for one subject; ours have one for each source.
const MAX_LISTS: usize = 256;
/// The longest name of an item that stands in a place, in bytes.
const MAX_NAME_BYTES: usize = 4096;

/// Where a value comes from (docs/formats/aibom.md, "Who says what").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The submitter said so.
    Asserted,
    /// The scheduler decided it.
    Granted,
    /// The executor saw it.
    Observed,
    /// The trainer said so.
    Reported,
    /// The scanner found it.
    Scanned,
    /// The mesh's policy says so, or an approver who released what it held.
    Decided,
    /// It follows from the profile's rules.
    Derived,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Asserted,
        Self::Granted,
        Self::Observed,
        Self::Reported,
        Self::Scanned,
        Self::Decided,
        Self::Derived,
    ];

    /// Its word, in lower case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asserted => "asserted",
            Self::Granted => "granted",
            Self::Observed => "observed",
            Self::Reported => "reported",
            Self::Scanned => "scanned",
            Self::Decided => "decided",
            Self::Derived => "derived",
        }
    }

    /// Whether the platform stands for it, and neither the submitter nor the trainer alone.
    #[must_use]
    pub const fn is_platform(self) -> bool {
        match self {
            Self::Granted | Self::Observed | Self::Scanned | Self::Decided | Self::Derived => true,
            Self::Asserted | Self::Reported => false,
        }
    }

    /// The source that an annotation's first word names.
    fn read(word: &str) -> Option<Self> {
        let (first, rest) = word.split_at_checked(1)?;
        let named = |source: &Self| {
            let (capital, ending) = source.word().split_at(1);
            capital.eq_ignore_ascii_case(first) && capital != first && ending == rest
        };
        Self::ALL.into_iter().find(named)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Who says a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Attribution<'a> {
    /// In which role.
    pub source: Source,
    /// As the document names them: mostly a SPIFFE id.
    pub who: &'a str,
}

impl<'a> Attribution<'a> {
    /// `<Source> by <who>`, and the fields behind it.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let (said, fields) = text.split_once(": ").unwrap_or((text, ""));
        let (word, who) = said.split_once(" by ")?;
        Some((Self { source: Source::read(word)?, who }, fields))
    }
}

/// What a document says of its own values' sources. A document of others says nothing.
#[derive(Debug)]
pub struct Sources<'a> {
    document: &'a Value,
    lists: Vec<(Attribution<'a>, Fields<'a>)>,
    /// Lists with fields below the subject, by its bom-ref (1.6).
    subjects: HashMap<&'a str, Vec<usize>>,
    /// Lists with fields below the document (1.6).
    whole: Vec<usize>,
    /// Complete pointers (1.7).
    cited: HashMap<&'a str, Attribution<'a>>,
}

/// The lists of each subject around a value, with where the place below the subject begins; the
/// outermost first.
type Enclosing<'s> = Vec<(&'s [usize], usize)>;

impl Aibom {
    /// Who says what in this document: its annotations and citations, read once.
    #[must_use]
    pub fn sources(&self) -> Sources<'_> {
        let mut sources = Sources {
            document: self.value(),
            lists: Vec::new(),
            subjects: HashMap::new(),
            whole: Vec::new(),
            cited: HashMap::new(),
        };
        for annotation in self.list("/annotations") {
            sources.annotated(annotation);
        }
        for citation in self.list("/citations") {
            sources.cited(citation);
        }
        sources
    }
}

impl<'a> Sources<'a> {
    fn annotated(&mut self, annotation: &'a Value) {
        if !text(annotation, "/bom-ref").starts_with("source/") {
            return;
        }
        let Some((attribution, fields)) = Attribution::read(text(annotation, "/text")) else {
            return;
        };
        let fields = Fields::read(fields);
        let number = self.lists.len();
        if fields.below_document() && self.whole.len() < MAX_LISTS {
            self.whole.push(number);
        }
        for subject in list(annotation, "/subjects").iter().filter_map(Value::as_str) {
            let lists = self.subjects.entry(subject).or_default();
            if lists.len() < MAX_LISTS {
                lists.push(number);
            }
        }
        self.lists.push((attribution, fields));
    }

    fn cited(&mut self, citation: &'a Value) {
        if let Some((attribution, _)) = Attribution::read(text(citation, "/note")) {
            let pointers = list(citation, "/pointers").iter().filter_map(Value::as_str);
            self.cited.extend(pointers.map(|pointer| (pointer, attribution)));
        }
    }

    /// Whether the document says nothing of its values' sources.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.cited.is_empty()
    }

    /// Who says the value at a JSON pointer (RFC 6901) into the document; the most specific
    /// field decides. `None` when there is no such value, or nobody is named for it.
    #[must_use]
    pub fn of(&self, pointer: &str) -> Option<Attribution<'a>> {
        if self.is_empty() {
            return None;
        }
        let (place, subjects) = self.place(pointer)?;
        for prefix in fields::prefixes(pointer) {
            if let Some(attribution) = self.cited.get(prefix) {
                return Some(*attribution);
            }
        }
        // From the nearest subject outwards; the document is the outermost.
        for (lists, start) in subjects.into_iter().rev() {
            let below = place.get(start..)?;
            let found = self.longest(lists, |fields| fields.longest(below));
            if found.is_some() {
                return found;
            }
        }
        self.longest(&self.whole, |fields| fields.longest_of_document(&place))
    }

    fn longest(
        &self,
        lists: &[usize],
        length: impl Fn(&Fields<'a>) -> Option<usize>,
    ) -> Option<Attribution<'a>> {
        let mut best: Option<(usize, Attribution<'a>)> = None;
        for (attribution, fields) in lists.iter().filter_map(|number| self.lists.get(*number)) {
            if let Some(found) = length(fields)
                && best.is_none_or(|(longest, _)| found > longest)
            {
                best = Some((found, *attribution));
            }
        }
        best.map(|(_, attribution)| attribution)
    }

    /// The place in an annotation's spelling, and each subject on the way to it with where the
    /// place below it begins.
    fn place(&self, pointer: &str) -> Option<(String, Enclosing<'_>)> {
        let mut place = String::new();
        let mut subjects = Vec::new();
        let mut value = self.document;
        let mut tokens = pointer.split('/');
        if !tokens.next()?.is_empty() {
            return None;
        }
        for token in tokens {
            let token = token.replace("~1", "/").replace("~0", "~");
            let (next, name) = match value {
                Value::Object(members) => (members.get(&token)?, None),
                Value::Array(items) => {
                    let item = items.get(index(&token)?)?;
                    (item, item.get("name").and_then(Value::as_str))
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
            };
            place.push('/');
            let named = name.filter(|name| name.len() <= MAX_NAME_BYTES);
            fields::spell(&mut place, named.unwrap_or(&token));
            if let Some(lists) = self.subjects.get(text(next, "/bom-ref")) {
                subjects.push((lists.as_slice(), place.len()));
            }
            value = next;
        }
        Some((place, subjects))
    }
}

/// An index as RFC 6901 spells it.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests;
