//! The check `evidence.certificates`: a chain holds nothing that its path does not need.
//!
//! Path checks pass over certificates that do not help. In a bundle they would be bytes that no
//! check covers, so they are refused.

use evidence::{Checks, Document, EvidenceSet, TrustRoot};
use ids::Timestamp;

pub(crate) fn check(set: &EvidenceSet, root: &TrustRoot, at: Timestamp, checks: &mut Checks) {
    let named = [
        ("request".to_owned(), &set.request),
        ("grant".to_owned(), &set.grant),
        ("training".to_owned(), &set.training),
    ];
    let scans = set.scans.iter().take(evidence::MAX_SCANS).enumerate();
    let scans = scans.map(|(index, document)| (format!("scan.{index}"), document));
    let idle = named.into_iter().chain(scans).find(|(_, document)| has_idle(document, root, at));
    let part = idle.map(|(part, _)| part).unwrap_or_default();
    checks.require(
        "evidence.certificates",
        part.is_empty(),
        "every certificate is part of its path",
        format_args!("{part} carries a certificate that its path does not need"),
    );
}

/// Whether the path still holds without one of the certificates above the leaf.
fn has_idle(document: &Document, root: &TrustRoot, at: Timestamp) -> bool {
    let chain = &document.certificates;
    (1..chain.len().min(keys::MAX_CHAIN.saturating_add(1))).any(|left_out| {
        let mut shorter = chain.clone();
        shorter.remove(left_out);
        keys::verify_chain(&shorter, &root.mesh_ca, at).is_ok()
    })
}
