//! in-toto Statement v1 (in-toto attestation spec, `spec/v1/statement.md`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The DSSE payload type of every in-toto statement.
pub const IN_TOTO_PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The `_type` of a v1 statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The constant `_type`; another one does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum StatementType {
    /// Version 1.
    #[default]
    #[serde(rename = "https://in-toto.io/Statement/v1")]
    V1,
}

/// A claim (`predicate`) about some artifacts (`subject`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Statement<P> {
    /// Always v1.
    #[serde(rename = "_type")]
    pub kind: StatementType,
    /// What the claim is about; matched by digest.
    pub subject: Vec<ResourceDescriptor>,
    /// URI of the predicate's type.
    pub predicate_type: String,
    /// The claim.
    pub predicate: P,
}

/// An artifact (`spec/v1/resource_descriptor.md`); digests are lower-case hex by algorithm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResourceDescriptor {
    /// A label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Algorithm to hex digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// Media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl ResourceDescriptor {
    /// A named artifact with one SHA-256.
    #[must_use]
    pub fn sha256(name: &str, digest: ids::Sha256Digest) -> Self {
        Self {
            name: Some(name.to_owned()),
            digest: BTreeMap::from([("sha256".to_owned(), digest.to_hex())]),
            ..Self::default()
        }
    }

    /// A named artifact with both digests.
    #[must_use]
    pub fn both(name: &str, digests: &ids::Digests) -> Self {
        let mut descriptor = Self::sha256(name, digests.sha256);
        descriptor.digest.insert("sha512".to_owned(), digests.sha512.to_hex());
        descriptor
    }

    /// The SHA-256, when there is a well-formed one.
    #[must_use]
    pub fn sha256_digest(&self) -> Option<ids::Sha256Digest> {
        self.digest.get("sha256")?.parse().ok()
    }

    /// The SHA-512, when there is a well-formed one.
    #[must_use]
    pub fn sha512_digest(&self) -> Option<ids::Sha512Digest> {
        self.digest.get("sha512")?.parse().ok()
    }
}
