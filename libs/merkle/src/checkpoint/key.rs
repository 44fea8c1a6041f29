//! Verifier keys: `<name>+<hex key id>+<base64 of signature type || public key>` (C2SP signed-note,
//! "Verifier keys").

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::{MAX_NAME_BYTES, is_key_name};

/// Plain Ed25519 over the note's text (signed-note, "Signature types").
pub const ED25519: u8 = 0x01;
/// A witness' timestamped Ed25519 cosignature (tlog-cosignature, "Format").
pub const COSIGNATURE_V1: u8 = 0x04;

/// Why a text is not an Ed25519 verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not three parts joined by `+`.
    #[error("a verifier key is <name>+<key id>+<base64>")]
    Form,
    /// The name is empty, too long, or has spaces, `+` or control characters.
    #[error("a key name is 1 to {MAX_NAME_BYTES} bytes without spaces, '+' or control characters")]
    Name,
    /// The id is not the one that name and key give.
    #[error("the key id is not {expected}, the one of this name and key")]
    Id {
        /// Eight lower-case hex digits.
        expected: String,
    },
    /// Not the signature type and a valid Ed25519 public key that is not of low order.
    #[error("not an Ed25519 public key for this kind of signature")]
    PublicKey,
}

/// A named Ed25519 public key for one type of signature, so that a witness' key never passes for a
/// log's, nor the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey<const TYPE: u8> {
    name: String,
    key: VerifyingKey,
}

/// The key that a log's checkpoints are checked with.
pub type VerifierKey = NoteKey<ED25519>;
/// The key that a witness' cosignatures are checked with.
pub type CosignerKey = NoteKey<COSIGNATURE_V1>;

impl<const TYPE: u8> NoteKey<TYPE> {
    /// Names a public key.
    ///
    /// # Errors
    /// When the name is not a legal one, or the key is of low order (anybody can sign for it).
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        if key.is_weak() {
            return Err(KeyError::PublicKey);
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// The name that stands in signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The key id: `SHA-256(name || 0x0A || type || public key)[..4]`.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.hash();
        [a, b, c, d]
    }

    /// What the key id is the start of: how Sigstore names a log.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', TYPE])
            .chain_update(self.key.as_bytes())
            .finalize()
            .into()
    }
}

impl<const TYPE: u8> FromStr for NoteKey<TYPE> {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let bytes = STANDARD.decode(key).map_err(|_| KeyError::PublicKey)?;
        let Some((kind, public)) = bytes.split_first() else {
            return Err(KeyError::PublicKey);
        };
        if *kind != TYPE {
            return Err(KeyError::PublicKey);
        }
        let public = public.try_into().map_err(|_| KeyError::PublicKey)?;
        let public = VerifyingKey::from_bytes(&public).map_err(|_| KeyError::PublicKey)?;
        let verifier = Self::new(name, public)?;
        let expected = hex(verifier.id());
        if id == expected { Ok(verifier) } else { Err(KeyError::Id { expected }) }
    }
}

impl<const TYPE: u8> fmt::Display for NoteKey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[TYPE][..], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.id()), STANDARD.encode(key))
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
