//! The Sigstore bundle v0.3 around an envelope that a plain key signed
//! (sigstore/protobuf-specs, `sigstore_bundle.proto`).

use ids::{Sha256Digest, canonical};
use keys::PublicKey;
use serde_json::json;

use crate::Envelope;

/// The media type of the bundle.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Wraps `envelope` for Sigstore tools; the hint is the SHA-256 of the key's PEM text.
///
/// # Errors
/// Never in practice: the parts are strings.
pub fn sigstore_bundle(envelope: &Envelope, key: &PublicKey) -> Result<Vec<u8>, canonical::Error> {
    let dsse: serde_json::Value =
        serde_json::from_slice(envelope.as_bytes()).map_err(canonical::Error::Parse)?;
    canonical::to_vec(&json!({
        "mediaType": BUNDLE_MEDIA_TYPE,
        "verificationMaterial": {
            "publicKey": { "hint": Sha256Digest::of(key.to_pem().as_bytes()) },
            // Empty, but there: the Python implementation reads no bundle without it.
            "tlogEntries": [],
        },
        "dsseEnvelope": dsse,
    }))
}
