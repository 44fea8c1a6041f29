//! What a scan says of files: secrets, misconfigurations, and what is dangerous to open.

use ids::Sha256Digest;
use serde::{Deserialize, Serialize};

/// How bad a finding is, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// The tool does not say.
    Unknown,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Level {
    /// Every level, worst last.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name, as scanners write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// Reads a scanner's word, in upper or lower case; what is none of the five is unknown.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let is_it = |level: &Self| level.as_str().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(is_it).unwrap_or(Self::Unknown)
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that looks like a secret; the text itself is never in the evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SecretFinding {
    /// The file: a path in the image, or the name of a subject.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The tool's rule, such as `aws-access-key-id`.
    pub rule: String,
    /// How bad the tool calls it.
    pub severity: Level,
    /// What kind of secret it looks like.
    pub title: String,
}

/// Configuration that a rule of the tool objects to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Misconfiguration {
    /// The file, or what else of the image was looked at.
    pub path: String,
    /// The tool's id, such as `DS-0002`.
    pub id: String,
    /// How bad the tool calls it.
    pub severity: Level,
    /// What is wrong.
    pub title: String,
}

/// A file that was looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InspectedFile {
    /// Its name, as the subject's.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// Length in bytes.
    pub size: u64,
    /// What it is by its content, such as `keras`, `csv` or `unknown`.
    pub format: String,
    /// What is dangerous in it, worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hazards: Vec<FileHazard>,
    /// Why it was not looked into, or not to its end; empty when it was. A file that no rule is
    /// for is not looked into.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unread: String,
}

/// Something that makes a file dangerous to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FileHazard {
    /// The rule, such as `pickle.code`.
    pub rule: String,
    /// How bad.
    pub severity: Level,
    /// Where in the file.
    pub place: String,
    /// What is there.
    pub detail: String,
}
