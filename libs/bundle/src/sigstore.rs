//! A bundle as JSON Lines that other tools read: each line a Sigstore bundle v0.3
//! (sigstore/protobuf-specs, `sigstore_bundle.proto`).
//!
//! What is signed in another form (links, layout) has no place there, nor has the salt: a line proves
//! that an entry is in the log, and only the bundle itself proves that the entry is about its document.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use envelope::{Envelope, EnvelopeError, MAX_ENVELOPE_BYTES, SignedBy, sigstore_bundle_with};
use evidence::{Document, KeyUse, TrustRoot};
use ids::{Sha256Digest, canonical};
use keys::PublicKey;
use merkle::SignedCheckpoint;
use serde_json::{Value, json};

use crate::{Bundle, Inclusion, LedgerEntry, LoggedError};

/// The kind of our log's entries in a Sigstore bundle.
pub const ENTRY_KIND: &str = "aibom.ledger-entry";
/// The version of that kind.
pub const ENTRY_VERSION: &str = "0.0.1";

/// Why a bundle cannot be written so.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A part is no envelope.
    #[error("the {part} is no DSSE envelope")]
    Envelope {
        /// Which.
        part: &'static str,
        /// Why not.
        #[source]
        source: EnvelopeError,
    },
    /// The trust root does not name the key.
    #[error("the trust root names no {0} key with the id beside the signature")]
    Key(KeyUse),
    /// A document without a certificate.
    #[error("the {0} has no certificate")]
    Certificate(&'static str),
    /// The ledger's part is not whole.
    #[error(transparent)]
    Ledger(#[from] LoggedError),
    /// The trust root names no usable ledger key.
    #[error("the trust root names no usable ledger key")]
    LedgerKey,
    /// A part cannot be written.
    #[error(transparent)]
    Write(#[from] canonical::Error),
}

impl Bundle {
    /// The signatures as JSON Lines, each line with its newline: the attestation with the ledger's
    /// proof, `model.sig`, the policy, and each evidence envelope with its certificate.
    ///
    /// Nothing is verified here; verify the bundle first.
    ///
    /// # Errors
    /// When a part is not of its form, or the trust root lacks a key.
    pub fn to_sigstore_lines(&self, root: &TrustRoot) -> Result<Vec<u8>, ExportError> {
        let attestation = envelope("attestation", &self.attestation)?;
        let key = key_of(&attestation, root, KeyUse::Aibom)?;
        let ledger = root.ledger().ok_or(ExportError::LedgerKey)?;
        let entry = log_entry(&self.inclusion, ledger.hash())?;
        let policy = envelope("policy", &self.policy)?;
        let policy_key = key_of(&policy, root, KeyUse::Policy)?;
        let model: Value =
            serde_json::from_slice(&self.signatures.model).map_err(canonical::Error::Parse)?;
        let mut lines = vec![
            sigstore_bundle_with(&attestation, SignedBy::Key(&key), &[entry])?,
            canonical::to_vec(&model)?,
            sigstore_bundle_with(&policy, SignedBy::Key(&policy_key), &[])?,
        ];
        let set = &self.evidence;
        let named = [("request", &set.request), ("grant", &set.grant), ("training", &set.training)];
        let scans = set.scans.iter().map(|scan| ("scan", scan));
        let release = set.release.iter().map(|release| ("release", release));
        for (name, document) in named.into_iter().chain(scans).chain(release) {
            lines.push(evidence_line(name, document)?);
        }
        Ok(lines.into_iter().flat_map(|line| [line, b"\n".to_vec()].concat()).collect())
    }
}

fn envelope(part: &'static str, bytes: &[u8]) -> Result<Envelope, ExportError> {
    Envelope::parse(bytes, MAX_ENVELOPE_BYTES)
        .map_err(|source| ExportError::Envelope { part, source })
}

fn key_of(envelope: &Envelope, root: &TrustRoot, usage: KeyUse) -> Result<PublicKey, ExportError> {
    let id = envelope.unverified_key_id().unwrap_or_default();
    let mut keys = root.keys(usage);
    let found = keys.find(|(key, _)| key.key_id().to_string() == id);
    found.map(|(key, _)| key).ok_or(ExportError::Key(usage))
}

fn evidence_line(name: &'static str, document: &Document) -> Result<Vec<u8>, ExportError> {
    let leaf = document.certificates.first().ok_or(ExportError::Certificate(name))?;
    let envelope = envelope(name, &document.envelope)?;
    Ok(sigstore_bundle_with(&envelope, SignedBy::Certificate(leaf), &[])?)
}

/// Our proof as a `TransparencyLogEntry`; numbers are strings there, as protobuf writes 64 bits.
fn log_entry(inclusion: &Inclusion, log_id: [u8; 32]) -> Result<Value, ExportError> {
    let proof = inclusion.tlog_proof()?;
    let entry = LedgerEntry::parse(&inclusion.entry).map_err(LoggedError::Entry)?;
    let note = SignedCheckpoint::parse(&proof.checkpoint)
        .map_err(|error| LoggedError::Checkpoint(error.to_string()))?;
    let head = note.unverified();
    let base64 = |digest: &Sha256Digest| STANDARD.encode(digest.as_bytes());
    Ok(json!({
        "logIndex": proof.index.to_string(),
        "logId": { "keyId": STANDARD.encode(log_id) },
        "kindVersion": { "kind": ENTRY_KIND, "version": ENTRY_VERSION },
        "integratedTime": entry.logged_at.unix_ms().div_euclid(1_000).to_string(),
        "inclusionProof": {
            "logIndex": proof.index.to_string(),
            "rootHash": base64(&head.root),
            "treeSize": head.size.to_string(),
            "hashes": proof.hashes.iter().map(base64).collect::<Vec<_>>(),
            "checkpoint": { "envelope": proof.checkpoint },
        },
        "canonicalizedBody": STANDARD.encode(&inclusion.entry),
    }))
}
