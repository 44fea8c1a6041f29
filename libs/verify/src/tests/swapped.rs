//! Parts of two valid bundles of one mesh, exchanged.

use bundle::Bundle;
use testkit::evidence::Fixture;

use super::{assert_refused, made::Made};

type Swap = fn(&mut Bundle, &Bundle);

#[test]
fn a_part_of_another_valid_bundle_is_refused() {
    let cases: [(&str, Swap, &str); 9] = [
        ("aibom", |a, b| a.aibom.clone_from(&b.aibom), "aibom.rederive"),
        ("attestation", |a, b| a.attestation.clone_from(&b.attestation), "ledger.entry"),
        ("request", |a, b| a.evidence.request = b.evidence.request.clone(), "grant.request"),
        ("grant", |a, b| a.evidence.grant = b.evidence.grant.clone(), "grant.request"),
        ("training", |a, b| a.evidence.training = b.evidence.training.clone(), "training.lease"),
        ("scan", |a, b| a.evidence.scans.clone_from(&b.evidence.scans), "scan.0.training"),
        ("all evidence", |a, b| a.evidence = b.evidence.clone(), "aibom.rederive"),
        ("inclusion", |a, b| a.inclusion = b.inclusion.clone(), "ledger.entry"),
        (
            "attestation and inclusion",
            |a, b| {
                a.attestation.clone_from(&b.attestation);
                a.inclusion = b.inclusion.clone();
            },
            "attestation.statement",
        ),
    ];
    let (one, two) = (Made::new(Fixture::new()), Made::new(Fixture::new().number(2)));
    // Both meshes have the same keys, but roots of their own.
    let mut root = one.root.clone();
    root.mesh_ca.extend(two.root.mesh_ca.clone());
    for made in [&one, &two] {
        assert!(made.verdict_by(&root).is_verified());
    }
    for (what, swap, check) in cases {
        let mut bundle = one.bundle.clone();
        swap(&mut bundle, &two.bundle);
        let verdict = crate::verify_bundle(&bundle.to_bytes().unwrap(), &root);
        assert_refused(what, &verdict, check);
    }
}
