//! The hazards that were found, bounded in number and length, in one order.

use std::{collections::BTreeSet, fmt};

use crate::rule::Rule;

/// The most hazards that one inspection tells.
pub const MAX_HAZARDS: usize = 1_000;
const MAX_PLACE_CHARS: usize = 160;
const MAX_DETAIL_CHARS: usize = 400;

/// How bad it is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Loading the file runs code of its maker.
    Critical,
    /// Loading it can run code, reach other files, or fill memory or disk; or it hides what it is.
    High,
    /// It does what plain data does not; whether that is harm cannot be said from the file.
    Medium,
    /// Worth knowing.
    Low,
}

impl Severity {
    /// `critical`, `high`, `medium` or `low`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// One dangerous thing in a file. Ordered by severity, then rule, place and detail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hazard {
    /// How bad it is.
    pub severity: Severity,
    /// The rule by which it was found.
    pub rule: Rule,
    /// Where in the file; at most 160 characters, control characters escaped.
    pub place: String,
    /// One plain sentence of at most 400 characters.
    pub detail: String,
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.place, self.rule.as_str(), self.detail)
    }
}

/// What an inspection has found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    hazards: BTreeSet<Hazard>,
    unread: Option<String>,
    prefix: String,
}

impl Findings {
    /// Notes a hazard; when there are too many, the least severe goes.
    pub(crate) fn add(&mut self, severity: Severity, rule: Rule, place: &str, detail: &str) {
        let place = match (self.prefix.is_empty(), place.is_empty()) {
            (true, true) => "the file".to_owned(),
            (true, false) => clean(place, MAX_PLACE_CHARS),
            (false, true) => clean(&self.prefix, MAX_PLACE_CHARS),
            (false, false) => clean(&format!("{}: {place}", self.prefix), MAX_PLACE_CHARS),
        };
        let detail = clean(detail, MAX_DETAIL_CHARS);
        self.hazards.insert(Hazard { severity, rule, place, detail });
        if self.hazards.len() > MAX_HAZARDS {
            self.hazards.pop_last();
        }
    }

    /// Notes why the file was not looked at to its end; the first reason stays.
    pub(crate) fn unread(&mut self, reason: impl AsRef<str>) {
        if self.unread.is_none() {
            let reason = match self.prefix.as_str() {
                "" => reason.as_ref().to_owned(),
                prefix => format!("{prefix}: {}", reason.as_ref()),
            };
            self.unread = Some(clean(&reason, MAX_DETAIL_CHARS));
        }
    }

    /// Enters an entry of an archive; gives what [`Self::leave`] takes.
    pub(crate) fn enter(&mut self, name: &str) -> String {
        let name = clean(name, MAX_PLACE_CHARS);
        let inner = match self.prefix.as_str() {
            "" => name,
            prefix => format!("{prefix}/{name}"),
        };
        std::mem::replace(&mut self.prefix, inner)
    }

    pub(crate) fn leave(&mut self, prefix: String) {
        self.prefix = prefix;
    }

    pub(crate) fn finish(self) -> (Vec<Hazard>, Option<String>) {
        (self.hazards.into_iter().collect(), self.unread)
    }
}

/// Control characters and marks that turn text around are escaped, and the rest cut.
pub(crate) fn clean(text: &str, chars: usize) -> String {
    let mut cleaned = String::new();
    let mut left = chars;
    for char in text.chars() {
        let turns = matches!(char, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
            || matches!(char, '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}');
        let shown: String =
            if char.is_control() || turns { char.escape_default().collect() } else { char.into() };
        let Some(rest) = left.checked_sub(shown.chars().count()) else { break };
        left = rest;
        cleaned.push_str(&shown);
    }
    cleaned
}
