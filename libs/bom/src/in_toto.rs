//! STUB until the link and layout land.

use evidence::VerifiedEvidence;
use ids::Timestamp;
use keys::PublicKey;
use serde_json::{Value, json};

use crate::{Aibom, AssembleError};

pub fn training_link(_: &VerifiedEvidence, _: &Aibom) -> Result<Value, AssembleError> {
    Ok(json!({"_type": "link"}))
}

pub fn layout(
    _: &VerifiedEvidence,
    _: &Aibom,
    _: Timestamp,
    _: &PublicKey,
) -> Result<Value, AssembleError> {
    Ok(json!({"_type": "layout"}))
}
