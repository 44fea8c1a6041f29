//! The layout of a fetched directory: names for files, and the files that follow from the bundle.

use std::collections::BTreeMap;

use ::bundle::{Bundle, BundleError};
use ::verify::{Part, RecordedFile, Verified};
use bom::TRAINING_STEP;
use envelope::{
    Envelope, EnvelopeError, MAX_ENVELOPE_BYTES, link::link_file_name, sigstore_bundle,
};
use evidence::{KeyUse, SUBMIT_STEP, TrustRoot};
use ids::canonical;

use crate::names::{MAX_LABEL_BYTES, is_file_name};

/// What the verifier pins.
pub(crate) const TRUST_ROOT_FILE: &str = "trust-root.json";
/// The AIBoM, the exact signed bytes.
pub(crate) const AIBOM_FILE: &str = "aibom.cdx.json";
/// Everything below is an input or an output of the job.
pub(crate) const ARTIFACTS: &str = "artifacts/";

/// Why a bundle has no directory form.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    /// A label that is no plain file name.
    #[error("{0:?} is not a file name: 1 to {MAX_LABEL_BYTES} of A-Z, a-z, 0-9, '.', '_', '-'")]
    Name(String),
    /// Two files that would get the same name.
    #[error("two files would both be {0}")]
    Twice(String),
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The attestation cannot be read.
    #[error(transparent)]
    Attestation(#[from] EnvelopeError),
    /// The pinned root lacks the key that signed.
    #[error("the trust root lacks the key that signed")]
    Key,
    /// A file cannot be written as JSON.
    #[error(transparent)]
    Write(#[from] canonical::Error),
}

/// Relative path and record of every input and output.
pub(crate) fn artifacts(
    files: &[RecordedFile],
) -> Result<BTreeMap<String, &RecordedFile>, LayoutError> {
    let mut found: BTreeMap<String, &RecordedFile> = BTreeMap::new();
    for file in files {
        let folder = match file.part {
            Part::Input => "inputs",
            Part::Output => "outputs",
            Part::Aibom => continue,
        };
        if !is_file_name(&file.name) {
            return Err(LayoutError::Name(file.name.chars().take(200).collect()));
        }
        let name = format!("{ARTIFACTS}{folder}/{}", file.name);
        // The same bytes twice under one name are one file: a log that is an output, too.
        match found.get(&name) {
            Some(other) if other.sha256 != file.sha256 => return Err(LayoutError::Twice(name)),
            Some(_) => {}
            None => {
                found.insert(name, file);
            }
        }
    }
    Ok(found)
}

/// Relative path and bytes of every file that follows from the bundle.
pub(crate) fn derived(
    subject: &Verified,
    root: &TrustRoot,
    bundle: &[u8],
) -> Result<BTreeMap<String, Vec<u8>>, LayoutError> {
    let parsed = Bundle::parse(bundle)?;
    let (key, _) = root.signing_key(KeyUse::Aibom, subject.signer()).ok_or(LayoutError::Key)?;
    let attestation = Envelope::parse(subject.attestation(), MAX_ENVELOPE_BYTES)?;
    let set = parsed.evidence;
    let mut files = BTreeMap::from([
        (AIBOM_FILE.to_owned(), subject.aibom().to_vec()),
        ("signatures/aibom.sigstore.json".to_owned(), sigstore_bundle(&attestation, &key)?),
        ("signatures/platform.pub".to_owned(), key.to_pem().into_bytes()),
        ("evidence/request.dsse.json".to_owned(), set.request.envelope),
        ("evidence/grant.dsse.json".to_owned(), set.grant.envelope),
        ("evidence/training.dsse.json".to_owned(), set.training.envelope),
        ("evidence/policy.dsse.json".to_owned(), parsed.policy),
    ]);
    let signatures = subject.signatures();
    let training = link_file_name(TRAINING_STEP, &key);
    let submit = link_file_name(SUBMIT_STEP, subject.evidence().submitter());
    files.extend([
        ("signatures/model.sig".to_owned(), signatures.model.clone()),
        ("signatures/model-signing.pub".to_owned(), subject.model_key().to_pem().into_bytes()),
        (format!("signatures/{training}"), signatures.link.clone()),
        (format!("signatures/{submit}"), set.submission.envelope),
        ("signatures/root.layout".to_owned(), signatures.layout.clone()),
        ("signatures/layout-owner.pub".to_owned(), subject.layout_key().to_pem().into_bytes()),
    ]);
    files.extend([
        ("ledger/attestation.dsse.json".to_owned(), subject.attestation().to_vec()),
        ("ledger/salt".to_owned(), parsed.inclusion.salt),
        ("ledger/entry.json".to_owned(), parsed.inclusion.entry),
        ("ledger/aibom.tlog-proof".to_owned(), parsed.inclusion.proof.into_bytes()),
    ]);
    if let Some(release) = set.release {
        files.insert("evidence/release.dsse.json".to_owned(), release.envelope);
    }
    for (number, scan) in set.scans.into_iter().enumerate() {
        files.insert(format!("evidence/scan.{number}.dsse.json"), scan.envelope);
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
