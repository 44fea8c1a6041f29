//! What the parties sign: envelopes and their payloads.

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use evidence::{GRANT_PAYLOAD_TYPE, Grant, MAX_DOCUMENT_BYTES};
use evidence::{ScanStatement, TrainingStatement};
use ids::{Sha256Digest, canonical};
use job::{REQUEST_PAYLOAD_TYPE, Request};
use serde::{Serialize, de::DeserializeOwned};

use crate::fixture::{one_spelling, signed};

/// A DSSE envelope: one spelling, and it opens only if it is one that was signed.
pub fn dsse_envelope(data: &[u8]) -> bool {
    let Ok(envelope) = Envelope::parse(data, MAX_DOCUMENT_BYTES) else {
        return false;
    };
    assert!(envelope.as_bytes() == data, "the exact bytes are kept");
    assert!(envelope.digest() == Sha256Digest::of(data), "named by its bytes");
    let wine = signed();
    for kind in [REQUEST_PAYLOAD_TYPE, GRANT_PAYLOAD_TYPE, IN_TOTO_PAYLOAD_TYPE] {
        if wine.keys().iter().any(|key| envelope.open(kind, key).is_ok()) {
            let evidence = wine.documents().into_iter().any(|d| d.envelope == data);
            assert!(evidence || wine.bundle.attestation == data, "nobody signed this");
        }
    }
    true
}

fn read<T: Serialize + DeserializeOwned>(data: &[u8]) -> Option<T> {
    let value = canonical::from_slice(data, MAX_DOCUMENT_BYTES).ok()?;
    assert!(one_spelling(&value, data), "a document has one spelling");
    Some(value)
}

/// A user's request: what is valid is within its bounds.
pub fn request(data: &[u8]) -> bool {
    let Some(request) = read::<Request>(data) else { return false };
    let spec = &request.spec;
    if job::validate(spec).is_err() {
        return false;
    }
    for (_, input) in spec.inputs.each() {
        let unsafe_name = input.name.contains(['/', '\\', '\0']) || input.name.starts_with('.');
        assert!(!unsafe_name && !input.name.is_empty(), "a name is one file's");
        assert!((1..=job::MAX_INPUT_BYTES).contains(&input.size), "inputs are bounded");
    }
    assert!(spec.parameters.initial_epoch < spec.parameters.epochs, "there is an epoch to train");
    true
}

/// A scheduler's grant.
pub fn grant(data: &[u8]) -> bool {
    read::<Grant>(data).is_some()
}

/// An executor's statement: isolation that passes is isolation.
pub fn training(data: &[u8]) -> bool {
    let Some(training) = read::<TrainingStatement>(data) else { return false };
    let container = &training.predicate.run_details.observed.container;
    if evidence::check_isolation(container).is_ok() {
        assert!(container.network_mode == "none" && !container.privileged, "no way out");
        assert!(container.readonly_rootfs && container.cap_add.is_empty(), "nothing added");
        let writable = container.mounts.iter().filter(|mount| !mount.read_only);
        assert!(writable.into_iter().all(|mount| mount.source == "outputs"), "inputs stay");
    }
    true
}

/// A scanner's statement.
pub fn scan(data: &[u8]) -> bool {
    read::<ScanStatement>(data).is_some()
}

/// The statement that the signer makes, as verifiers read its time.
pub fn statement(data: &[u8]) -> bool {
    let Ok(at) = bom::signed_at(data) else { return false };
    let value = serde_json::from_slice::<serde_json::Value>(data).expect("it was read");
    assert!(one_spelling(&value, data), "a statement has one spelling");
    let said = &value["subject"][0]["annotations"]["signedAt"];
    assert!(said.as_str() == Some(at.to_string().as_str()), "a time has one spelling");
    true
}
