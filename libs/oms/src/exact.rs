//! Is this file, byte for byte, a signature over the statement that must have been signed?

use envelope::{IN_TOTO_PAYLOAD_TYPE, pae};
use keys::{PublicKey, SignatureInvalid, low_s};

use crate::{Bundle, BundleError, Material, sign::write};

/// Why a file is not the signature that it must be.
#[derive(Debug, thiserror::Error)]
pub enum ExactError {
    /// Not a model signature.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It signs something else.
    #[error("it signs another statement than the one that it must")]
    Statement,
    /// It holds bytes that the one spelling of such a file does not have.
    #[error("it is spelt in another way than the one")]
    Spelling,
    /// The signature is not this key's over the statement.
    #[error(transparent)]
    Signature(#[from] SignatureInvalid),
}

/// Checks that `file` is what [`crate::sign`] writes for `statement` and the bare key `key`. The
/// signature is the one part that cannot be made again; of its two forms only the one with the
/// lower `s` is taken.
///
/// # Errors
/// When a byte differs, or the signature does not verify.
pub fn verify_exact(file: &[u8], statement: &[u8], key: &PublicKey) -> Result<(), ExactError> {
    let bundle = Bundle::parse(file)?;
    if bundle.payload() != statement {
        return Err(ExactError::Statement);
    }
    let signature = bundle.signature();
    let same = low_s(signature).as_deref() == Some(signature)
        && write(statement.to_vec(), key, signature.to_vec(), Material::PublicKey)
            .is_ok_and(|again| again == file);
    if !same {
        return Err(ExactError::Spelling);
    }
    Ok(key.verify(&pae(IN_TOTO_PAYLOAD_TYPE, statement), signature)?)
}
