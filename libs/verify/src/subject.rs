//! What a verified bundle proves.

use bundle::{Bundle, Logged, Signatures};
use evidence::{Checks, Completeness, Environment, VerifiedEvidence};
use ids::{JobId, Timestamp};
use keys::{KeyId, PublicKey};
use policy::{Decision, Ignored, Violation};

use crate::artifact::{RecordedFile, recorded_files};
use crate::signatures::SideKeys;

/// The most findings that warnings name one by one.
const SHOWN_MAX: usize = 16;

/// What a bundle proves. Made in one place, and only when every check held.
#[derive(Debug, Clone)]
pub struct Verified {
    evidence: VerifiedEvidence,
    decision: Decision,
    files: Vec<RecordedFile>,
    aibom: Vec<u8>,
    attestation: Vec<u8>,
    signatures: Signatures,
    proof: Proof,
    warnings: Vec<String>,
}

/// Who signed, when, and where it was logged.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) logged: Logged,
    pub(crate) signer: KeyId,
    pub(crate) signed_at: Timestamp,
    pub(crate) side_keys: SideKeys,
}

impl Verified {
    /// `None` unless every check in `checks` held.
    pub(crate) fn new(
        checks: &Checks,
        (evidence, decision): (VerifiedEvidence, Decision),
        bundle: Bundle,
        environment: Environment,
        proof: Proof,
    ) -> Option<Self> {
        if !checks.all_passed() {
            return None;
        }
        Some(Self {
            files: recorded_files(&evidence, &bundle.aibom),
            warnings: warnings(&evidence, &decision, environment),
            aibom: bundle.aibom,
            attestation: bundle.attestation,
            signatures: bundle.signatures,
            proof,
            evidence,
            decision,
        })
    }

    /// The job.
    #[must_use]
    pub const fn job_id(&self) -> JobId {
        self.evidence.grant().job
    }

    /// The model's name, as the request gives it.
    #[must_use]
    pub fn model_name(&self) -> &str {
        &self.evidence.request().spec.model.name
    }

    /// Everything that the parties signed.
    #[must_use]
    pub const fn evidence(&self) -> &VerifiedEvidence {
        &self.evidence
    }

    /// The policy's decision to release it, made again here.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The inputs, the outputs, and the AIBoM itself, by digest.
    #[must_use]
    pub fn files(&self) -> &[RecordedFile] {
        &self.files
    }

    /// The AIBoM: the exact bytes that were signed.
    #[must_use]
    pub fn aibom(&self) -> &[u8] {
        &self.aibom
    }

    /// The DSSE envelope over the AIBoM, exact bytes.
    #[must_use]
    pub fn attestation(&self) -> &[u8] {
        &self.attestation
    }

    /// The platform key that signed.
    #[must_use]
    pub const fn signer(&self) -> KeyId {
        self.proof.signer
    }

    /// Model signature, link and layout, exact bytes.
    #[must_use]
    pub const fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// The key of the model signature.
    #[must_use]
    pub const fn model_key(&self) -> &PublicKey {
        &self.proof.side_keys.model
    }

    /// The key of the layout's owner.
    #[must_use]
    pub const fn layout_key(&self) -> &PublicKey {
        &self.proof.side_keys.layout
    }

    /// When it was signed, by the signer's clock.
    #[must_use]
    pub const fn signed_at(&self) -> Timestamp {
        self.proof.signed_at
    }

    /// When the ledger took it, by the ledger's clock.
    #[must_use]
    pub const fn logged_at(&self) -> Timestamp {
        self.proof.logged.logged_at()
    }

    /// Its place in the ledger, from 0.
    #[must_use]
    pub const fn log_index(&self) -> u64 {
        self.proof.logged.index()
    }

    /// What a reader should know although every check held.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn warnings(
    evidence: &VerifiedEvidence,
    decision: &Decision,
    environment: Environment,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if environment == Environment::Test {
        warnings
            .push("the trust root is one for tests: it may vouch for simulated parts".to_owned());
    }
    for (index, scan) in evidence.scans().iter().enumerate() {
        let extension = &scan.predicate.aibom;
        if extension.completeness == Completeness::Incomplete {
            let reason = &extension.reason;
            warnings.push(format!(
                "scan {index} is incomplete, an empty result means nothing: {reason}"
            ));
        }
    }
    if !decision.accepted().is_empty() {
        let (count, names) = named(decision.accepted().iter());
        let approver = evidence.approver().unwrap_or("an approver");
        let reason = evidence.release().map_or("", |release| release.reason.as_str());
        warnings.push(format!(
            "{approver} released it in spite of {count}, because: {reason}; that is: {names}"
        ));
    }
    for Ignored { violation, by } in decision.ignored().iter().take(SHOWN_MAX) {
        let (key, reason, until) = (violation.key(), &by.reason, by.expires);
        warnings.push(format!("the policy ignores {key} until {until}: {reason}"));
    }
    if let Some(rest) = decision.ignored().len().checked_sub(SHOWN_MAX).filter(|rest| *rest > 0) {
        warnings.push(format!("the policy ignores {rest} further findings"));
    }
    warnings
}

/// How many findings there are, and the first of them.
fn named<'a>(findings: impl ExactSizeIterator<Item = &'a Violation>) -> (String, String) {
    let count = findings.len();
    let mut names: Vec<String> = findings.take(SHOWN_MAX).map(Violation::key).collect();
    if count > SHOWN_MAX {
        names.push("…".to_owned());
    }
    let findings = if count == 1 { "finding" } else { "findings" };
    (format!("{count} {findings}"), names.join("; "))
}
