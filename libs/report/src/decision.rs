//! By which policy an AIBoM was released, and in spite of what.

use crate::{Aibom, aibom::text};

/// What a document says of its release; a document of others says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision<'a> {
    /// `released` or `released-by-approver`.
    pub word: &'a str,
    /// Name and version of the policy, such as `standard version 3`.
    pub policy: String,
    /// SHA-256 of the policy's envelope.
    pub policy_sha256: &'a str,
    /// What the policy's own list ignores: `<kind> <id> <place>`.
    pub ignored: Vec<&'a str>,
    /// What the policy held the job for, and an approver let pass, in the same form.
    pub accepted: Vec<&'a str>,
    /// Who let it pass.
    pub approver: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When.
    pub decided_at: &'a str,
    /// How much the scans found: `<kind>:<severity>` and how many.
    pub findings: Vec<(&'a str, &'a str)>,
}

impl Decision<'_> {
    /// Whether somebody let it out although the policy held it.
    #[must_use]
    pub const fn in_spite_of_findings(&self) -> bool {
        !self.accepted.is_empty() || !self.approver.is_empty()
    }

    /// That somebody did, in one sentence; `None` where nobody had to.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.in_spite_of_findings().then(|| {
            let count = self.accepted.len();
            let by = if self.approver.is_empty() { "an approver" } else { self.approver };
            format!("held by the policy for {count} findings, and released all the same by {by}")
        })
    }
}

impl Aibom {
    /// What the document's metadata says of its release.
    #[must_use]
    pub fn decision(&self) -> Decision<'_> {
        let mut decision = Decision::default();
        let mut name = ["", ""];
        for property in self.list("/metadata/properties") {
            let value = text(property, "/value");
            let Some(known) = text(property, "/name").strip_prefix("aibom:") else { continue };
            match known {
                "policy:name" => name[0] = value,
                "policy:version" => name[1] = value,
                "policy:sha256" => decision.policy_sha256 = value,
                "decision" => decision.word = value,
                "decision:ignored" => decision.ignored.push(value),
                "decision:accepted" => decision.accepted.push(value),
                "decision:approver" => decision.approver = value,
                "decision:reason" => decision.reason = value,
                "decision:decidedAt" => decision.decided_at = value,
                other => {
                    let kind = other.strip_prefix("findings:");
                    decision.findings.extend(kind.map(|kind| (kind, value)));
                }
            }
        }
        let [name, version] = name;
        if !name.is_empty() {
            decision.policy = format!("{name} version {version}");
        }
        decision
    }
}
