//! The order of the checks on one bundle, and the verdict.

use bundle::Bundle;
use evidence::{Checks, Grant, TrustRoot, VerifiedEvidence};
use ids::{JobId, Timestamp};
use serde::Deserialize as _;

use crate::attestation::{self, Attestation};
use crate::signatures::Basis;
use crate::subject::{Proof, Verified};
use crate::{gate, log_proof, rederive, signatures};

/// Every check that was made, and what the bundle proves when all of them held.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The checks, in the order they were made.
    pub checks: Checks,
    /// What the bundle proves; there only when every check held.
    pub subject: Option<Verified>,
    /// The job that the bundle says it is about; nothing vouches for it unless `subject` is there.
    pub claimed_job: Option<JobId>,
}

impl Verdict {
    /// Whether every check held.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.subject.is_some()
    }
}

/// Checks the bundle file `bytes` against the pinned `root`.
///
/// The names of the checks are stable. In their order: `bundle.format`; `ledger.checkpoint`,
/// `ledger.witnesses`, `ledger.entry`, `ledger.inclusion`; `attestation.format`, `.key`, `.signature`, `.time`; the
/// rules of [`evidence::check`] under their own names; `evidence.certificates`; `policy.signature`,
/// `policy.decision`; `aibom.rederive`; `attestation.statement`; `signatures.model`, `.link`, `.layout`.
#[must_use]
pub fn verify_bundle(bytes: &[u8], root: &TrustRoot) -> Verdict {
    let mut checks = Checks::new();
    let parsed = Bundle::parse(bytes)
        .map(|bundle| (bundle, format!("{} bytes, canonical, no unknown member", bytes.len())));
    let Some(bundle) = checks.record("bundle.format", parsed) else {
        return Verdict { checks, subject: None, claimed_job: None };
    };
    let claimed_job = claimed_job(&bundle);

    let logged = log_proof::check(&bundle, root, &mut checks);
    let logged_at = logged.as_ref().map(bundle::Logged::logged_at);
    let attestation = attestation::check(&bundle.attestation, root, logged_at, &mut checks);
    // A claimed time will do to look at the rest: the verdict is settled by then.
    let at = attestation.as_ref().and_then(Attestation::signed_at).or(logged_at);
    let evidence = check_evidence(&bundle, root, at, &mut checks);
    let decision = gate::check(&bundle.policy, root, evidence.as_ref(), at, logged_at, &mut checks);
    let basis = evidence.as_ref().zip(decision.as_ref());
    let aibom = rederive::aibom(&bundle.aibom, basis, &mut checks);
    rederive::statement(attestation.as_ref(), evidence.as_ref(), aibom.as_ref(), &mut checks);

    let proved = attestation.as_ref().and_then(Attestation::proved);
    let basis = match (&evidence, &aibom, proved) {
        (Some(evidence), Some(aibom), Some((signer, signed_at))) => {
            Some(Basis { root, evidence, aibom, signer, signed_at, logged_at })
        }
        _ => None,
    };
    let side_keys = signatures::check(&bundle.signatures, basis.as_ref(), &mut checks);
    let released = evidence.zip(decision);
    let subject = match (logged, released, proved, side_keys) {
        (Some(logged), Some(released), Some((signer, signed_at)), Some(side_keys)) => {
            let proof = Proof { logged, signer, signed_at, side_keys };
            Verified::new(&checks, released, bundle, root.environment, proof)
        }
        _ => None,
    };
    Verdict { checks, subject, claimed_job }
}

/// The rules on the evidence, at the signing time.
fn check_evidence(
    bundle: &Bundle,
    root: &TrustRoot,
    at: Option<Timestamp>,
    checks: &mut Checks,
) -> Option<VerifiedEvidence> {
    let Some(at) = at else {
        checks.require("evidence.time", false, "", "neither signing nor logging time can be read");
        return None;
    };
    // Its own list: the rules answer by whether everything recorded so far held.
    let mut rules = Checks::new();
    let evidence = evidence::check(&bundle.evidence, root, at, &mut rules);
    for rule in rules.as_slice() {
        checks.require(rule.name.as_str(), rule.passed, &rule.detail, &rule.detail);
    }
    evidence
}

/// The job in the grant's unverified payload, for people who look for the bundle of a refusal.
fn claimed_job(bundle: &Bundle) -> Option<JobId> {
    let bytes = &bundle.evidence.grant.envelope;
    let envelope = envelope::Envelope::parse(bytes, evidence::MAX_DOCUMENT_BYTES).ok()?;
    let payload = envelope.unverified_payload();
    let grant = Grant::deserialize(&mut serde_json::Deserializer::from_slice(payload)).ok()?;
    Some(grant.job)
}
