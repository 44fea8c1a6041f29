//! Signing a model's statement.

use envelope::{BUNDLE_MEDIA_TYPE, IN_TOTO_PAYLOAD_TYPE, pae};
use ids::canonical;
use keys::{
    Algorithm, CodeSigner, CodeSigningError, KeyId, MAX_CODE_SIGNING_CHAIN, PublicKey,
    SignatureInvalid, SigningKey, low_s,
};

use crate::{
    bundle::hint_of,
    wire::WireSignature,
    wire::{WireBundle, WireCertificate, WireChain, WireEnvelope, WireKey, WireMaterial},
};

/// What a signature carries for its verifiers.
#[derive(Debug, Clone, Copy)]
pub enum Material<'a> {
    /// The digest of the public key: verifiers have the key.
    PublicKey,
    /// Certificates in DER, the signer's first: verifiers have a root.
    Certificates(&'a [Vec<u8>]),
}

/// Why a model could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key is not for model signatures.
    #[error("model signatures are ECDSA over P-256, the key {0} is another kind")]
    Algorithm(KeyId),
    /// The signer's certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CodeSigningError),
    /// The certificate is for another key.
    #[error("the certificate of {subject} is not for the key {key_id}")]
    OtherKey {
        /// Whose certificate.
        subject: String,
        /// The key that was to sign.
        key_id: KeyId,
    },
    /// The key could not sign.
    #[error(transparent)]
    Sign(#[from] keys::SignError),
    /// The key's own signature does not verify: a fault in the backend, caught before release.
    #[error("the signature just made does not verify: {0}")]
    SelfCheck(#[from] SignatureInvalid),
    /// The bundle cannot be written.
    #[error(transparent)]
    Write(#[from] canonical::Error),
}

/// Signs a statement that [`crate::statement`] or [`crate::Manifest::to_statement`] made, checks
/// the signature, and gives the bundle: the bytes of a `model.sig`.
///
/// # Errors
/// When the key or the certificate cannot be used, or the key signs wrongly.
pub fn sign(
    statement: Vec<u8>,
    key: &dyn SigningKey,
    material: Material<'_>,
) -> Result<Vec<u8>, SignError> {
    let public = key.public_key();
    if public.algorithm() != Algorithm::EcdsaP256Sha256 {
        return Err(SignError::Algorithm(public.key_id()));
    }
    let message = pae(IN_TOTO_PAYLOAD_TYPE, &statement);
    let sig = key.sign(&message)?;
    // One of the two forms of an ECDSA signature, so that a file cannot be respelt.
    let sig = low_s(&sig).ok_or_else(|| SignatureInvalid(public.key_id()))?;
    public.verify(&message, &sig)?;
    write(statement, public, sig, material)
}

/// The one spelling of a file.
pub(crate) fn write(
    statement: Vec<u8>,
    public: &PublicKey,
    sig: Vec<u8>,
    material: Material<'_>,
) -> Result<Vec<u8>, SignError> {
    let mut verification_material = WireMaterial::default();
    match material {
        Material::PublicKey => {
            verification_material.public_key = Some(WireKey::hint(hint_of(&public.to_pem())));
        }
        Material::Certificates(chain) => {
            verification_material.x509_certificate_chain = Some(certificates(chain, public)?);
        }
    }
    Ok(canonical::rewrite(&WireBundle {
        media_type: BUNDLE_MEDIA_TYPE.to_owned(),
        verification_material,
        dsse_envelope: WireEnvelope {
            payload: statement,
            payload_type: IN_TOTO_PAYLOAD_TYPE.to_owned(),
            signatures: vec![WireSignature { sig, keyid: String::new() }],
        },
    })?)
}

/// The chain, when its first certificate is for this key.
fn certificates(chain: &[Vec<u8>], key: &PublicKey) -> Result<WireChain, SignError> {
    let (got, limit) = (chain.len(), MAX_CODE_SIGNING_CHAIN);
    let leaf = chain.first().filter(|_| got <= limit);
    let leaf = leaf.ok_or(CodeSigningError::Count { got, limit })?;
    let signer = CodeSigner::parse(leaf)?;
    if signer.public_key() != key {
        return Err(SignError::OtherKey {
            subject: signer.subject().to_owned(),
            key_id: key.key_id(),
        });
    }
    let certificates = chain.iter().map(|der| WireCertificate { raw_bytes: der.clone() }).collect();
    Ok(WireChain { certificates })
}
