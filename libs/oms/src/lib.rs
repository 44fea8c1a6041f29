//! OpenSSF Model Signing v1.0: the statement over a directory of files, made and checked.
//!
//! A `model.sig` is a Sigstore bundle v0.3 around a DSSE envelope around an in-toto statement that
//! lists every file of the model with its SHA-256. Pure: files are hashed elsewhere.

mod bundle;
mod compare;
mod exact;
mod manifest;
mod sign;
mod wire;

use ids::{Sha256Digest, canonical};

pub use bundle::{Bundle, BundleError, SignedManifest, Signer, VerifyError};
pub use compare::{Differences, compare};
pub use exact::{ExactError, verify_exact};
pub use manifest::{
    MAX_NAME_BYTES, MAX_RESOURCES, Manifest, ManifestError, PREDICATE_TYPE, Serialization,
};
pub use sign::{Material, SignError, sign};

/// The name of the signature file beside a model.
pub const MODEL_SIGNATURE_FILE: &str = "model.sig";

/// The longest signature file that is read, in bytes; enough for a hundred thousand files.
pub const MAX_BUNDLE_BYTES: usize = 32 * 1024 * 1024;

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
    Manifest::of_files(model, resources.to_vec()).to_statement()
}

#[cfg(test)]
mod tests;
