//! Edits of the signed bytes: none verifies, and shape and signature failures have their names.

use proptest::prelude::*;
use testkit::evidence::Fixture;
use testkit::mesh::Party;

use super::{checked, cross};
use crate::{Document, EvidenceSet, TrustRoot};

fn document(set: &mut EvidenceSet, index: usize) -> &mut Document {
    match index {
        0 => &mut set.request,
        1 => &mut set.grant,
        2 => &mut set.training,
        3..6 => &mut set.scans[index - 3],
        _ => &mut set.submission,
    }
}

/// One byte of one document: which document, certificate or envelope, where, and the change.
fn edit(set: &mut EvidenceSet, which: usize, certificate: bool, place: usize, change: u8) {
    let document = document(set, which);
    let bytes = if certificate { &mut document.certificates[0] } else { &mut document.envelope };
    let place = place % bytes.len();
    bytes[place] ^= change;
}

#[test]
fn no_single_byte_edit_verifies() {
    let fixture = Fixture::new();
    let (set, root): (EvidenceSet, TrustRoot) =
        (cross(&fixture.set()), cross(&fixture.trust_root()));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let edits = (0_usize..7, any::<bool>(), any::<usize>(), 1_u8..=255);
    runner
        .run(&edits, |(which, certificate, place, change)| {
            let mut edited = set.clone();
            edit(&mut edited, which, certificate, place, change);
            let (_, verified) = checked(&edited, &root, fixture.at());
            prop_assert!(verified.is_none());
            Ok(())
        })
        .unwrap();
}

/// The first failure after the document of that index was exchanged.
fn failure_with(index: usize, make: impl Fn(&Party, &str, Vec<u8>) -> Document) -> String {
    let fixture = Fixture::new();
    let mesh = fixture.mesh();
    let party = [&mesh.user, &mesh.scheduler, &mesh.executor, &mesh.scanner][index];
    let mut set: EvidenceSet = cross(&fixture.set());
    let old = document(&mut set, index);
    let envelope: serde_json::Value = serde_json::from_slice(&old.envelope).unwrap();
    let kind = envelope["payloadType"].as_str().unwrap();
    let parsed = envelope::Envelope::parse(&old.envelope, usize::MAX).unwrap();
    *old = make(party, kind, parsed.unverified_payload().to_vec());
    let (checks, verified) = checked(&set, &cross(&fixture.trust_root()), fixture.at());
    assert!(verified.is_none());
    checks.first_failure().unwrap().name.clone()
}

const PARTS: [&str; 4] = ["request", "grant", "training", "scan.0"];

#[test]
fn payloads_that_are_not_canonical_or_not_known_are_refused() {
    let spoil: [fn(Vec<u8>) -> Vec<u8>; 5] = [
        |payload| [&payload[..], b"\n"].concat(),
        |payload| [b"{\"a\":1,", &payload[1..]].concat(),
        |payload| [b" ", &payload[..]].concat(),
        |_| b"{}".to_vec(),
        |_| Vec::new(),
    ];
    for (index, part) in PARTS.iter().enumerate() {
        for (row, spoil) in spoil.iter().enumerate() {
            let name = failure_with(index, |party, kind, payload| {
                cross(&party.sign_bytes(kind, spoil(payload)))
            });
            assert_eq!(name, format!("{part}.content"), "row {row}");
        }
    }
}

#[test]
fn another_payload_type_or_a_foreign_key_is_refused() {
    let impostors = Fixture::new().wrong_ca();
    let impostors =
        [&impostors.user, &impostors.scheduler, &impostors.executor, &impostors.scanner];
    for (index, part) in PARTS.iter().enumerate() {
        let name = failure_with(index, |party, _, payload| {
            cross(&party.sign_bytes("application/vnd.other+json", payload))
        });
        assert_eq!(name, format!("{part}.signature"));
        let name = failure_with(index, |party, kind, payload| {
            let mut signed: Document = cross(&impostors[index].sign_bytes(kind, payload));
            signed.certificates = vec![party.certificate_der.clone()];
            signed
        });
        assert_eq!(name, format!("{part}.signature"));
        let name = failure_with(index, |party, kind, payload| Document {
            certificates: Vec::new(),
            ..cross(&party.sign_bytes(kind, payload))
        });
        assert_eq!(name, format!("{part}.certificate"));
    }
}

#[test]
fn documents_of_two_jobs_do_not_mix() {
    let (one, two) = (Fixture::new(), Fixture::new().number(2));
    // Both fixtures' parties have the same keys, so certificates of the first serve the second.
    let one_set: EvidenceSet = cross(&one.set());
    for index in 0..7 {
        let mut mixed = one_set.clone();
        let mut other: EvidenceSet = cross(&two.set());
        document(&mut mixed, index).envelope = document(&mut other, index).envelope.clone();
        let (checks, verified) = checked(&mixed, &cross(&one.trust_root()), one.at());
        assert!(verified.is_none(), "document {index}: {checks:?}");
    }
}
