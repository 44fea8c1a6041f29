//! Tests of the monitor: honest logs never raise an alert, whatever way they grow; others do.

mod ages;
mod entries;
mod files;
mod histories;

use bundle::{ENTRY_SCHEMA, LedgerEntry, Tag, commitment};
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, LogPolicy, Tree, checkpoint, leaf_hash};
use testkit::mesh::Mesh;

use super::*;

const KEY: [u8; 32] = [3; 32];
const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000_000);

fn mesh() -> &'static Mesh {
    static MESH: std::sync::LazyLock<Mesh> = std::sync::LazyLock::new(|| Mesh::new("mesh", NOW));
    &MESH
}

fn policy() -> LogPolicy {
    mesh().trust_root().log_policy().unwrap()
}

/// A document's entry under a monitor key.
fn entry(document: &str, key: [u8; 32], seconds: i64) -> Vec<u8> {
    let commitment = commitment(&[1; 32], document.as_bytes());
    let (schema, tag) = (ENTRY_SCHEMA.to_owned(), Tag::of(&key, &commitment));
    let logged_at = NOW.plus_ms((seconds - 100_000) * 1_000);
    canonical::to_vec(&LedgerEntry { schema, commitment, tag, logged_at }).unwrap()
}

fn commitment_of(document: &str) -> Sha256Digest {
    commitment(&[1; 32], document.as_bytes())
}

fn tree(entries: &[Vec<u8>]) -> Tree {
    entries.iter().map(|entry| leaf_hash(entry)).collect()
}

fn note(tree: &Tree) -> String {
    let ledger = mesh().ledger_verifier_key();
    let head = Checkpoint { origin: ledger.name().to_owned(), size: tree.len(), root: tree.root() };
    let witness = mesh().witness_cosigner_key();
    let time = u64::try_from(NOW.unix_ms() / 1000).unwrap();
    let line = checkpoint::cosign(&head, &mesh().witness_key(), witness.name(), time).unwrap();
    checkpoint::sign(&head, &mesh().ledger_key(), ledger.name()).unwrap() + &line
}

/// One round over a log that signs, serves and proves from these entries.
fn round(state: &mut State, entries: &[Vec<u8>], own: &Own) -> Result<Vec<Alert>, Box<Alert>> {
    served(state, entries, entries, own)
}

/// One round over a log that signs some entries and serves others.
fn served(
    state: &mut State,
    signed: &[Vec<u8>],
    entries: &[Vec<u8>],
    own: &Own,
) -> Result<Vec<Alert>, Box<Alert>> {
    let tree = tree(signed);
    if let Judged::Grown(grown) = state.judge(&note(&tree), &policy(), NOW, Patience::default())? {
        let proof = tree.consistency(grown.old_size(), tree.len()).unwrap_or_default();
        state.accept(*grown, &proof)?;
    }
    let mut found = Vec::new();
    let read = usize::try_from(state.entries_read()).unwrap();
    for (index, entry) in (0..).zip(entries).skip(read) {
        found.extend(state.read(index, entry, own)?);
    }
    found.extend(state.settle(own, NOW, Patience::default()));
    for untraced in state.untraced(own) {
        found.extend(state.trace(untraced, &entries[usize::try_from(untraced.index).unwrap()]));
    }
    Ok(found)
}

fn mine() -> Own {
    Own::new(vec![KEY]).unwrap()
}
