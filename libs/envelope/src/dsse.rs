//! DSSE v1.0.2: the envelope, its signature input, sealing and opening.

use ids::{Sha256Digest, canonical};
use keys::{KeyId, PublicKey, SignError, SigningKey};
use serde::{Deserialize, Serialize};

use crate::b64;

/// The longest envelope that is parsed, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 32 * 1024 * 1024;

/// Why an envelope is refused.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not an envelope in canonical JSON.
    #[error("not a DSSE envelope: {0}")]
    Malformed(#[from] canonical::Error),
    /// Not exactly one signature.
    #[error("the envelope has {0} signatures, exactly one is taken")]
    SignatureCount(usize),
    /// The payload is of another type.
    #[error("the payload type is {got:?}, expected {expected:?}")]
    PayloadType {
        /// What was wanted.
        expected: String,
        /// What is there.
        got: String,
    },
    /// The envelope names another key.
    #[error("the envelope is signed by key {got:?}, not by {expected}")]
    KeyId {
        /// The key that it is checked with.
        expected: KeyId,
        /// The key that it names.
        got: String,
    },
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] keys::SignatureInvalid),
}

/// Why an envelope could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The key's own signature does not verify: a fault in the backend, caught before release.
    #[error("the signature just made does not verify: {0}")]
    SelfCheck(#[from] keys::SignatureInvalid),
    /// The payload cannot be written.
    #[error(transparent)]
    Write(#[from] canonical::Error),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    keyid: String,
    #[serde(with = "b64")]
    sig: Vec<u8>,
}

/// A DSSE envelope with exactly one signature, together with its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    wire: Wire,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    #[serde(with = "b64")]
    payload: Vec<u8>,
    payload_type: String,
    signatures: Vec<Signature>,
}

/// The bytes that are signed: `"DSSEv1" SP len(type) SP type SP len(body) SP body`.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

impl Envelope {
    /// Signs `payload` and checks the signature before it is given out.
    ///
    /// # Errors
    /// When the key cannot sign, or signs wrongly.
    pub fn seal(
        payload_type: &str,
        payload: Vec<u8>,
        key: &dyn SigningKey,
    ) -> Result<Self, SealError> {
        let message = pae(payload_type, &payload);
        let sig = key.sign(&message)?;
        key.public_key().verify(&message, &sig)?;
        let keyid = key.public_key().key_id().to_string();
        let wire = Wire {
            payload,
            payload_type: payload_type.to_owned(),
            signatures: vec![Signature { keyid, sig }],
        };
        let bytes = canonical::rewrite(&wire)?;
        Ok(Self { wire, bytes })
    }

    /// Reads an envelope of at most `limit` bytes; nothing is verified yet.
    ///
    /// # Errors
    /// When the bytes are not a canonical envelope with one signature.
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, EnvelopeError> {
        let wire: Wire = canonical::from_slice(bytes, limit.min(MAX_ENVELOPE_BYTES))?;
        if wire.signatures.len() != 1 {
            return Err(EnvelopeError::SignatureCount(wire.signatures.len()));
        }
        Ok(Self { wire, bytes: bytes.to_vec() })
    }

    /// Checks type, key and signature, and only then gives the payload.
    ///
    /// # Errors
    /// When the type or key differs or the signature does not hold.
    pub fn open(&self, payload_type: &str, key: &PublicKey) -> Result<&[u8], EnvelopeError> {
        if self.wire.payload_type != payload_type {
            return Err(EnvelopeError::PayloadType {
                expected: payload_type.to_owned(),
                got: self.wire.payload_type.chars().take(128).collect(),
            });
        }
        let [signature] = self.wire.signatures.as_slice() else {
            return Err(EnvelopeError::SignatureCount(self.wire.signatures.len()));
        };
        if signature.keyid != key.key_id().to_string() {
            return Err(EnvelopeError::KeyId {
                expected: key.key_id(),
                got: signature.keyid.chars().take(128).collect(),
            });
        }
        key.verify(&pae(payload_type, &self.wire.payload), &signature.sig)?;
        Ok(&self.wire.payload)
    }

    /// The payload before any check; for showing, never for deciding.
    #[must_use]
    pub fn unverified_payload(&self) -> &[u8] {
        &self.wire.payload
    }

    /// The key id beside the signature, before any check: for finding the right key only.
    #[must_use]
    pub fn unverified_key_id(&self) -> Option<&str> {
        self.wire.signatures.first().map(|signature| signature.keyid.as_str())
    }

    /// The exact bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the exact bytes: how other documents name this one.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&self.bytes)
    }
}
