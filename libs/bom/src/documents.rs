//! What lies beside the AIBoM, or is known by its address: the document's external references.

use envelope::ResourceDescriptor;
use evidence::VerifiedEvidence;
use policy::Decision;

use crate::claims::{Claims, Source};
use crate::cyclonedx::{ExternalReference, ReferenceKind};
use crate::{refs, text};

/// The output with the metrics of every epoch.
const METRICS: &str = "metrics.json";

/// Every document of the evidence, the log, the metrics, and who to tell of a vulnerability.
pub(crate) fn references(
    evidence: &VerifiedEvidence,
    decision: &Decision,
    claims: &mut Claims,
) -> Vec<ExternalReference> {
    let mut out: Vec<ExternalReference> = Vec::new();
    let mut add = |source: Source, reference: ExternalReference| {
        claims.add(source, refs::RELEASE, &[format!("$/externalReferences/{}", out.len())]);
        out.push(reference);
    };
    let scans = 3..evidence.scans().len().saturating_add(3);
    for index in 0..evidence.digests().len() {
        let kinds = [
            (true, ReferenceKind::Attestation),
            (index == 2, ReferenceKind::BuildMeta),
            (scans.contains(&index), ReferenceKind::VulnerabilityAssertion),
        ];
        for (_, kind) in kinds.into_iter().filter(|(wanted, _)| *wanted) {
            if let Some(reference) = document(evidence, index, kind) {
                add(Source::Derived, reference);
            }
        }
    }
    add(Source::Derived, policy(decision));
    add(Source::Derived, advisory(evidence));
    let training = evidence.training();
    for log in &training.predicate.run_details.byproducts {
        add(Source::Observed, artifact(log, ReferenceKind::Log, "what the container wrote"));
    }
    let metrics = training.subject.iter().find(|file| file.name.as_deref() == Some(METRICS));
    if let Some(file) = metrics {
        add(Source::Observed, artifact(file, ReferenceKind::Evidence, "the trainer's own record"));
    }
    let producer = &evidence.request().spec.model.security_policy;
    let operator = evidence.grant().operator.as_ref().and_then(|o| o.security_policy.as_ref());
    let policies = [
        (Source::Asserted, producer.as_ref(), "security policy of the model's producer"),
        (Source::Granted, operator, "security policy of who runs the mesh"),
    ];
    for (source, policy, comment) in policies {
        if let Some(url) = policy {
            add(source, address(url, comment));
        }
    }
    out
}

/// The n-th document that the AIBoM was derived from.
fn document(
    evidence: &VerifiedEvidence,
    index: usize,
    kind: ReferenceKind,
) -> Option<ExternalReference> {
    let (name, digest) = evidence.digests().get(index)?;
    let (signer, _) = evidence.signers().get(index)?;
    let format = if refs::is_link(name) { "in-toto link" } else { "DSSE envelope" };
    Some(ExternalReference {
        comment: Some(format!("{format}, signed by {signer}")),
        hashes: vec![text::sha256(*digest)],
        kind,
        url: refs::document(name),
    })
}

/// The policy that decided.
fn policy(decision: &Decision) -> ExternalReference {
    let key = decision.key().key_id();
    ExternalReference {
        comment: Some(format!("DSSE envelope, signed by the policy key {key}")),
        hashes: vec![text::sha256(decision.policy().digest)],
        kind: ReferenceKind::Attestation,
        url: refs::document(refs::POLICY),
    }
}

/// Where the mesh says what became known of the image after this document was written: a name, for
/// what stands there changes.
pub(crate) fn advisory(evidence: &VerifiedEvidence) -> ExternalReference {
    let domain = evidence.grant().executor.id.trust_domain();
    let digest = evidence.request().spec.trainer.image.digest();
    ExternalReference {
        comment: Some(format!(
            "what is known of the image today: aibom advisory sha256:{digest}, asked of the mesh {domain}"
        )),
        hashes: Vec::new(),
        kind: ReferenceKind::VulnerabilityAssertion,
        url: format!("urn:aibom:advisory:{domain}:sha256:{digest}"),
    }
}

fn artifact(file: &ResourceDescriptor, kind: ReferenceKind, comment: &str) -> ExternalReference {
    ExternalReference {
        comment: Some(comment.to_owned()),
        hashes: text::hashes(file),
        kind,
        url: format!("artifacts/outputs/{}", file.name.as_deref().unwrap_or_default()),
    }
}

/// An address that somebody gave, and nobody fetched.
fn address(url: &str, comment: &str) -> ExternalReference {
    ExternalReference {
        comment: Some(comment.to_owned()),
        hashes: Vec::new(),
        kind: ReferenceKind::SecurityContact,
        url: url.to_owned(),
    }
}
