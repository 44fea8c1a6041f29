//! A release: an approver lets an AIBoM out although a policy holds it, for exactly these findings.

use ids::{JobId, Sha256Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// The DSSE payload type of a release.
pub const RELEASE_PAYLOAD_TYPE: &str = "application/vnd.aibom.release.v1+json";
/// The value of `schema`.
pub const RELEASE_SCHEMA: &str = "aibom.release.v1";
/// The longest reason, in characters.
pub const MAX_RELEASE_REASON: usize = 2_000;
/// The most violations that one release lets pass.
pub const MAX_VIOLATIONS: usize = 10_000;

/// What the approver's key signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Release {
    /// Always [`RELEASE_SCHEMA`].
    pub schema: String,
    /// The job.
    pub job: JobId,
    /// Digest of the evidence that was held (`EvidenceSet::digest` without the release).
    pub evidence: Sha256Digest,
    /// SHA-256 of the policy's envelope.
    pub policy: Sha256Digest,
    /// The ids of the violations that are let pass, sorted, each once; others still hold the job.
    pub violations: Vec<String>,
    /// Why, for whoever reads the AIBoM; 1 to [`MAX_RELEASE_REASON`] characters, no control
    /// characters but line ends.
    pub reason: String,
    /// When, by the approver's clock.
    pub decided_at: Timestamp,
}

impl Release {
    /// Whether its members are within their bounds.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let reason = self.reason.trim();
        !reason.is_empty()
            && !reason.chars().any(|c| c.is_control() && c != '\n')
            && self.reason.chars().count() <= MAX_RELEASE_REASON
            && (1..=MAX_VIOLATIONS).contains(&self.violations.len())
            && self.violations.is_sorted_by(|a, b| a < b)
    }
}
