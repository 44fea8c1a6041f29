//! What a verified bundle proves.

use bundle::{Bundle, Logged};
use evidence::{Checks, Completeness, Environment, VerifiedEvidence};
use ids::{JobId, Timestamp};
use keys::KeyId;

use crate::artifact::{RecordedFile, recorded_files};

/// What a bundle proves. Made in one place, and only when every check held.
#[derive(Debug, Clone)]
pub struct Verified {
    evidence: VerifiedEvidence,
    files: Vec<RecordedFile>,
    aibom: Vec<u8>,
    attestation: Vec<u8>,
    signer: KeyId,
    signed_at: Timestamp,
    logged_at: Timestamp,
    log_index: u64,
    warnings: Vec<String>,
}

impl Verified {
    /// `None` unless every check in `checks` held.
    pub(crate) fn new(
        checks: &Checks,
        evidence: VerifiedEvidence,
        bundle: &Bundle,
        environment: Environment,
        logged: &Logged,
        signer: KeyId,
        signed_at: Timestamp,
    ) -> Option<Self> {
        if !checks.all_passed() {
            return None;
        }
        Some(Self {
            files: recorded_files(&evidence, &bundle.aibom),
            warnings: warnings(&evidence, environment),
            aibom: bundle.aibom.clone(),
            attestation: bundle.attestation.clone(),
            signer,
            signed_at,
            logged_at: logged.logged_at(),
            log_index: logged.index(),
            evidence,
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
        self.signer
    }

    /// When it was signed, by the signer's clock.
    #[must_use]
    pub const fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// When the ledger took it, by the ledger's clock.
    #[must_use]
    pub const fn logged_at(&self) -> Timestamp {
        self.logged_at
    }

    /// Its place in the ledger, from 0.
    #[must_use]
    pub const fn log_index(&self) -> u64 {
        self.log_index
    }

    /// What a reader should know although every check held.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn warnings(evidence: &VerifiedEvidence, environment: Environment) -> Vec<String> {
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
    warnings
}
