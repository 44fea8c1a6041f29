//! Who says a value: read out of annotations (1.6) or citations (1.7).

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
    /// It follows from the profile's rules.
    Derived,
}
