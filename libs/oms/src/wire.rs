//! The Sigstore bundle v0.3 as model signatures use it (sigstore/protobuf-specs,
//! `sigstore_bundle.proto`): a DSSE envelope with a key's hint or with certificates.

use envelope::b64;
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct WireBundle {
    pub(crate) media_type: String,
    pub(crate) verification_material: WireMaterial,
    pub(crate) dsse_envelope: WireEnvelope,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct WireMaterial {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_key: Option<WireKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) x509_certificate_chain: Option<WireChain>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<WireCertificate>,
    /// Empty, but written: the Python implementation reads no bundle without it.
    #[serde(default)]
    pub(crate) tlog_entries: Vec<serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct WireKey {
    /// SHA-256 of the key's PEM text, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// The key itself, in PEM or DER, as versions before 1.1 wrote it.
    #[serde(default, skip_serializing)]
    pub(crate) raw_bytes: Option<Bytes>,
    /// The algorithm's name; it came with `rawBytes`.
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "the key says what it is; the member may be there")]
    key_details: Option<String>,
}

impl WireKey {
    pub(crate) const fn hint(hint: String) -> Self {
        Self { hint: Some(hint), raw_bytes: None, key_details: None }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Bytes(#[serde(with = "b64")] pub(crate) Vec<u8>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireChain {
    pub(crate) certificates: Vec<WireCertificate>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct WireCertificate {
    #[serde(with = "b64")]
    pub(crate) raw_bytes: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct WireEnvelope {
    #[serde(with = "b64")]
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_type: String,
    pub(crate) signatures: Vec<WireSignature>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireSignature {
    #[serde(with = "b64")]
    pub(crate) sig: Vec<u8>,
    /// Empty: the key is named by the material.
    #[serde(default)]
    pub(crate) keyid: String,
}
