//! Tests of the bundle file and of what the ledger says of an attestation.

use evidence::{Document, EvidenceSet};
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{
    Checkpoint, LogPolicy, TlogProof, Tree,
    checkpoint::{self, CosignerKey, VerifierKey, Witness},
};

use super::*;

const ORIGIN: &str = "mesh.test/ledger";
const ATTESTATION: &[u8] = b"the attestation";

fn key(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

/// The log, and one of its two witnesses.
fn pinned() -> LogPolicy {
    let log = VerifierKey::new(ORIGIN, key(1).verifying_key()).unwrap();
    let witness = |name: &str, seed| {
        let key = CosignerKey::new(name, key(seed).verifying_key()).unwrap();
        Witness::new(key)
    };
    LogPolicy::new(log, vec![witness("w4", 4), witness("w5", 5)], 1).unwrap()
}

/// The attestation as leaf 2 of 5, with a checkpoint of this origin by this key.
fn logged(origin: &str, name: &str, signer: &ed25519_dalek::SigningKey) -> Inclusion {
    let salt = vec![7; SALT_BYTES];
    let entry = canonical::to_vec(&LedgerEntry {
        schema: ENTRY_SCHEMA.to_owned(),
        commitment: commitment(&salt, ATTESTATION),
        tag: Tag::from_bytes([6; TAG_BYTES]),
        logged_at: Timestamp::from_unix_ms(1_000),
    })
    .unwrap();
    let others = |n: u8| merkle::leaf_hash(&[n]);
    let tree: Tree = [others(0), others(1), merkle::leaf_hash(&entry), others(3), others(4)]
        .into_iter()
        .collect();
    let head = Checkpoint { origin: origin.to_owned(), size: 5, root: tree.root() };
    let line = checkpoint::cosign(&head, &key(4), "w4", 9).unwrap();
    let checkpoint = checkpoint::sign(&head, signer, name).unwrap() + &line;
    let hashes = tree.inclusion(2, 5).unwrap();
    let proof = TlogProof { extra: None, index: 2, hashes, checkpoint }.to_string();
    Inclusion { salt, entry, proof }
}

/// Changes the proof's parts and writes it again.
fn edit(inclusion: &mut Inclusion, change: impl FnOnce(&mut TlogProof)) {
    let mut proof = inclusion.tlog_proof().unwrap();
    change(&mut proof);
    inclusion.proof = proof.to_string();
}

fn good() -> Inclusion {
    logged(ORIGIN, ORIGIN, &key(1))
}

fn document(byte: u8) -> Document {
    Document { envelope: vec![byte; 3], certificates: vec![vec![byte; 2]] }
}

fn bundle() -> Bundle {
    Bundle {
        schema: BUNDLE_SCHEMA.to_owned(),
        aibom: b"{}".to_vec(),
        attestation: ATTESTATION.to_vec(),
        signatures: Signatures { model: vec![5], link: vec![6], layout: vec![7] },
        evidence: EvidenceSet {
            request: document(1),
            grant: document(2),
            training: document(3),
            scans: vec![document(4)],
            submission: document(5),
            release: Some(document(8)),
        },
        policy: vec![9],
        inclusion: good(),
    }
}

#[test]
fn a_bundle_round_trips_byte_for_byte() {
    let bytes = bundle().to_bytes().unwrap();
    let parsed = Bundle::parse(&bytes).unwrap();
    assert_eq!(parsed, bundle());
    assert_eq!(parsed.to_bytes().unwrap(), bytes);
}

#[test]
fn only_the_one_spelling_of_a_bundle_parses() {
    let text = String::from_utf8(bundle().to_bytes().unwrap()).unwrap();
    let spoilt = [
        format!("{text}\n"),
        format!(" {text}"),
        text.replacen('{', "{\"extra\":1,", 1),
        text.replacen("{\"aibom\"", "{\"aibom\":\"e30=\",\"aibom\"", 1),
        text.replacen("\"salt\":\"", "\"salt\":\"\\u0042", 1),
        text.replacen("e30=", "e30", 1),
        text.replacen("e30=", "e31=", 1),
        text.replacen(BUNDLE_SCHEMA, "aibom.bundle.v2", 1),
        text[..text.len() - 1].to_owned(),
        String::new(),
    ];
    for text in spoilt {
        assert!(Bundle::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Bundle::parse(&vec![b' '; MAX_BUNDLE_BYTES + 1]).is_err());
}

#[test]
fn a_logged_attestation_is_proved() {
    let logged = good().check(ATTESTATION, &pinned()).unwrap();
    assert_eq!((logged.index(), logged.tree_size()), (2, 5));
    assert_eq!(logged.logged_at(), Timestamp::from_unix_ms(1_000));
    let cosigned = logged.cosigned().iter().map(|c| (c.witness.as_str(), c.time));
    assert_eq!(cosigned.collect::<Vec<_>>(), [("w4", 9)]);
}

type Spoil = fn(&mut Inclusion);

#[test]
fn each_spoilt_part_is_refused_under_its_name() {
    let cases: [(Spoil, &str); 11] = [
        (|i| i.salt[0] ^= 1, "ledger.entry"),
        (|i| i.salt.truncate(31), "ledger.entry"),
        (|i| i.entry.push(b' '), "ledger.entry"),
        (|i| edit(i, |p| p.index = 3), "ledger.inclusion"),
        (|i| edit(i, |p| p.index = 5), "ledger.inclusion"),
        (|i| edit(i, |p| p.hashes[0] = Sha256Digest::of(b"x")), "ledger.inclusion"),
        (|i| edit(i, |p| p.hashes.truncate(2)), "ledger.inclusion"),
        (|i| edit(i, |p| p.extra = Some(Vec::new())), "ledger.inclusion"),
        (|i| i.proof.push('\n'), "ledger.inclusion"),
        (|i| i.proof = i.proof.replace("\n5\n", "\n6\n"), "ledger.checkpoint"),
        (|i| i.proof = i.proof.replace("\u{2014} w4 ", "\u{2014} w5 "), "ledger.witnesses"),
    ];
    for (number, (spoil, name)) in cases.into_iter().enumerate() {
        let mut inclusion = good();
        spoil(&mut inclusion);
        let error = inclusion.check(ATTESTATION, &pinned()).unwrap_err();
        assert!(error.to_string().starts_with(name), "case {number}: {error}");
        assert!(!error.detail().starts_with("ledger."), "{error}");
    }
    assert!(good().check(b"another attestation", &pinned()).is_err());
}

#[test]
fn every_changed_byte_of_a_proof_is_refused() {
    for position in 0..good().proof.len() {
        let mut inclusion = good();
        let mut bytes = inclusion.proof.into_bytes();
        bytes[position] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        inclusion.proof = text;
        assert!(inclusion.check(ATTESTATION, &pinned()).is_err(), "byte {position}");
    }
}

#[test]
fn checkpoints_of_other_keys_and_logs_are_refused() {
    let other_key = logged(ORIGIN, ORIGIN, &key(2));
    let other_log = logged("mesh.test/other", ORIGIN, &key(1));
    for inclusion in [other_key, other_log] {
        let error = inclusion.check(ATTESTATION, &pinned()).unwrap_err();
        assert!(matches!(error, LoggedError::Checkpoint(_)), "{error}");
    }
}

#[test]
fn a_line_that_the_policy_does_not_name_and_too_few_are_refused() {
    let mut inclusion = good();
    let stranger = logged(ORIGIN, "stranger", &key(3)).tlog_proof().unwrap().checkpoint;
    let (_, lines) = stranger.split_once("\n\n").unwrap();
    let line = lines.lines().next().unwrap();
    inclusion.proof = format!("{}{line}\n", inclusion.proof);
    let error = inclusion.check(ATTESTATION, &pinned()).unwrap_err();
    assert!(error.detail().contains("\"stranger\""), "{error}");

    let mut alone = good();
    edit(&mut alone, |proof| {
        let cut = proof.checkpoint.find("\u{2014} w4").unwrap();
        proof.checkpoint.truncate(cut);
    });
    let error = alone.check(ATTESTATION, &pinned()).unwrap_err();
    assert!(matches!(error, LoggedError::Witnesses(_)), "{error}");
    let log_only = LogPolicy::log_only(pinned().log().clone());
    alone.check(ATTESTATION, &log_only).unwrap();
}

#[test]
fn commitments_depend_on_salt_and_envelope() {
    let one = commitment(&[1; 32], b"envelope");
    assert_ne!(one, commitment(&[2; 32], b"envelope"));
    assert_ne!(one, commitment(&[1; 32], b"envelopf"));
    assert_eq!(one, commitment(&[1; 32], b"envelope"));
}
