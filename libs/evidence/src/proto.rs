//! Evidence on the wire: `aibom.evidence.v1`.

use proto::evidence::v1 as wire;

use crate::{Document, EvidenceSet};

/// A message lacks a document that it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message lacks the field {0}")]
pub struct MissingDocument(pub &'static str);

impl From<Document> for wire::SignedDocument {
    fn from(document: Document) -> Self {
        Self { envelope: document.envelope, certificate_chain: document.certificates }
    }
}

impl From<wire::SignedDocument> for Document {
    fn from(document: wire::SignedDocument) -> Self {
        Self { envelope: document.envelope, certificates: document.certificate_chain }
    }
}

impl From<EvidenceSet> for wire::EvidenceSet {
    fn from(set: EvidenceSet) -> Self {
        Self {
            request: Some(set.request.into()),
            grant: Some(set.grant.into()),
            training: Some(set.training.into()),
            scans: set.scans.into_iter().map(Into::into).collect(),
            submission: Some(set.submission.into()),
            release: set.release.map(Into::into),
        }
    }
}

impl TryFrom<wire::EvidenceSet> for EvidenceSet {
    type Error = MissingDocument;

    fn try_from(set: wire::EvidenceSet) -> Result<Self, Self::Error> {
        Ok(Self {
            request: set.request.ok_or(MissingDocument("evidence.request"))?.into(),
            grant: set.grant.ok_or(MissingDocument("evidence.grant"))?.into(),
            training: set.training.ok_or(MissingDocument("evidence.training"))?.into(),
            scans: set.scans.into_iter().map(Into::into).collect(),
            submission: set.submission.ok_or(MissingDocument("evidence.submission"))?.into(),
            release: set.release.map(Into::into),
        })
    }
}
