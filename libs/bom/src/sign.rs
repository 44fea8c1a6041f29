//! Everything that the signer signs for one job, from its evidence, its keys, and the time.

use envelope::{
    Envelope, IN_TOTO_PAYLOAD_TYPE, SealError,
    link::{MetadataError, sign_metadata},
};
use evidence::VerifiedEvidence;
use ids::Timestamp;
use keys::SigningKey;
use policy::Decision;

use crate::{Aibom, AssembleError, assemble, in_toto, model_statement, statement};

/// The keys, one for each use; the trust root says which they are.
#[derive(Debug, Clone, Copy)]
pub struct SigningKeys<'a> {
    /// Attestations, and the link of the training.
    pub aibom: &'a dyn SigningKey,
    /// Model signatures: ECDSA P-256.
    pub model: &'a dyn SigningKey,
    /// Layouts.
    pub layout: &'a dyn SigningKey,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignAibomError {
    /// Evidence that holds gives no AIBoM, or no statement on it.
    #[error("the evidence gives no AIBoM: {0}")]
    Assemble(#[from] AssembleError),
    /// A key could not sign, or signed wrongly.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The model key could not sign, or signed wrongly.
    #[error(transparent)]
    Model(#[from] oms::SignError),
    /// A key could not sign in-toto metadata, or signed wrongly.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// A signed AIBoM and what goes with it, exact bytes; only [`sign`] makes one, and every signature
/// in it was verified before it was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAibom {
    aibom: Aibom,
    attestation: Vec<u8>,
    model: Vec<u8>,
    link: Vec<u8>,
    layout: Vec<u8>,
}

impl SignedAibom {
    /// The AIBoM.
    #[must_use]
    pub const fn aibom(&self) -> &Aibom {
        &self.aibom
    }

    /// DSSE envelope of the in-toto statement over AIBoM and outputs.
    #[must_use]
    pub fn attestation(&self) -> &[u8] {
        &self.attestation
    }

    /// OpenSSF Model Signing v1.0 signature over the outputs.
    #[must_use]
    pub fn model(&self) -> &[u8] {
        &self.model
    }

    /// in-toto link of the step `run_training`.
    #[must_use]
    pub fn link(&self) -> &[u8] {
        &self.link
    }

    /// in-toto layout of the steps `submit` and `run_training`.
    #[must_use]
    pub fn layout(&self) -> &[u8] {
        &self.layout
    }
}

/// Derives the AIBoM and signs it, the model, the link and the layout.
///
/// # Errors
/// When the evidence gives no AIBoM, or a key does not sign, or signs wrongly.
pub fn sign(
    evidence: &VerifiedEvidence,
    decision: &Decision,
    signed_at: Timestamp,
    keys: SigningKeys<'_>,
) -> Result<SignedAibom, SignAibomError> {
    let aibom = assemble(evidence, decision)?;
    let about = statement(&aibom, evidence, signed_at)?;
    let attestation = Envelope::seal(IN_TOTO_PAYLOAD_TYPE, about, keys.aibom)?;
    let model = oms::sign(model_statement(evidence)?, keys.model, oms::Material::PublicKey)?;
    let link = sign_metadata(&in_toto::training_link(evidence, &aibom)?, keys.aibom)?;
    let functionary = keys.aibom.public_key();
    let layout = in_toto::layout(evidence, &aibom, signed_at, functionary)?;
    let layout = sign_metadata(&layout, keys.layout)?;
    Ok(SignedAibom { aibom, attestation: attestation.as_bytes().to_vec(), model, link, layout })
}
