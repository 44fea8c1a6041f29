//! The Sigstore bundle v0.3 around an envelope that a plain key signed
//! (sigstore/protobuf-specs, `sigstore_bundle.proto`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ids::{Sha256Digest, canonical};
use keys::PublicKey;
use serde_json::{Value, json};

use crate::Envelope;

/// The media type of the bundle.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// How a Sigstore bundle says who signed.
#[derive(Debug, Clone, Copy)]
pub enum SignedBy<'a> {
    /// A plain key: the hint is the SHA-256 of its PEM text.
    Key(&'a PublicKey),
    /// The key in this certificate, DER; the rest of its chain has no place in version 0.3.
    Certificate(&'a [u8]),
}

/// Wraps `envelope` for Sigstore tools.
///
/// # Errors
/// Never in practice: the parts are strings.
pub fn sigstore_bundle(envelope: &Envelope, key: &PublicKey) -> Result<Vec<u8>, canonical::Error> {
    // Empty, but there: the Python implementation reads no bundle without it.
    sigstore_bundle_with(envelope, SignedBy::Key(key), &[])
}

/// The same with entries of transparency logs (`TransparencyLogEntry` of `sigstore_rekor.proto`).
///
/// # Errors
/// When an entry cannot be written as canonical JSON.
pub fn sigstore_bundle_with(
    envelope: &Envelope,
    by: SignedBy<'_>,
    log_entries: &[Value],
) -> Result<Vec<u8>, canonical::Error> {
    let dsse: Value =
        serde_json::from_slice(envelope.as_bytes()).map_err(canonical::Error::Parse)?;
    let mut material = match by {
        SignedBy::Key(key) => {
            json!({ "publicKey": { "hint": Sha256Digest::of(key.to_pem().as_bytes()) } })
        }
        SignedBy::Certificate(der) => {
            json!({ "certificate": { "rawBytes": STANDARD.encode(der) } })
        }
    };
    material["tlogEntries"] = log_entries.into();
    canonical::to_vec(&json!({
        "mediaType": BUNDLE_MEDIA_TYPE,
        "verificationMaterial": material,
        "dsseEnvelope": dsse,
    }))
}
