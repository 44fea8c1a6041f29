//! Public keys and signature checks: Ed25519 (strict) and ECDSA P-256.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use ids::{ParseDigestError, Sha256Digest};
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding};
use serde::{Deserialize, Serialize};

/// The name of a key: SHA-256 of its SubjectPublicKeyInfo in DER (RFC 5280 section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(Sha256Digest);

impl KeyId {
    /// The key id of a key given as SPKI DER.
    #[must_use]
    pub fn of_spki(spki: &[u8]) -> Self {
        Self(Sha256Digest::of(spki))
    }

    /// The digest's 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for KeyId {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032).
    #[serde(rename = "ed25519")]
    Ed25519,
    /// ECDSA over P-256 with SHA-256, signatures in DER (FIPS 186-5).
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
}

/// Bytes that are not a public key we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 or P-256 public key (SubjectPublicKeyInfo)")]
pub struct PublicKeyError;

/// The signature is not this key's over these bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify with key {0}")]
pub struct SignatureInvalid(pub KeyId);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

/// A public key with its id.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: Kind,
    spki: Vec<u8>,
    key_id: KeyId,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// When the bytes are not an Ed25519 or P-256 key.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, PublicKeyError> {
        let kind = if let Ok(key) = ed25519_dalek::VerifyingKey::from_public_key_der(spki) {
            Kind::Ed25519(key)
        } else {
            Kind::P256(
                p256::ecdsa::VerifyingKey::from_public_key_der(spki).map_err(|_| PublicKeyError)?,
            )
        };
        let key = Self::from_kind(kind)?;
        if key.spki == spki { Ok(key) } else { Err(PublicKeyError) }
    }

    /// Reads a `PUBLIC KEY` PEM block.
    ///
    /// # Errors
    /// When the text is not the PEM form of an Ed25519 or P-256 key.
    pub fn from_pem(pem: &str) -> Result<Self, PublicKeyError> {
        if let Ok(key) = ed25519_dalek::VerifyingKey::from_public_key_pem(pem) {
            return Self::from_kind(Kind::Ed25519(key));
        }
        let key =
            p256::ecdsa::VerifyingKey::from_public_key_pem(pem).map_err(|_| PublicKeyError)?;
        Self::from_kind(Kind::P256(key))
    }

    pub(crate) fn from_ed25519(key: ed25519_dalek::VerifyingKey) -> Result<Self, PublicKeyError> {
        Self::from_kind(Kind::Ed25519(key))
    }

    pub(crate) fn from_p256(key: p256::ecdsa::VerifyingKey) -> Result<Self, PublicKeyError> {
        Self::from_kind(Kind::P256(key))
    }

    fn from_kind(kind: Kind) -> Result<Self, PublicKeyError> {
        let document = match &kind {
            Kind::Ed25519(key) => key.to_public_key_der(),
            Kind::P256(key) => key.to_public_key_der(),
        }
        .map_err(|_| PublicKeyError)?;
        let spki = document.into_vec();
        let key_id = KeyId::of_spki(&spki);
        Ok(Self { kind, spki, key_id })
    }

    /// The key's id.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// What the key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.kind {
            Kind::Ed25519(_) => Algorithm::Ed25519,
            Kind::P256(_) => Algorithm::EcdsaP256Sha256,
        }
    }

    /// The SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The 32 bytes of an Ed25519 key; `None` for other algorithms.
    #[must_use]
    pub fn ed25519_bytes(&self) -> Option<[u8; 32]> {
        match &self.kind {
            Kind::Ed25519(key) => Some(key.to_bytes()),
            Kind::P256(_) => None,
        }
    }

    /// The `PUBLIC KEY` PEM block.
    #[must_use]
    pub fn to_pem(&self) -> String {
        match &self.kind {
            Kind::Ed25519(key) => key.to_public_key_pem(LineEnding::LF),
            Kind::P256(key) => key.to_public_key_pem(LineEnding::LF),
        }
        .unwrap_or_default()
    }

    /// Checks a signature over `message`; Ed25519 strictly (no small-order keys, no malleability).
    ///
    /// # Errors
    /// When the signature is not this key's over these bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureInvalid> {
        let invalid = || SignatureInvalid(self.key_id);
        match &self.kind {
            Kind::Ed25519(key) => {
                let signature =
                    ed25519_dalek::Signature::from_slice(signature).map_err(|_| invalid())?;
                key.verify_strict(message, &signature).map_err(|_| invalid())
            }
            Kind::P256(key) => {
                // aws-lc is the TLS provider anyway, and checks P-256 several times faster.
                let point = key.to_sec1_point(false);
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.as_bytes())
                    .verify(message, signature)
                    .map_err(|_| invalid())
            }
        }
    }
}

/// The form of an ECDSA P-256 signature (DER) with the lower `s`: of each signature there are two
/// that hold. `None` when the bytes are no signature.
#[must_use]
pub fn low_s(signature: &[u8]) -> Option<Vec<u8>> {
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    Some(signature.normalize_s().to_der().as_bytes().to_vec())
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?} {})", self.algorithm(), self.key_id)
    }
}
