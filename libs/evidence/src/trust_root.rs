//! The trust root: what a verifier pins.

use ids::{SpiffeId, Timestamp, canonical};
use keys::{KeyId, PublicKey};
use merkle::checkpoint::VerifierKey;
use serde::{Deserialize, Serialize};

/// The value of `schema`.
pub const TRUST_ROOT_SCHEMA: &str = "aibom.trust-root.v1";
/// The longest trust root, in bytes.
pub const MAX_TRUST_ROOT_BYTES: usize = 256 * 1024;

/// Whether simulated parts are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Real parts only.
    Production,
    /// For tests: says so to everybody who pins it.
    Test,
}

/// A signing key and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyEntry {
    /// Public key, PEM.
    pub public_key: String,
    /// First instant at which its signatures count.
    pub valid_from: Timestamp,
    /// Last such instant.
    pub valid_until: Timestamp,
}

/// What a verifier pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrustRoot {
    /// Always [`TRUST_ROOT_SCHEMA`].
    pub schema: String,
    /// Grows with every change.
    pub version: u64,
    /// The mesh's trust domain.
    pub trust_domain: String,
    /// Whether simulated parts are let through.
    pub environment: Environment,
    /// Root certificates of the mesh CA, DER.
    #[serde(with = "envelope::b64::list")]
    pub mesh_ca: Vec<Vec<u8>>,
    /// Keys that sign AIBoMs.
    pub signing_keys: Vec<KeyEntry>,
    /// The ledger's verifier key, C2SP signed-note form.
    pub ledger_key: String,
}

/// Why a trust root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustRootError {
    /// Not a trust root in canonical JSON.
    #[error("not a trust root: {0}")]
    Malformed(#[from] canonical::Error),
    /// Another schema.
    #[error("the schema is {0:?}, this program reads {TRUST_ROOT_SCHEMA:?}")]
    Schema(String),
    /// A member that does not hold what it should.
    #[error("the trust root's {0} is unusable")]
    Member(&'static str),
}

impl TrustRoot {
    /// Reads a trust root; a single newline at the end of the file is let through.
    ///
    /// # Errors
    /// When the bytes are not a usable trust root.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustRootError> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let root: Self = canonical::from_slice(bytes, MAX_TRUST_ROOT_BYTES)?;
        if root.schema != TRUST_ROOT_SCHEMA {
            return Err(TrustRootError::Schema(root.schema.chars().take(64).collect()));
        }
        if root.mesh_ca.is_empty() || root.mesh_ca.len() > 16 {
            return Err(TrustRootError::Member("meshCa"));
        }
        if root.signing_keys.is_empty() || root.signing_keys.len() > 64 {
            return Err(TrustRootError::Member("signingKeys"));
        }
        root.keys().map_err(|()| TrustRootError::Member("signingKeys"))?;
        root.ledger().ok_or(TrustRootError::Member("ledgerKey"))?;
        Ok(root)
    }

    fn keys(&self) -> Result<Vec<(PublicKey, &KeyEntry)>, ()> {
        self.signing_keys
            .iter()
            .map(|entry| Ok((PublicKey::from_pem(&entry.public_key).map_err(|_| ())?, entry)))
            .collect()
    }

    /// The signing key of that id and its time; `None` when the root does not name it.
    #[must_use]
    pub fn signing_key(&self, key_id: KeyId) -> Option<(PublicKey, &KeyEntry)> {
        self.keys().ok()?.into_iter().find(|(key, _)| key.key_id() == key_id)
    }

    /// Every signing key, newest last as the root lists them.
    #[must_use]
    pub fn signing_public_keys(&self) -> Vec<PublicKey> {
        self.keys().map(|keys| keys.into_iter().map(|(key, _)| key).collect()).unwrap_or_default()
    }

    /// The ledger's verifier key.
    #[must_use]
    pub fn ledger(&self) -> Option<VerifierKey> {
        self.ledger_key.parse().ok()
    }

    /// Whether `id` belongs to this mesh.
    #[must_use]
    pub fn admits(&self, id: &SpiffeId) -> bool {
        id.trust_domain() == self.trust_domain
    }
}
