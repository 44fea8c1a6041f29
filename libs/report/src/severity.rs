//! How bad a vulnerability is, in the words of CycloneDX.

/// Severities of CycloneDX, the worst first; of the last nobody knows where it stands.
pub const SEVERITIES: [&str; 7] = ["critical", "high", "medium", "low", "info", "none", "unknown"];

/// Where a severity stands in [`SEVERITIES`]; a word that is not among them is the last.
#[must_use]
pub fn rank(severity: &str) -> usize {
    SEVERITIES.iter().position(|known| *known == severity).unwrap_or(SEVERITIES.len() - 1)
}
