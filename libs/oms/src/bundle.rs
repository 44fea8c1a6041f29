//! A model signature read and verified; what it lists is given out only after that.

use envelope::{BUNDLE_MEDIA_TYPE, IN_TOTO_PAYLOAD_TYPE, pae};
use ids::{Sha256Digest, Timestamp};
use keys::{
    Algorithm, CodeSigner, CodeSigningError, KeyId, MAX_CODE_SIGNING_CHAIN, PublicKey,
    SignatureInvalid, verify_code_signing_chain,
};

use crate::{
    MAX_BUNDLE_BYTES, Manifest, ManifestError,
    wire::{WireBundle, WireKey, WireMaterial, WireSignature},
};

/// Why bytes are not a model signature.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Longer than the bound.
    #[error("{0} bytes, a model signature has at most {MAX_BUNDLE_BYTES}")]
    TooLong(usize),
    /// Not a bundle of this shape.
    #[error("not a Sigstore bundle of a model signature: {0}")]
    Parse(#[source] serde_json::Error),
    /// Another media type.
    #[error("the media type is {0:?}, expected {BUNDLE_MEDIA_TYPE}")]
    MediaType(String),
    /// Another payload type.
    #[error("the payload type is {0:?}, expected {IN_TOTO_PAYLOAD_TYPE}")]
    PayloadType(String),
    /// Not exactly one signature.
    #[error("{0} signatures, exactly one is taken")]
    SignatureCount(usize),
    /// No key and no certificates, or both.
    #[error("the bundle must hold either a public key's hint or certificates")]
    Material,
    /// No certificate, or more than the bound.
    #[error("{0} certificates, expected 1 to {MAX_CODE_SIGNING_CHAIN}")]
    ChainLength(usize),
    /// Signed without a key of one's own.
    #[error(
        "the bundle has entries of a transparency log: keyless signatures are not checked here; \
         use 'model_signing verify sigstore'"
    )]
    Keyless,
}

/// Why a model signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It was made with a certificate.
    #[error("the model is signed with a certificate, not with a bare key: name the roots to trust")]
    NotByKey,
    /// It was made with a bare key.
    #[error("the model is signed with a bare key, not with a certificate: name the public key")]
    NotByCertificate,
    /// It names another key.
    #[error("the model is signed with another key than {0}")]
    OtherKey(KeyId),
    /// The key is not for model signatures.
    #[error("model signatures are ECDSA over P-256, the key {0} is another kind")]
    Algorithm(KeyId),
    /// The signature is not this key's over these bytes.
    #[error(transparent)]
    Signature(#[from] SignatureInvalid),
    /// The certificates do not vouch for the key.
    #[error(transparent)]
    Chain(#[from] CodeSigningError),
    /// It is signed, and not a manifest.
    #[error("the signature holds, but what it signs is refused: {0}")]
    Manifest(#[from] ManifestError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Key { hint: Option<String>, key: Option<Vec<u8>> },
    Chain(Vec<Vec<u8>>),
}

/// A model signature, parsed; nothing in it is trusted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    payload: Vec<u8>,
    signature: Vec<u8>,
    material: Material,
}

/// Who signed a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// Whoever has this key.
    Key(KeyId),
    /// Whom a trusted certificate names.
    Certificate(Box<CodeSigner>),
}

/// A manifest whose signature was checked: only [`Bundle::verify_key`] and
/// [`Bundle::verify_chain`] make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedManifest {
    manifest: Manifest,
    signer: Signer,
}

impl SignedManifest {
    /// What was signed.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Who signed it.
    #[must_use]
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }
}

