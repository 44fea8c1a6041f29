//! The checks `attestation.format`, `.key`, `.signature` and `.time`.

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, MAX_ENVELOPE_BYTES};
use evidence::{Checks, KeyEntry, KeyUse, TrustRoot};
use ids::Timestamp;
use keys::{KeyId, PublicKey};
use serde::Deserialize;

/// What could be read of an attestation.
#[derive(Debug)]
pub(crate) struct Attestation {
    payload: Vec<u8>,
    signed_at: Option<Timestamp>,
    signer: Option<KeyId>,
}

impl Attestation {
    /// The payload, whether or not the signature held.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signing time in it, whether or not the signature held.
    pub(crate) const fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }

    /// Key and signing time; only when the signature held.
    pub(crate) fn proved(&self) -> Option<(KeyId, Timestamp)> {
        self.signer.zip(self.signed_at)
    }
}

/// The one member that is needed before the envelope can be opened.
#[derive(Deserialize)]
struct Signatures {
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    keyid: String,
}

pub(crate) fn check(
    bytes: &[u8],
    root: &TrustRoot,
    logged_at: Option<Timestamp>,
    checks: &mut Checks,
) -> Option<Attestation> {
    let parsed = Envelope::parse(bytes, MAX_ENVELOPE_BYTES)
        .map(|envelope| (envelope, "one DSSE envelope, canonical".to_owned()));
    let envelope = checks.record("attestation.format", parsed)?;
    let key = checks.record(
        "attestation.key",
        pinned_key(bytes, root).map(|found| {
            let detail = format!("key {}", found.0.key_id());
            (found, detail)
        }),
    );
    let opened = match &key {
        Some((key, _)) => envelope
            .open(IN_TOTO_PAYLOAD_TYPE, key)
            .map(|_| (key.key_id(), "over the exact payload bytes".to_owned()))
            .map_err(|e| e.to_string()),
        None => Err("not checked: the trust root names no such key".to_owned()),
    };
    let signer = checks.record("attestation.signature", opened);
    let payload = envelope.unverified_payload().to_vec();
    let signed_at = bom::signed_at(&payload).map_err(|e| e.to_string());
    let timely = match (&signed_at, &key) {
        (Ok(signed_at), Some((_, entry))) => entry
            .counts(*signed_at, logged_at)
            .map(|()| format!("signed {signed_at}, logged while the key held"))
            .map_err(|e| e.to_string()),
        (Ok(_), None) => Err("not checked: the trust root names no such key".to_owned()),
        (Err(error), _) => Err(format!("the statement tells no signing time: {error}")),
    };
    checks.record("attestation.time", timely.map(|detail| ((), detail)));
    Some(Attestation { payload, signed_at: signed_at.ok(), signer })
}

/// The pinned key that the envelope names.
fn pinned_key<'a>(bytes: &[u8], root: &'a TrustRoot) -> Result<(PublicKey, &'a KeyEntry), String> {
    let named: Signatures = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let keyid = named.signatures.first().map_or("", |signature| signature.keyid.as_str());
    let shown: String = keyid.chars().take(80).collect();
    let id: KeyId = keyid.parse().map_err(|_| format!("{shown:?} is not a key id"))?;
    root.signing_key(KeyUse::Aibom, id).ok_or_else(|| {
        format!("the trust root (version {}) names no signing key {shown}", root.version)
    })
}
