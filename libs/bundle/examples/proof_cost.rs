//! What a proof costs: bytes, and processor time to check it, for a log of 2^30 entries and one, three
//! and fifteen witnesses. `cargo run --release -p bundle --example proof_cost`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement for people: it prints, and stops at what is broken"
)]

use std::{hint::black_box, time::Instant};

use bundle::{ENTRY_SCHEMA, Inclusion, LedgerEntry, SALT_BYTES, Tag, commitment};
use ed25519_dalek::SigningKey;
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{
    Checkpoint, LogPolicy, TlogProof,
    checkpoint::{self, CosignerKey, VerifierKey, Witness},
    leaf_hash, node_hash,
};

/// A path of 30 hashes: what a tree of 2^30 leaves has.
const LEVELS: u32 = 30;
const ROUNDS: u32 = 2_000;
const ORIGIN: &str = "mesh.example/ledger";
const DOCUMENT: &[u8] = &[7; 200_000];

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn logged(witnesses: u8) -> (Inclusion, LogPolicy) {
    let salt = vec![9; SALT_BYTES];
    let commitment = commitment(&salt, DOCUMENT);
    let entry = canonical::to_vec(&LedgerEntry {
        schema: ENTRY_SCHEMA.to_owned(),
        commitment,
        tag: Tag::of(&[1; 32], &commitment),
        logged_at: Timestamp::from_unix_ms(1_700_000_000_000),
    })
    .unwrap();
    let hashes: Vec<_> = (0..LEVELS).map(|n| Sha256Digest::of(&n.to_be_bytes())).collect();
    // The last leaf: everything else lies to the left.
    let root = hashes.iter().fold(leaf_hash(&entry), |right, left| node_hash(left, &right));
    let head = Checkpoint { origin: ORIGIN.to_owned(), size: 1 << LEVELS, root };
    let mut note = checkpoint::sign(&head, &key(1), ORIGIN).unwrap();
    let mut named = Vec::new();
    for seed in 0..witnesses {
        let (name, key) = (format!("witness{seed}.example"), key(100 + seed));
        note.push_str(&checkpoint::cosign(&head, &key, &name, 1_700_000_001).unwrap());
        let key = CosignerKey::new(&name, key.verifying_key()).unwrap();
        named.push(Witness::new(key));
    }
    let index = (1 << LEVELS) - 1;
    let proof = TlogProof { extra: None, index, hashes, checkpoint: note }.to_string();
    let log = VerifierKey::new(ORIGIN, key(1).verifying_key()).unwrap();
    let policy = LogPolicy::new(log, named, usize::from(witnesses)).unwrap();
    (Inclusion { salt, entry, proof }, policy)
}

fn main() {
    println!("witnesses  proof bytes  entry and proof, µs  with a document of 200 kB hashed, µs");
    for witnesses in [0, 1, 3, 15] {
        let (inclusion, policy) = logged(witnesses);
        let micros = |document: &[u8], check: fn(&Inclusion, &[u8], &LogPolicy) -> bool| {
            assert!(check(&inclusion, document, &policy));
            let began = Instant::now();
            for _ in 0..ROUNDS {
                black_box(check(black_box(&inclusion), black_box(document), &policy));
            }
            began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
        };
        let proof_only = micros(&[], |inclusion, _, policy| {
            let parts = inclusion.parts(&[], policy);
            parts.cosigned().is_ok() && parts.index().is_ok()
        });
        let whole = micros(DOCUMENT, |inclusion, document, policy| {
            inclusion.check(document, policy).is_ok()
        });
        let bytes = inclusion.proof.len();
        println!("{witnesses:>9}  {bytes:>11}  {proof_only:>19.0}  {whole:>40.0}");
    }
}
