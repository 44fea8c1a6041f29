//! Logs that sign whatever they like.

use ed25519_dalek::SigningKey;
use ids::Sha256Digest;
use merkle::{Checkpoint, Tree, VerifierKey, checkpoint, leaf_hash};

use crate::{Logs, request_body};

pub(super) const ORIGIN: &str = "log.example/ledger";

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn vkey(seed: u8, name: &str) -> VerifierKey {
    VerifierKey::new(name, key(seed).verifying_key()).unwrap()
}

/// The log of the tests, with its key.
pub(super) fn logs() -> Logs {
    Logs::new().with(vkey(1, ORIGIN))
}

/// A tree of `size` leaves; trees of two branches share their first `fork` leaves.
pub(super) fn tree(branch: u8, fork: u64, size: u64) -> Tree {
    let branch_of = |index| if index < fork { 0 } else { branch };
    (0..size).map(|index| leaf_hash(format!("{} {index}", branch_of(index)).as_bytes())).collect()
}

pub(super) fn head(tree: &Tree, size: u64) -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size, root: tree.root_at(size).unwrap() }
}

pub(super) fn note(tree: &Tree, size: u64) -> String {
    checkpoint::sign(&head(tree, size), &key(1), ORIGIN).unwrap()
}

pub(super) fn body(tree: &Tree, old: u64, size: u64) -> Vec<u8> {
    let proof: Vec<Sha256Digest> = tree.consistency(old, size).unwrap();
    request_body(old, &proof, &note(tree, size)).into_bytes()
}
