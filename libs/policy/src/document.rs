//! The policy document and its bounds.

use evidence::{Level, ScanTarget};
use ids::Timestamp;
use serde::{Deserialize, Serialize};

/// The DSSE payload type of a policy.
pub const POLICY_PAYLOAD_TYPE: &str = "application/vnd.aibom.policy.v1+json";
/// The value of `schema`.
pub const POLICY_SCHEMA: &str = "aibom.policy.v1";
/// The longest policy, envelope and all, in bytes.
pub const MAX_POLICY_BYTES: usize = 1024 * 1024;
/// The most entries of the ignore list.
pub const MAX_IGNORES: usize = 2_000;

/// What a policy key signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// Always [`POLICY_SCHEMA`].
    pub schema: String,
    /// What people call it. 1 to 64 of a-z, 0-9, '.', '_', '-'.
    pub name: String,
    /// Grows with every change, from 1.
    pub version: u64,
    /// When it was written.
    pub issued_at: Timestamp,
    /// Known vulnerabilities of packages.
    pub vulnerabilities: VulnerabilityRule,
    /// Texts that look like secrets.
    pub secrets: Rule,
    /// Configuration that a rule of the scan tool objects to.
    pub misconfigurations: Rule,
    /// What is dangerous in files.
    pub files: Rule,
    /// Licences of packages.
    pub licences: LicenceRule,
    /// What must have been scanned to its end. Sorted, each once.
    pub complete: Vec<ScanTarget>,
    /// How old a vulnerability database may be when the AIBoM is signed, in days; absent: as old as
    /// the scanner lets it be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_database_age_days: Option<u32>,
    /// How long before the AIBoM is signed a scan may have been made, in days; absent: as long as
    /// the scanner answers from its cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_scan_age_days: Option<u32>,
    /// What does not hold a job, for a reason and until a day. At most [`MAX_IGNORES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Ignore>,
}

/// From which severity on findings hold a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// The least severity that holds; absent: none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Level>,
}

/// Which vulnerabilities hold a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VulnerabilityRule {
    /// The least severity that holds; absent: none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Level>,
    /// Only those that a newer version mends.
    pub fixed_only: bool,
    /// Whose word counts.
    pub rating: Rating,
}

/// Whose rating of a vulnerability counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rating {
    /// The scan tool's own, which prefers the distribution's over others; where it has none, or
    /// calls it unknown, the worst.
    Scanner,
    /// The worst of all.
    Worst,
}

/// Which licences hold a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LicenceRule {
    /// SPDX ids that may not be needed, such as `AGPL-3.0-only`, or licences as packages spell them;
    /// upper and lower case are one. An id without `-only` or `-or-later` means both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Whether a package that states no licence holds.
    pub deny_unstated: bool,
}

/// A finding that does not hold a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Ignore {
    /// The finding's id: a CVE, a rule of secrets or files, a licence.
    pub id: String,
    /// Where, as the finding says it; of a purl qualifiers may be left out, or the version as well
    /// (then every version), of a secret the line. Absent: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why, for whoever reads the AIBoM.
    pub reason: String,
    /// The last instant at which it counts.
    pub expires: Timestamp,
}

/// A policy outside its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {bound}")]
pub struct InvalidPolicy {
    /// Which member.
    pub key: String,
    /// What it may hold.
    pub bound: &'static str,
}

impl Policy {
    /// What a mesh begins with: critical vulnerabilities that a newer version mends hold, and so do
    /// secrets, dangerous files from high on, and scans that are not complete.
    #[must_use]
    pub fn standard(issued_at: Timestamp) -> Self {
        Self {
            schema: POLICY_SCHEMA.to_owned(),
            name: "standard".to_owned(),
            version: 1,
            issued_at,
            vulnerabilities: VulnerabilityRule {
                hold: Some(Level::Critical),
                fixed_only: true,
                rating: Rating::Scanner,
            },
            secrets: Rule { hold: Some(Level::High) },
            misconfigurations: Rule { hold: Some(Level::Critical) },
            files: Rule { hold: Some(Level::High) },
            licences: LicenceRule::default(),
            complete: vec![ScanTarget::Image, ScanTarget::Inputs, ScanTarget::Outputs],
            max_database_age_days: None,
            max_scan_age_days: None,
            ignore: Vec::new(),
        }
    }

    /// Checks every member.
    ///
    /// # Errors
    /// The first that is outside its bounds.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let named = (1..=64).contains(&self.name.len())
            && self
                .name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
        let holds = [
            ("schema", self.schema == POLICY_SCHEMA, "must be \"aibom.policy.v1\""),
            ("name", named, "1 to 64 of a-z, 0-9, '.', '_', '-'"),
            ("version", (1..1 << 53).contains(&self.version), "a number from 1"),
            ("complete", self.complete.is_sorted_by(|a, b| a < b), "sorted, each target once"),
            ("maxDatabaseAgeDays", self.max_database_age_days != Some(0), "at least 1"),
            ("maxScanAgeDays", self.max_scan_age_days != Some(0), "at least 1"),
            ("licences.deny", self.licences.deny.len() <= MAX_IGNORES, "at most 2000"),
            ("ignore", self.ignore.len() <= MAX_IGNORES, "at most 2000 entries"),
        ];
        if let Some((key, _, bound)) = holds.into_iter().find(|(_, holds, _)| !holds) {
            return Err(InvalidPolicy { key: key.to_owned(), bound });
        }
        let plain = |text: &str, max: usize| {
            (1..=max).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
        };
        let exact = |text: &str, max| plain(text, max) && text.trim() == text;
        if let Some(index) = self.licences.deny.iter().position(|id| !exact(id, 256)) {
            let (key, bound) = (format!("licences.deny[{index}]"), "1 to 256 characters");
            return Err(InvalidPolicy { key, bound });
        }
        for (index, ignore) in self.ignore.iter().enumerate() {
            let wrong = |member: &str, bound| {
                Err(InvalidPolicy { key: format!("ignore[{index}].{member}"), bound })
            };
            if !exact(&ignore.id, 256) {
                return wrong("id", "1 to 256 characters");
            }
            if ignore.subject.as_deref().is_some_and(|subject| !exact(subject, 1024)) {
                return wrong("subject", "1 to 1024 characters");
            }
            if !plain(&ignore.reason, 2_000) {
                return wrong("reason", "1 to 2000 characters: say why");
            }
        }
        Ok(())
    }
}
