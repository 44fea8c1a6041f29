//! One signature by a key in a token, checked before anybody sees it.

use cryptoki::{
    mechanism::{
        Mechanism,
        eddsa::{EddsaParams, EddsaSignatureScheme},
    },
    session::Session,
};
use ids::Sha256Digest;
use keys::Algorithm;

use crate::{
    module::{CallError, CallKind},
    objects::Found,
};

/// Why there is no signature.
#[derive(Debug)]
pub(crate) enum SignFailure {
    /// The token may be gone: open it anew.
    Lost(String),
    /// The token says no, or signs wrongly.
    Refused(String),
}

impl From<CallError> for SignFailure {
    fn from(error: CallError) -> Self {
        match error.kind {
            CallKind::Lost => Self::Lost(error.to_string()),
            CallKind::Pin | CallKind::Refused => Self::Refused(error.to_string()),
        }
    }
}

/// Signs: Ed25519 over the message itself, P-256 over its SHA-256 digest, in DER.
pub(crate) fn sign(session: &Session, key: &Found, message: &[u8]) -> Result<Vec<u8>, SignFailure> {
    let wrong = || {
        let reason = "the token made a signature that does not verify; it was thrown away";
        tracing::error!(key_id = %key.public.key_id(), reason);
        SignFailure::Refused(reason.to_owned())
    };
    let signature = match key.public.algorithm() {
        Algorithm::Ed25519 => {
            let scheme = EddsaParams::new(EddsaSignatureScheme::Ed25519);
            session.sign(&Mechanism::Eddsa(scheme), key.private, message)
        }
        Algorithm::EcdsaP256Sha256 => {
            let digest = Sha256Digest::of(message);
            session.sign(&Mechanism::Ecdsa, key.private, digest.as_bytes())
        }
    }
    .map_err(CallError::from)?;
    let signature = match key.public.algorithm() {
        Algorithm::Ed25519 => signature,
        // A token answers r and s, 32 bytes each.
        Algorithm::EcdsaP256Sha256 => p256::ecdsa::Signature::from_slice(&signature)
            .map_err(|_| wrong())?
            .to_der()
            .as_bytes()
            .to_vec(),
    };
    key.public.verify(message, &signature).map_err(|_| wrong())?;
    Ok(signature)
}
