//! What a monitor and a witness remember between two runs.

use std::sync::LazyLock;

use ids::{Sha256Digest, canonical};
use merkle::{Checkpoint, CosignerKey};
use monitor::{Judged, Own, Patience, State};
use serde_json::Value;

use crate::fixture::{file, signed};

/// A monitor's state: one spelling, and it goes on from there to a state that it reads again.
pub fn monitor_state(data: &[u8]) -> bool {
    let wine = signed();
    let policy = wine.root.log_policy().expect("the root names the ledger and its witnesses");
    let Ok(state) = State::parse(data, &policy) else { return false };
    assert!(state.to_bytes().is_ok_and(|bytes| bytes == data), "a state has one spelling");
    let size = state.checkpoint().map_or(0, |checkpoint| checkpoint.size);
    assert!(state.entries_read() <= size, "entries that no checkpoint covers");
    let inclusion = &wine.bundle.inclusion;
    let proof = inclusion.tlog_proof().expect("a proof");
    let own = Own::new(vec![[8; 32]]).expect("one key");
    let mut next = state.clone();
    let patience = Patience::default();
    if let Ok(Judged::Grown(grown)) = next.judge(&proof.checkpoint, &policy, wine.at, patience) {
        assert!(grown.checkpoint().size > size || state.checkpoint().is_none(), "it shrank");
        let _ = next.accept(*grown, &[]);
    }
    let mut read = next.clone();
    if read.read(next.entries_read(), &inclusion.entry, &own).is_ok() {
        next = read;
    }
    next.settle(&own, wine.at.plus_ms(patience.unknown_after_ms), patience);
    let kept = next.to_bytes().expect("what was read can be written");
    assert!(State::parse(&kept, &policy).is_ok_and(|again| again == next), "it reads again");
    true
}

/// What the witness of the corpus cosigned.
struct Cosigned {
    key: CosignerKey,
    checkpoints: Vec<Checkpoint>,
}

/// A witness's state, as it is and with its digest made good: one spelling, and it remembers nothing
/// that the witness did not cosign.
pub fn witness_state(data: &[u8]) -> bool {
    static MADE: LazyLock<Cosigned> = LazyLock::new(|| {
        let policy = signed().root.log_policy().expect("the root names the ledger's witnesses");
        let key = policy.witnesses().first().expect("a witness").key.clone();
        let state = witness::State::parse(&file("corpus/witness_state/two_logs.json"), &key);
        let state = state.expect("a state");
        let checkpoints = state.remembered().map(|r| r.checkpoint.clone()).collect();
        Cosigned { key, checkpoints }
    });
    let Cosigned { key, checkpoints } = &*MADE;
    let read = |bytes: &[u8]| {
        let state = witness::State::parse(bytes, key).ok()?;
        assert!(state.to_bytes(key).is_ok_and(|again| again == bytes), "a state has one spelling");
        for remembered in state.remembered() {
            assert!(checkpoints.contains(&remembered.checkpoint), "nobody cosigned this");
            let line = remembered.line();
            assert!(remembered.note.ends_with(line) && line.contains(key.name()), "its own line");
        }
        Some(state)
    };
    let resealed = resealed(data).and_then(|bytes| read(&bytes));
    let same = read(data);
    assert!(same.is_none() || same == resealed, "the digest is the one that was made");
    resealed.is_some()
}

/// The document with the digest of what it holds now.
fn resealed(data: &[u8]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(data).ok()?;
    let notes = value.get("notes")?.as_array()?.iter().filter_map(Value::as_str);
    let text: String = std::iter::once(value.get("witness")?.as_str()?).chain(notes).collect();
    *value.get_mut("sha256")? = Sha256Digest::of(text.as_bytes()).to_hex().into();
    canonical::to_vec(&value).ok()
}
