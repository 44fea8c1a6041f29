//! The content of a layout and of a link (in-toto specification v1.0, sections 4.3 and 4.4).

use std::collections::BTreeMap;

use ids::Timestamp;
use keys::PublicKey;
use serde::Deserialize;
use serde_json::Value;

use super::metadata::{Content, from_hex};

/// Path to its digests, lower-case hex by algorithm.
pub(super) type Artifacts = BTreeMap<String, BTreeMap<String, String>>;

/// Who may do what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layout {
    #[serde(rename = "_type")]
    kind: String,
    expires: String,
    #[serde(default, rename = "readme")]
    _readme: String,
    keys: BTreeMap<String, Key>,
    pub(super) steps: Vec<Step>,
    pub(super) inspect: Vec<Value>,
}

/// A functionary's key; further members (`private`, `keyid_hash_algorithms`) say nothing to us.
#[derive(Debug, Deserialize)]
struct Key {
    keytype: String,
    scheme: String,
    keyval: KeyValue,
}

#[derive(Debug, Deserialize)]
struct KeyValue {
    public: String,
}

/// One step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    #[serde(rename = "_type")]
    _kind: String,
    pub(super) name: String,
    pub(super) expected_command: Vec<String>,
    pub(super) expected_materials: Vec<Vec<String>>,
    pub(super) expected_products: Vec<Vec<String>>,
    pub(super) pubkeys: Vec<String>,
    pub(super) threshold: u64,
}

/// What was done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    #[serde(rename = "_type")]
    kind: String,
    pub(super) name: String,
    pub(super) materials: Artifacts,
    pub(super) products: Artifacts,
    #[serde(default, rename = "byproducts")]
    _byproducts: Value,
    pub(super) command: Vec<String>,
    #[serde(default, rename = "environment")]
    _environment: Value,
}

impl Content for Layout {
    const KIND: &'static str = "layout";

    fn kind(&self) -> &str {
        &self.kind
    }
}

impl Content for Link {
    const KIND: &'static str = "link";

    fn kind(&self) -> &str {
        &self.kind
    }
}

/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410).
const ED25519_SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl Layout {
    /// The functionary's key of that id.
    pub(super) fn key(&self, keyid: &str) -> Result<PublicKey, String> {
        let key = self.keys.get(keyid).ok_or("it is not among the layout's keys")?;
        let public = match (key.keytype.as_str(), key.scheme.as_str()) {
            ("ed25519", "ed25519") => {
                from_hex(&key.keyval.public).filter(|bytes| bytes.len() == 32).and_then(|bytes| {
                    PublicKey::from_spki_der(&[&ED25519_SPKI_PREFIX[..], &bytes].concat()).ok()
                })
            }
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
                PublicKey::from_pem(&key.keyval.public).ok()
            }
            (keytype, scheme) => {
                let shown: String = format!("{keytype:?} ({scheme:?})").chars().take(80).collect();
                return Err(format!("{shown} is not supported, Ed25519 and ECDSA P-256 are"));
            }
        };
        public.ok_or_else(|| format!("it is not a usable {} key", key.keytype))
    }

    /// Whether the layout still holds at `now`.
    pub(super) fn check_expiry(&self, now: Timestamp) -> Result<String, String> {
        let shown: String = self.expires.chars().take(40).collect();
        // The format has no fractions of a second.
        let expires = self
            .expires
            .strip_suffix('Z')
            .and_then(|text| format!("{text}.000Z").parse::<Timestamp>().ok())
            .ok_or_else(|| format!("{shown:?} is not YYYY-MM-DDThh:mm:ssZ"))?;
        if now < expires {
            Ok(format!("holds until {shown}"))
        } else {
            Err(format!("expired at {shown}, it is {now}"))
        }
    }
}
