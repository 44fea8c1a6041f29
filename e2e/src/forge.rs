//! Evidence of a real job, opened, changed, and signed again with keys that somebody stole.

use std::path::Path;

use bundle::Bundle;
use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, MAX_ENVELOPE_BYTES};
use evidence::{Document, EvidenceSet, GRANT_PAYLOAD_TYPE, RELEASE_PAYLOAD_TYPE};
use ids::canonical;
use job::REQUEST_PAYLOAD_TYPE;
use rpc::{IdentityFiles, MeshIdentity};
use serde_json::Value;

/// The bundle in a fetched directory.
///
/// # Errors
/// When there is none.
pub fn bundle(fetched: &Path) -> anyhow::Result<Bundle> {
    Ok(Bundle::parse(&std::fs::read(fetched.join("bundle.aibom.json"))?)?)
}

/// What a document says.
///
/// # Errors
/// When it is no envelope, or says no JSON.
pub fn payload(document: &Document) -> anyhow::Result<Value> {
    let envelope = Envelope::parse(&document.envelope, MAX_ENVELOPE_BYTES)?;
    Ok(serde_json::from_slice(envelope.unverified_payload())?)
}

/// Somebody whose certificate and key are at hand.
#[derive(Debug)]
pub struct Thief(std::sync::Arc<MeshIdentity>);

impl Thief {
    /// Takes certificate and key.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn of(files: &IdentityFiles) -> anyhow::Result<Self> {
        Ok(Self(MeshIdentity::load(files)?))
    }

    /// Signs any JSON as that party.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(&self, payload_type: &str, payload: &Value) -> anyhow::Result<Document> {
        let bytes = canonical::to_vec(payload)?;
        let key = self.0.signing_key();
        let sealed = Envelope::seal(payload_type, bytes, key.as_ref())?;
        Ok(Document {
            envelope: sealed.as_bytes().to_vec(),
            certificates: self.0.certificate_chain_der(),
        })
    }

    /// Signs a request.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn request(&self, payload: &Value) -> anyhow::Result<Document> {
        self.sign(REQUEST_PAYLOAD_TYPE, payload)
    }

    /// Signs a grant.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn grant(&self, payload: &Value) -> anyhow::Result<Document> {
        self.sign(GRANT_PAYLOAD_TYPE, payload)
    }

    /// Signs a release.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn release(&self, payload: &Value) -> anyhow::Result<Document> {
        self.sign(RELEASE_PAYLOAD_TYPE, payload)
    }

    /// Signs a statement: training evidence or a scan.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn statement(&self, payload: &Value) -> anyhow::Result<Document> {
        self.sign(IN_TOTO_PAYLOAD_TYPE, payload)
    }
}

/// The evidence of a bundle with its parts as JSON, to be changed and put together again.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The signed set as it was.
    pub set: EvidenceSet,
    /// What the user said.
    pub request: Value,
    /// What the scheduler said.
    pub grant: Value,
    /// What the executor said.
    pub training: Value,
    /// What the scanner said.
    pub scan: Value,
}

impl Parts {
    /// Opens the evidence of a fetched directory.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(fetched: &Path) -> anyhow::Result<Self> {
        let set = bundle(fetched)?.evidence;
        let first = set.scans.first().ok_or_else(|| anyhow::anyhow!("a bundle has a scan"))?;
        Ok(Self {
            request: payload(&set.request)?,
            grant: payload(&set.grant)?,
            training: payload(&set.training)?,
            scan: payload(first)?,
            set,
        })
    }
}
