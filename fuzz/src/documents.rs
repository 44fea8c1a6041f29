//! What the parties sign: envelopes and their payloads.

use std::sync::LazyLock;

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use evidence::{
    Checks, GRANT_PAYLOAD_TYPE, Grant, MAX_DOCUMENT_BYTES, MAX_RECORD_BYTES, RECORD_PAYLOAD_TYPE,
    Record, ScanStatement, TrainingStatement, TrustRoot, check_record,
};
use ids::{Sha256Digest, canonical};
use job::{REQUEST_PAYLOAD_TYPE, Request};
use serde::{Serialize, de::DeserializeOwned};
use testkit::evidence::Fixture;

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

/// A scheduler's record, which is then signed: what holds is within its bounds.
pub fn record(data: &[u8]) -> bool {
    let Some(record) = read::<Record>(data) else { return false };
    static WINE: LazyLock<(Fixture, TrustRoot)> = LazyLock::new(|| {
        let fixture = Fixture::new();
        let root = fixture.trust_root();
        (fixture, root)
    });
    let (wine, root) = &*WINE;
    let document = wine.mesh().scheduler.sign_bytes(RECORD_PAYLOAD_TYPE, data.to_vec());
    let Some(verified) = check_record(&document, root, wine.at(), &mut Checks::new()) else {
        return false;
    };
    assert!(verified.record() == &record && record.is_bounded(), "as it was signed");
    assert!(document.envelope.len() <= MAX_RECORD_BYTES, "bounded");
    true
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
