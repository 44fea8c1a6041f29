//! The checks `attestation.format`, `.key`, `.signature` and `.time`.

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, MAX_ENVELOPE_BYTES};
use evidence::{CLOCK_SKEW_MS, Checks, KeyEntry, TrustRoot};
use ids::Timestamp;
use keys::{KeyId, PublicKey};
use serde::Deserialize;

/// The longest that a signature may wait to be logged, in milliseconds: 7 days.
///
/// It bounds how far a stolen key can be dated back: ending a key's validity this long before the
/// theft takes every signature of the thief away.
pub const MAX_LOG_DELAY_MS: i64 = 7 * 24 * 3_600_000;

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
        (Ok(signed_at), Some((_, entry))) => timely(*signed_at, entry, logged_at),
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
    root.signing_key(id).ok_or_else(|| {
        format!("the trust root (version {}) names no signing key {shown}", root.version)
    })
}

fn timely(
    signed_at: Timestamp,
    key: &KeyEntry,
    logged_at: Option<Timestamp>,
) -> Result<String, String> {
    if signed_at < key.valid_from || key.valid_until < signed_at {
        let (from, until) = (key.valid_from, key.valid_until);
        return Err(format!("signed {signed_at}, the key holds {from} to {until}"));
    }
    let Some(logged_at) = logged_at else {
        return Err("not checked against the ledger: the ledger's proof does not hold".to_owned());
    };
    let delay_ms = logged_at.since_ms(signed_at);
    if delay_ms < -CLOCK_SKEW_MS {
        return Err(format!("signed {signed_at}, but logged before that, at {logged_at}"));
    }
    if delay_ms > MAX_LOG_DELAY_MS {
        let days = MAX_LOG_DELAY_MS / 86_400_000;
        return Err(format!("signed {signed_at}, logged {logged_at}: more than {days} days later"));
    }
    Ok(format!("signed {signed_at}, logged {logged_at}, while the key held"))
}
