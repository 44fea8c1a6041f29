//! A signed document with the certificate of who signed it, and the set of them.

use envelope::{Envelope, EnvelopeError};
use ids::{Sha256Digest, Timestamp};
use keys::{ChainError, Identity};
use serde::{Deserialize, Serialize};

use crate::TrustRoot;

/// The longest evidence envelope, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// Exact envelope bytes and certificate chain (DER, leaf first).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Document {
    /// DSSE envelope, canonical JSON; of a submission the whole link file, which is none.
    #[serde(with = "envelope::b64")]
    pub envelope: Vec<u8>,
    /// X.509 chain in DER, leaf first, root left out.
    #[serde(with = "envelope::b64::list")]
    pub certificates: Vec<Vec<u8>>,
}

impl Document {
    /// SHA-256 of the exact envelope bytes: how other documents name this one.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&self.envelope)
    }

    /// Checks the certificate chain against the mesh CA.
    ///
    /// # Errors
    /// When it does not hold at `at`, or names another trust domain.
    pub fn signer(&self, root: &TrustRoot, at: Timestamp) -> Result<Identity, ChainError> {
        keys::verify_chain(&self.certificates, &root.mesh_ca, at)
    }

    /// Checks that `signer` signed it, and gives the payload.
    ///
    /// # Errors
    /// When the envelope is malformed, of another type, or signed by another key.
    pub fn payload(&self, payload_type: &str, signer: &Identity) -> Result<Vec<u8>, EnvelopeError> {
        let envelope = Envelope::parse(&self.envelope, MAX_DOCUMENT_BYTES)?;
        Ok(envelope.open(payload_type, signer.public_key())?.to_vec())
    }
}

/// Everything that one AIBoM is derived from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EvidenceSet {
    /// The user's request.
    pub request: Document,
    /// The scheduler's grant.
    pub grant: Document,
    /// The executor's observation.
    pub training: Document,
    /// The scanner's findings: of the image, and at most one of each other target.
    pub scans: Vec<Document>,
    /// The scheduler's in-toto link of the submit step, in the classic format.
    pub submission: Document,
    /// The approver's release; absent when no policy held the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Document>,
}
