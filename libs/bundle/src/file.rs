//! The bundle file and its strict reader.

use evidence::EvidenceSet;
use ids::canonical;
use serde::{Deserialize, Serialize};

use crate::Inclusion;

/// The value of `schema`.
pub const BUNDLE_SCHEMA: &str = "aibom.bundle.v1";
/// The longest bundle that is read, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 32 * 1024 * 1024;

/// What the signer makes beside the attestation, from the same evidence; exact bytes of each file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Signatures {
    /// OpenSSF Model Signing v1.0 signature over the outputs: `model.sig`.
    #[serde(with = "envelope::b64")]
    pub model: Vec<u8>,
    /// in-toto link of the step `run_training`.
    #[serde(with = "envelope::b64")]
    pub link: Vec<u8>,
    /// in-toto layout of the steps `submit` and `run_training`.
    #[serde(with = "envelope::b64")]
    pub layout: Vec<u8>,
}

/// One AIBoM with all that is needed to check it offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Bundle {
    /// Always [`BUNDLE_SCHEMA`].
    pub schema: String,
    /// The AIBoM: the exact bytes that were signed.
    #[serde(with = "envelope::b64")]
    pub aibom: Vec<u8>,
    /// DSSE envelope of the in-toto statement over the AIBoM.
    #[serde(with = "envelope::b64")]
    pub attestation: Vec<u8>,
    /// What the signer made beside the attestation.
    pub signatures: Signatures,
    /// What the AIBoM was derived from.
    pub evidence: EvidenceSet,
    /// The policy that released it: a DSSE envelope by a policy key.
    #[serde(with = "envelope::b64")]
    pub policy: Vec<u8>,
    /// The proof that the attestation is in the ledger.
    pub inclusion: Inclusion,
}

/// Why bytes are not a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not a bundle in canonical JSON.
    #[error("not a bundle: {0}")]
    Malformed(#[from] canonical::Error),
    /// Another schema.
    #[error("the schema is {0:?}, this program reads {BUNDLE_SCHEMA:?}")]
    Schema(String),
}

impl Bundle {
    /// Reads a bundle; nothing in it is verified yet.
    ///
    /// # Errors
    /// When the bytes are too long, not canonical, or of another schema.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let bundle: Self = canonical::from_slice(bytes, MAX_BUNDLE_BYTES)?;
        if bundle.schema == BUNDLE_SCHEMA {
            Ok(bundle)
        } else {
            Err(BundleError::Schema(bundle.schema.chars().take(64).collect()))
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Never in practice: every member is a string or a number.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }
}
