//! Each part of a bundle changed inside and written canonically again, and forged by the holders
//! of the platform's and the ledger's keys.

use bundle::Bundle;
use serde_json::{Value, json};
use testkit::evidence::Fixture;

use super::{assert_refused, made};
use made::{Made, edit_json, edit_signature};

type Spoil = fn(&mut Bundle);
type Case = (&'static str, Spoil, &'static str);
type Edit = fn(&mut Value);

/// What a forged bundle lacks besides.
const UNSIGNED: [&str; 3] = ["signatures.model", "signatures.link", "signatures.layout"];

fn middle(bytes: &mut [u8]) {
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
}

fn signature(bytes: &mut Vec<u8>) {
    *bytes = edit_signature(bytes, |sig| {
        let last = sig.len() - 1;
        sig[last] ^= 1;
    });
}

fn aibom_and_attestation() -> Vec<Case> {
    vec![
        ("aibom", |b| middle(&mut b.aibom), "aibom.rederive"),
        ("aibom empty", |b| b.aibom.clear(), "aibom.rederive"),
        ("aibom longer", |b| b.aibom.push(b' '), "aibom.rederive"),
        ("attestation", |b| middle(&mut b.attestation), "ledger.entry"),
        ("attestation signature", |b| signature(&mut b.attestation), "attestation.signature"),
        ("attestation is no envelope", |b| b.attestation.clear(), "attestation.format"),
        (
            "attestation keyid",
            |b| {
                b.attestation = edit_json(&b.attestation, |e| {
                    e["signatures"][0]["keyid"] = json!("00".repeat(32));
                });
            },
            "attestation.key",
        ),
        (
            "attestation payload type",
            |b| {
                b.attestation =
                    edit_json(&b.attestation, |e| e["payloadType"] = json!("text/plain"))
            },
            "attestation.signature",
        ),
        (
            "second signature",
            |b| {
                b.attestation = edit_json(&b.attestation, |e| {
                    let first = e["signatures"][0].clone();
                    e["signatures"] = json!([first, first]);
                });
            },
            "attestation.format",
        ),
    ]
}

fn evidence() -> Vec<Case> {
    vec![
        ("request", |b| middle(&mut b.evidence.request.envelope), "request.signature"),
        ("request signature", |b| signature(&mut b.evidence.request.envelope), "request.signature"),
        ("grant", |b| middle(&mut b.evidence.grant.envelope), "grant.signature"),
        ("grant signature", |b| signature(&mut b.evidence.grant.envelope), "grant.signature"),
        ("training", |b| middle(&mut b.evidence.training.envelope), "training.signature"),
        (
            "training signature",
            |b| signature(&mut b.evidence.training.envelope),
            "training.signature",
        ),
        ("scan", |b| middle(&mut b.evidence.scans[0].envelope), "scan.0.signature"),
        ("scan signature", |b| signature(&mut b.evidence.scans[0].envelope), "scan.0.signature"),
        ("inputs' scan", |b| middle(&mut b.evidence.scans[1].envelope), "scan.1.signature"),
        ("outputs' scan", |b| middle(&mut b.evidence.scans[2].envelope), "scan.2.signature"),
        ("a scan left out", |b| drop(b.evidence.scans.pop()), "policy.decision"),
        ("no scan", |b| b.evidence.scans.clear(), "scan.count"),
        (
            "the scan twice",
            |b| {
                let scan = b.evidence.scans[0].clone();
                b.evidence.scans.push(scan);
            },
            "scan.3.distinct",
        ),
        (
            "user's certificate",
            |b| middle(&mut b.evidence.request.certificates[0]),
            "request.certificate",
        ),
        (
            "scheduler's certificate",
            |b| middle(&mut b.evidence.grant.certificates[0]),
            "grant.certificate",
        ),
        (
            "executor's certificate",
            |b| middle(&mut b.evidence.training.certificates[0]),
            "training.certificate",
        ),
        (
            "scanner's certificate",
            |b| middle(&mut b.evidence.scans[0].certificates[0]),
            "scan.0.certificate",
        ),
    ]
}

