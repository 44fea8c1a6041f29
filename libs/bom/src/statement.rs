//! The in-toto statement over an AIBoM and the outputs it describes, and its signing time.

use std::collections::BTreeMap;

use envelope::{ResourceDescriptor, STATEMENT_TYPE, Statement};
use evidence::VerifiedEvidence;
use ids::{ParseTimestampError, Sha256Digest, Timestamp, canonical};
use serde::Serialize;
use serde_json::Value;

use crate::{Aibom, AssembleError};

/// The predicate type: a CycloneDX BOM (in-toto/attestation, `spec/predicates/cyclonedx.md`).
pub const CYCLONEDX_PREDICATE_TYPE: &str = "https://cyclonedx.org/bom";
/// The first subject, and the AIBoM's name in every layout of files.
pub const AIBOM_FILE_NAME: &str = "aibom.cdx.json";
/// The longest statement that is read, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 24 * 1024 * 1024;

const SIGNED_AT: &str = "signedAt";

/// The canonical statement: the AIBoM as predicate; the AIBoM and every output as subjects.
///
/// # Errors
/// When the statement cannot be written.
pub fn statement(
    aibom: &Aibom,
    evidence: &VerifiedEvidence,
    signed_at: Timestamp,
) -> Result<Vec<u8>, AssembleError> {
    let mut subject = vec![ResourceDescriptor {
        annotations: BTreeMap::from([(SIGNED_AT.to_owned(), signed_at.to_string())]),
        ..ResourceDescriptor::both(AIBOM_FILE_NAME, &aibom.digests())
    }];
    subject.extend(evidence.training().subject.iter().map(|output| {
        ResourceDescriptor {
            name: output.name.clone(),
            digest: output
                .digest
                .iter()
                .filter(|(algorithm, _)| matches!(algorithm.as_str(), "sha256" | "sha512"))
                .map(|(algorithm, digest)| (algorithm.clone(), digest.clone()))
                .collect(),
            ..ResourceDescriptor::default()
        }
    }));
    // The AIBoM is canonical already and goes in as it is, after the members that sort before the rest.
    let head = format!("{{\"_type\":\"{STATEMENT_TYPE}\",\"predicate\":");
    let rest = canonical::rewrite(&Rest { predicate_type: CYCLONEDX_PREDICATE_TYPE, subject })?;
    let rest = rest.get(1..).unwrap_or_default();
    Ok([head.as_bytes(), aibom.as_bytes(), b",", rest].concat())
}

/// The members of a [`Statement`] that sort after its predicate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    predicate_type: &'static str,
    subject: Vec<ResourceDescriptor>,
}

/// Why bytes do not tell a signing time.
#[derive(Debug, thiserror::Error)]
pub enum SignedAtError {
    /// Not an in-toto statement in canonical JSON.
    #[error("not a statement: {0}")]
    Malformed(#[from] canonical::Error),
    /// About something other than a BOM.
    #[error("the predicate type is {0:?}, expected {CYCLONEDX_PREDICATE_TYPE:?}")]
    PredicateType(String),
    /// The first subject is not the AIBoM with its signing time and nothing else.
    #[error(
        "the first subject is not {AIBOM_FILE_NAME:?} with exactly the annotation {SIGNED_AT:?}"
    )]
    Subject,
    /// The signing time is not a time.
    #[error(transparent)]
    Time(#[from] ParseTimestampError),
}

/// The digest of the request's envelope that the AIBoM of a statement names as what started the job;
/// `None` where it names none, or more than one. As for [`signed_at`], the rest is not looked at.
#[must_use]
pub fn request(statement_bytes: &[u8]) -> Option<Sha256Digest> {
    let statement: Statement<Value> =
        canonical::from_slice(statement_bytes, MAX_STATEMENT_BYTES).ok()?;
    let formulas = statement.predicate.get("formulation")?.as_array()?;
    let workflows = formulas.iter().filter_map(|formula| formula.get("workflows")?.as_array());
    let triggers = workflows.flatten().filter_map(|workflow| workflow.get("trigger"));
    let properties = triggers.filter_map(|trigger| trigger.get("properties")?.as_array());
    let named = properties.flatten().filter(|property| {
        property.get("name").and_then(Value::as_str) == Some("aibom:request:sha256")
    });
    let mut values = named.filter_map(|property| property.get("value")?.as_str());
    let (first, None) = (values.next()?, values.next()) else {
        return None;
    };
    first.parse().ok()
}

/// Reads the signing time of a statement. That the rest is what it should be is for the caller to
/// see: it makes the statement again with [`statement`] and compares the bytes.
///
/// # Errors
/// When the bytes are not a canonical statement of this form.
pub fn signed_at(statement_bytes: &[u8]) -> Result<Timestamp, SignedAtError> {
    let statement: Statement<Value> = canonical::from_slice(statement_bytes, MAX_STATEMENT_BYTES)?;
    if statement.predicate_type != CYCLONEDX_PREDICATE_TYPE {
        let got = statement.predicate_type.chars().take(128).collect();
        return Err(SignedAtError::PredicateType(got));
    }
    let subject = statement.subject.first().ok_or(SignedAtError::Subject)?;
    let mut annotations = subject.annotations.iter();
    let (Some((name, time)), None) = (annotations.next(), annotations.next()) else {
        return Err(SignedAtError::Subject);
    };
    if subject.name.as_deref() != Some(AIBOM_FILE_NAME) || name != SIGNED_AT {
        return Err(SignedAtError::Subject);
    }
    Ok(time.parse()?)
}
