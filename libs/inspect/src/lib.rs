//! A placeholder with the API of the real library: it knows texts, and one hazard, a pickle's first
//! bytes. It is there only until the real one is.

use std::io::{self, Read, Seek};

/// The version of the rules.
pub const RULES_VERSION: u32 = 0;

/// How much of a file is read, at most.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Archives inside of archives that are walked.
    pub max_depth: u32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What the file is.
    pub format: Format,
    /// What is dangerous in it, most severe first.
    pub hazards: Vec<Hazard>,
    /// Why the file was not looked at to its end, or is not understood.
    pub unread: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A text.
    Text,
    /// A pickle.
    Pickle,
    /// Nothing that is known.
    Unknown,
}

impl Format {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Pickle => "pickle",
            Self::Unknown => "unknown",
        }
    }
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A pickle.
    PickleCode,
}

impl Rule {
    /// Its id.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PickleCode => "pickle.code",
        }
    }
}

/// How bad a hazard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The worst.
    Critical,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
        }
    }
}

/// Something dangerous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    /// How bad it is.
    pub severity: Severity,
    /// The rule by which it was found.
    pub rule: Rule,
    /// Where in the file.
    pub place: String,
    /// One plain sentence.
    pub detail: String,
}

/// Only reading failed.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The reader failed.
    #[error("cannot read the file")]
    Read(#[source] io::Error),
}

/// Says what the file is and what is dangerous in it.
///
/// # Errors
/// Only if the reader fails.
pub fn inspect(
    _name: &str,
    file: impl Read + Seek,
    _limits: &Limits,
) -> Result<Inspection, InspectError> {
    let mut start = Vec::new();
    file.take(4_096).read_to_end(&mut start).map_err(InspectError::Read)?;
    let hazard = Hazard {
        severity: Severity::Critical,
        rule: Rule::PickleCode,
        place: "offset 0".to_owned(),
        detail: "a pickle runs code when it is loaded".to_owned(),
    };
    Ok(match start.as_slice() {
        [0x80, 2..=5, ..] => {
            Inspection { format: Format::Pickle, hazards: vec![hazard], unread: None }
        }
        text if std::str::from_utf8(text).is_ok() => {
            Inspection { format: Format::Text, hazards: Vec::new(), unread: None }
        }
        _ => Inspection {
            format: Format::Unknown,
            hazards: Vec::new(),
            unread: Some("no rule is for it".to_owned()),
        },
    })
}