impl Bundle {
    /// Reads a model signature of at most [`MAX_BUNDLE_BYTES`]; nothing is verified yet.
    ///
    /// # Errors
    /// When it is not a bundle with one signature and one kind of material, or has members that
    /// such a bundle does not have.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLong(bytes.len()));
        }
        let wire: WireBundle = serde_json::from_slice(bytes).map_err(BundleError::Parse)?;
        let short = |text: &str| text.chars().take(128).collect();
        if wire.media_type != BUNDLE_MEDIA_TYPE {
            return Err(BundleError::MediaType(short(&wire.media_type)));
        }
        let envelope = wire.dsse_envelope;
        if envelope.payload_type != IN_TOTO_PAYLOAD_TYPE {
            return Err(BundleError::PayloadType(short(&envelope.payload_type)));
        }
        let count = envelope.signatures.len();
        let [WireSignature { sig, .. }]: [WireSignature; 1] =
            envelope.signatures.try_into().map_err(|_| BundleError::SignatureCount(count))?;
        let material = Material::read(wire.verification_material)?;
        Ok(Self { payload: envelope.payload, signature: sig, material })
    }

    /// The exact bytes that are signed, before any check; for comparing, never for deciding.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature, before any check.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Checks the signature with `key`, and only then gives what it signs.
    ///
    /// # Errors
    /// When the bundle names another key, the signature does not hold, or the payload is no
    /// manifest.
    pub fn verify_key(&self, key: &PublicKey) -> Result<SignedManifest, VerifyError> {
        let Material::Key { hint, key: named } = &self.material else {
            return Err(VerifyError::NotByKey);
        };
        let pem = key.to_pem();
        let other_hint = hint.as_ref().is_some_and(|hint| *hint != hint_of(&pem));
        let other_key = named.as_ref().is_some_and(|named| {
            named != key.spki_der()
                && std::str::from_utf8(named).ok().and_then(|text| PublicKey::from_pem(text).ok())
                    != Some(key.clone())
        });
        if other_hint || other_key {
            return Err(VerifyError::OtherKey(key.key_id()));
        }
        self.check(key, Signer::Key(key.key_id()))
    }

    /// Checks the certificates against `roots` (DER) at the instant `at`, the signature with the
    /// certified key, and only then gives what it signs.
    ///
    /// # Errors
    /// When the chain does not hold then, the signature does not hold, or the payload is no
    /// manifest.
    pub fn verify_chain(
        &self,
        roots: &[Vec<u8>],
        at: Timestamp,
    ) -> Result<SignedManifest, VerifyError> {
        let Material::Chain(chain) = &self.material else {
            return Err(VerifyError::NotByCertificate);
        };
        let signer = verify_code_signing_chain(chain, roots, at)?;
        let key = signer.public_key().clone();
        self.check(&key, Signer::Certificate(Box::new(signer)))
    }

    fn check(&self, key: &PublicKey, signer: Signer) -> Result<SignedManifest, VerifyError> {
        if key.algorithm() != Algorithm::EcdsaP256Sha256 {
            return Err(VerifyError::Algorithm(key.key_id()));
        }
        key.verify(&pae(IN_TOTO_PAYLOAD_TYPE, &self.payload), &self.signature)?;
        Ok(SignedManifest { manifest: Manifest::from_statement(&self.payload)?, signer })
    }
}

/// How a bundle names a key: SHA-256 of its PEM text, in hex.
pub(crate) fn hint_of(pem: &str) -> String {
    Sha256Digest::of(pem.as_bytes()).to_hex()
}

impl Material {
    fn read(wire: WireMaterial) -> Result<Self, BundleError> {
        if !wire.tlog_entries.is_empty() {
            return Err(BundleError::Keyless);
        }
        let chain = match (wire.public_key, wire.x509_certificate_chain, wire.certificate) {
            (Some(WireKey { hint, raw_bytes, .. }), None, None) => {
                // Protobuf does not tell an empty text from none.
                let hint = hint.filter(|hint| !hint.is_empty());
                return Ok(Self::Key { hint, key: raw_bytes.map(|bytes| bytes.0) });
            }
            (None, Some(chain), None) => chain.certificates,
            (None, None, Some(certificate)) => vec![certificate],
            _ => return Err(BundleError::Material),
        };
        if chain.is_empty() || chain.len() > MAX_CODE_SIGNING_CHAIN {
            return Err(BundleError::ChainLength(chain.len()));
        }
        Ok(Self::Chain(chain.into_iter().map(|certificate| certificate.raw_bytes).collect()))
    }
}
