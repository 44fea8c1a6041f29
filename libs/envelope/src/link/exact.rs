//! Is this file, byte for byte, the one that must have been signed?

use keys::{PublicKey, SignatureInvalid};
use serde_json::Value;

use super::{
    MAX_METADATA_BYTES,
    json::Json,
    metadata::{Frame, from_hex, functionary_key, write_file},
};

/// Why a file is not the signed file that it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExactError {
    /// Other content, another spelling, or other signatures than the one.
    #[error("not the file that it must be: {0}")]
    Content(String),
    /// The one signature is not by the key.
    #[error(transparent)]
    Signature(#[from] SignatureInvalid),
}

/// Checks that `file` is what [`super::sign_metadata`] writes for `signed` and `key`: this content in
/// this spelling, and one signature, named by the key and made by it.
///
/// # Errors
/// When a byte differs, or the signature does not verify.
pub fn verify_exact(file: &[u8], signed: &Value, key: &PublicKey) -> Result<(), ExactError> {
    let content = |problem: &str| ExactError::Content(problem.to_owned());
    if file.len() > MAX_METADATA_BYTES {
        return Err(content("it is over the limit of bytes"));
    }
    let wanted: Json =
        serde_json::from_value(signed.clone()).map_err(|e| ExactError::Content(e.to_string()))?;
    let frame: Frame =
        serde_json::from_slice(file).map_err(|e| ExactError::Content(e.to_string()))?;
    if frame.signed != wanted {
        return Err(content("it says something other than what it must say"));
    }
    let [signature] = frame.signatures.as_slice() else {
        return Err(content("it has more or less than one signature"));
    };
    let (keyid, _) = functionary_key(key);
    if signature.keyid != keyid {
        return Err(content("its signature names another key"));
    }
    let sig = from_hex(&signature.sig).ok_or_else(|| content("its signature is not hex"))?;
    let message = wanted.canonical();
    let again = write_file(wanted, &keyid, &sig).map_err(|e| ExactError::Content(e.to_string()))?;
    if again != file {
        return Err(content("it is spelt in another way than the one"));
    }
    Ok(key.verify(&message, &sig)?)
}