fn signatures() -> Vec<Case> {
    vec![
        ("model signature", |b| middle(&mut b.signatures.model), "signatures.model"),
        ("no model signature", |b| b.signatures.model.clear(), "signatures.model"),
        ("model signature longer", |b| b.signatures.model.push(b' '), "signatures.model"),
        ("link", |b| middle(&mut b.signatures.link), "signatures.link"),
        ("no link", |b| b.signatures.link.clear(), "signatures.link"),
        ("link longer", |b| b.signatures.link.push(b'\n'), "signatures.link"),
        ("layout", |b| middle(&mut b.signatures.layout), "signatures.layout"),
        ("no layout", |b| b.signatures.layout.clear(), "signatures.layout"),
        (
            "layout for a link",
            |b| b.signatures.link = b.signatures.layout.clone(),
            "signatures.link",
        ),
        ("submit link", |b| middle(&mut b.evidence.submission.envelope), "submission.content"),
        (
            "submit link's certificate",
            |b| middle(&mut b.evidence.submission.certificates[0]),
            "submission.certificate",
        ),
    ]
}

fn edit(bundle: &mut bundle::Bundle, change: impl FnOnce(&mut merkle::TlogProof)) {
    let mut proof = bundle.inclusion.tlog_proof().unwrap();
    change(&mut proof);
    bundle.inclusion.proof = proof.to_string();
}

fn inclusion() -> Vec<Case> {
    vec![
        ("salt", |b| middle(&mut b.inclusion.salt), "ledger.entry"),
        ("entry", |b| middle(&mut b.inclusion.entry), "ledger.inclusion"),
        (
            "hash",
            |b| edit(b, |p| p.hashes[1] = ids::Sha256Digest::of(b"other")),
            "ledger.inclusion",
        ),
        ("index", |b| edit(b, |p| p.index = 3), "ledger.inclusion"),
        ("extra data", |b| edit(b, |p| p.extra = Some(vec![1])), "ledger.inclusion"),
        (
            "cosignature",
            |b| {
                edit(b, |p| {
                    let at = p.checkpoint.len() - 20;
                    let other = if p.checkpoint[at..].starts_with('A') { "B" } else { "A" };
                    p.checkpoint.replace_range(at..=at, other);
                });
            },
            "ledger.witnesses",
        ),
        (
            "witness left out",
            |b| {
                edit(b, |p| {
                    let cut = p.checkpoint.trim_end().rfind('\n').unwrap() + 1;
                    p.checkpoint.truncate(cut);
                });
            },
            "ledger.witnesses",
        ),
        (
            "checkpoint",
            |b| b.inclusion.proof = b.inclusion.proof.replacen("\n5\n", "\n9\n", 1),
            "ledger.checkpoint",
        ),
    ]
}

#[test]
fn each_changed_part_is_refused_under_its_name() {
    let made = Made::new(Fixture::new());
    let cases = [aibom_and_attestation(), evidence(), signatures(), inclusion()].concat();
    assert_eq!(cases.len(), 45);
    for (what, spoil, check) in cases {
        let mut bundle = made.bundle.clone();
        spoil(&mut bundle);
        assert_ne!(bundle, made.bundle, "{what}");
        let verdict = made.verdict_of(&bundle);
        assert_refused(what, &verdict, check);
    }
}

#[test]
fn what_still_can_be_checked_after_a_failure_is_checked() {
    let made = Made::new(Fixture::new());
    let mut bundle = made.bundle.clone();
    bundle.inclusion.salt[0] ^= 1;
    signature(&mut bundle.attestation);
    let verdict = made.verdict_of(&bundle);
    let passed = |name: &str| {
        let check = verdict.checks.as_slice().iter().find(|check| check.name == name);
        check.unwrap_or_else(|| panic!("{name} is not reported")).passed
    };
    assert!(!passed("ledger.entry") && !passed("attestation.signature"));
    assert!(passed("ledger.checkpoint") && passed("ledger.inclusion"));
    assert!(passed("training.signature") && passed("aibom.rederive"));
    assert!(passed("attestation.statement"));
}

