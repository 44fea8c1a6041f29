//! Tests of the bundle file and of what the ledger says of an attestation.

use evidence::{Document, EvidenceSet};
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{
    Checkpoint, Tree,
    checkpoint::{self, VerifierKey},
};

use super::*;

const ORIGIN: &str = "mesh.test/ledger";
const ATTESTATION: &[u8] = b"the attestation";

fn key(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

fn pinned() -> VerifierKey {
    VerifierKey::new(ORIGIN, key(1).verifying_key()).unwrap()
}

/// The attestation as leaf 2 of 5, with a checkpoint of this origin by this key.
fn logged(origin: &str, name: &str, signer: &ed25519_dalek::SigningKey) -> Inclusion {
    let salt = vec![7; SALT_BYTES];
    let entry = canonical::to_vec(&LedgerEntry {
        schema: ENTRY_SCHEMA.to_owned(),
        commitment: commitment(&salt, ATTESTATION),
        logged_at: Timestamp::from_unix_ms(1_000),
    })
    .unwrap();
    let others = |n: u8| merkle::leaf_hash(&[n]);
    let tree: Tree = [others(0), others(1), merkle::leaf_hash(&entry), others(3), others(4)]
        .into_iter()
        .collect();
    let head = Checkpoint { origin: origin.to_owned(), size: 5, root: tree.root() };
    let checkpoint = checkpoint::sign(&head, signer, name).unwrap();
    Inclusion { salt, entry, index: 2, proof: tree.inclusion(2, 5).unwrap(), checkpoint }
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
        text.replacen("\"index\":2", "\"index\":2.0", 1),
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
}

type Spoil = fn(&mut Inclusion);

#[test]
fn each_spoilt_part_is_refused_under_its_name() {
    let cases: [(Spoil, &str); 9] = [
        (|i| i.salt[0] ^= 1, "ledger.entry"),
        (|i| i.salt.truncate(31), "ledger.entry"),
        (|i| i.entry.push(b' '), "ledger.entry"),
        (|i| i.index = 3, "ledger.inclusion"),
        (|i| i.index = 5, "ledger.inclusion"),
        (|i| i.proof[0] = Sha256Digest::of(b"x"), "ledger.inclusion"),
        (|i| i.proof.truncate(2), "ledger.inclusion"),
        (|i| i.checkpoint = i.checkpoint.replace("\n5\n", "\n6\n"), "ledger.checkpoint"),
        (|i| i.checkpoint.push('\n'), "ledger.checkpoint"),
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
fn every_changed_byte_of_a_checkpoint_is_refused() {
    for position in 0..good().checkpoint.len() {
        let mut inclusion = good();
        let mut bytes = inclusion.checkpoint.into_bytes();
        bytes[position] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        inclusion.checkpoint = text;
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
fn a_further_signature_line_is_refused() {
    let mut inclusion = good();
    let other = logged(ORIGIN, "witness", &key(3)).checkpoint;
    let line = other.lines().last().unwrap();
    inclusion.checkpoint = format!("{}{line}\n", inclusion.checkpoint);
    let error = inclusion.check(ATTESTATION, &pinned()).unwrap_err();
    assert_eq!(error.detail(), "2 signature lines, exactly one is taken");
}

#[test]
fn commitments_depend_on_salt_and_envelope() {
    let one = commitment(&[1; 32], b"envelope");
    assert_ne!(one, commitment(&[2; 32], b"envelope"));
    assert_ne!(one, commitment(&[1; 32], b"envelopf"));
    assert_eq!(one, commitment(&[1; 32], b"envelope"));
}
