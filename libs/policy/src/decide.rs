//! Release or hold: the one place that makes a decision.

use evidence::{MAX_VIOLATIONS, VerifiedEvidence};
use ids::{JobId, Sha256Digest, Timestamp};
use keys::PublicKey;
use serde::{Deserialize, Serialize};

use crate::{Findings, Ignored, SignedPolicy, Violation, evaluate};

/// Names a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PolicyName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// SHA-256 of its envelope.
    pub digest: Sha256Digest,
}

/// The decision to release; only [`decide`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    evidence: Sha256Digest,
    policy: PolicyName,
    key: PublicKey,
    issued_at: Timestamp,
    ignored: Vec<Ignored>,
    accepted: Vec<Violation>,
}

impl Decision {
    /// The evidence that was decided on: [`VerifiedEvidence::set_digest`].
    #[must_use]
    pub const fn evidence(&self) -> Sha256Digest {
        self.evidence
    }

    /// The policy that decided.
    #[must_use]
    pub const fn policy(&self) -> &PolicyName {
        &self.policy
    }

    /// The key that signed the policy.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// When the policy was written, as it says.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// What the policy ignores, each with its reason.
    #[must_use]
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// What would hold the job, and an approver lets pass; empty when the policy released it.
    #[must_use]
    pub fn accepted(&self) -> &[Violation] {
        &self.accepted
    }
}

/// The decision to hold, and everything that a release must name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Hold {
    /// The job.
    pub job: JobId,
    /// Digest of the evidence that is held: [`VerifiedEvidence::evidence_digest`].
    pub evidence: Sha256Digest,
    /// The policy that holds it.
    pub policy: PolicyName,
    /// Why, in a fixed order. At most [`MAX_VIOLATIONS`]; what is beyond is in `more`.
    pub violations: Vec<Violation>,
    /// How many there are beyond the listed; such a job cannot be released.
    pub more: u64,
}

/// Evaluates `policy` over `evidence` at `at`, the signing time. A release in the evidence counts
/// for this policy and for what it names: anything else still holds the job.
///
/// # Errors
/// Why the job is held.
pub fn decide(
    evidence: &VerifiedEvidence,
    policy: &SignedPolicy,
    at: Timestamp,
) -> Result<Decision, Box<Hold>> {
    let Findings { mut violations, ignored } = evaluate(policy.policy(), evidence, at);
    let name = PolicyName {
        name: policy.policy().name.clone(),
        version: policy.policy().version,
        digest: policy.digest(),
    };
    let release = evidence.release().filter(|release| release.policy == name.digest);
    let named = |violation: &Violation| {
        release.is_some_and(|release| release.violations.binary_search(&violation.key()).is_ok())
    };
    if violations.iter().all(named) {
        return Ok(Decision {
            evidence: evidence.set_digest(),
            policy: name,
            key: policy.public_key().clone(),
            issued_at: policy.policy().issued_at,
            ignored,
            accepted: violations,
        });
    }
    let more = violations.len().saturating_sub(MAX_VIOLATIONS) as u64;
    violations.truncate(MAX_VIOLATIONS);
    Err(Box::new(Hold {
        job: evidence.grant().job,
        evidence: evidence.evidence_digest(),
        policy: name,
        violations,
        more,
    }))
}