/// Signs and logs a changed AIBoM for real, as the holders of both keys could.
fn forged(edit: impl Fn(&mut Value)) -> Made {
    let good = Made::new(Fixture::new());
    let aibom = edit_json(&good.bundle.aibom, &edit);
    let envelope = envelope::Envelope::parse(&good.bundle.attestation, usize::MAX).unwrap();
    let statement = edit_json(envelope.unverified_payload(), |statement| {
        edit(&mut statement["predicate"]);
        let digests = ids::Digests::of(&aibom);
        statement["subject"][0]["digest"] =
            json!({ "sha256": digests.sha256, "sha512": digests.sha512 });
    });
    Made::of(good.fixture, aibom, statement, good.bundle.evidence)
}

#[test]
fn an_aibom_that_the_evidence_does_not_give_is_refused_though_signed_and_logged() {
    let cases: [(&str, Edit, &str); 4] = [
        ("unknown member", |b| b["injected"] = json!(1), "/injected"),
        ("annotation", |b| b["annotations"] = json!([]), "/annotations"),
        ("other version", |b| b["version"] = json!(2), "/version"),
        (
            "fewer components",
            |b| drop(b["components"].as_array_mut().unwrap().pop()),
            "/components",
        ),
    ];
    for (what, edit, pointer) in cases {
        let verdict = forged(edit).verdict();
        assert_refused(what, &verdict, "aibom.rederive");
        assert_refused(what, &verdict, "attestation.statement");
        let names = super::failures(&verdict);
        let wanted = [&["aibom.rederive", "attestation.statement"][..], &UNSIGNED].concat();
        assert_eq!(names, wanted, "{what}");
        let detail = &verdict.checks.first_failure().unwrap().detail;
        assert!(detail.contains(pointer), "{what}: {detail}");
    }
}

#[test]
fn a_statement_that_says_more_is_refused_though_signed_and_logged() {
    let good = Made::new(Fixture::new());
    let envelope = envelope::Envelope::parse(&good.bundle.attestation, usize::MAX).unwrap();
    let statement = edit_json(envelope.unverified_payload(), |statement| {
        let first = statement["subject"][1].clone();
        statement["subject"].as_array_mut().unwrap().push(first);
    });
    let forged = Made::of(good.fixture, good.bundle.aibom, statement, good.bundle.evidence);
    let wanted = [&["attestation.statement"][..], &UNSIGNED].concat();
    assert_eq!(super::failures(&forged.verdict()), wanted);
}

#[test]
fn the_other_spelling_of_an_ecdsa_signature_is_refused() {
    // (r, n - s) verifies wherever (r, s) does: only digests over the envelopes tell.
    fn respell(bytes: &mut Vec<u8>) {
        *bytes = edit_signature(bytes, |sig| {
            let (r, s) = p256::ecdsa::Signature::from_der(sig).unwrap().split_scalars();
            let other = p256::ecdsa::Signature::from_scalars(r, -*s).unwrap();
            *sig = other.to_der().as_bytes().to_vec();
        });
    }
    let cases: [(&str, Spoil, &str); 4] = [
        ("request", |b| respell(&mut b.evidence.request.envelope), "grant.request"),
        ("grant", |b| respell(&mut b.evidence.grant.envelope), "training.grant"),
        ("training", |b| respell(&mut b.evidence.training.envelope), "scan.0.training"),
        ("scan", |b| respell(&mut b.evidence.scans[0].envelope), "aibom.rederive"),
    ];
    let made = Made::new(Fixture::new());
    for (what, spoil, check) in cases {
        let mut bundle = made.bundle.clone();
        spoil(&mut bundle);
        let verdict = made.verdict_of(&bundle);
        assert_refused(what, &verdict, check);
        let failed = super::failures(&verdict);
        assert!(!failed.iter().any(|name| name.ends_with(".signature")), "{what}: {failed:?}");
    }
}
