//! Tags: how an owner finds the own entries in a log that tells nobody else whose they are.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit as _, Mac as _};
use ids::Sha256Digest;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The length of a tag, in bytes.
pub const TAG_BYTES: usize = 16;
/// Keeps these tags apart from anything else that the key may serve for.
const LABEL: &[u8] = b"aibom.ledger-tag.v1";

/// `HMAC-SHA256(monitor key, "aibom.ledger-tag.v1" ‖ commitment)`, the first 16 bytes.
///
/// Without the key, tags of one owner look like any others. Whoever is given the key can tell all
/// of the owner's entries, and nothing that is in them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag([u8; TAG_BYTES]);

/// A text that is not 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tag is 32 lower-case hex digits")]
pub struct TagError;

impl Tag {
    /// The tag of a commitment under an owner's monitor key.
    #[must_use]
    pub fn of(monitor_key: &[u8; 32], commitment: &Sha256Digest) -> Self {
        // HMAC pads shorter keys with zeroes to its block of 64 bytes (RFC 2104, section 2).
        let mut block = [0; 64];
        block.iter_mut().zip(monitor_key).for_each(|(to, from)| *to = *from);
        let mac = Hmac::<Sha256>::new(&block.into())
            .chain_update(LABEL)
            .chain_update(commitment.as_bytes())
            .finalize()
            .into_bytes();
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        Self(tag)
    }

    /// A tag by its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; TAG_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; TAG_BYTES] {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let mut tag = [0; TAG_BYTES];
        hex::decode_to_slice(text, &mut tag).map_err(|_| TagError)?;
        let tag = Self(tag);
        if tag.to_string() == text { Ok(tag) } else { Err(TagError) }
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;

    fn try_from(text: String) -> Result<Self, TagError> {
        text.parse()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.to_string()
    }
}

#[cfg(test)]
mod tests {
    //! Spelling, and that a tag depends on key and commitment.
    use super::*;

    #[test]
    fn a_tag_has_one_spelling() {
        let tag = Tag::of(&[7; 32], &Sha256Digest::of(b"x"));
        assert_eq!(tag.to_string().parse(), Ok(tag));
        for bad in ["", "00", &tag.to_string().to_uppercase(), &format!("{tag}0")] {
            assert_eq!(bad.parse::<Tag>(), Err(TagError), "{bad:?}");
        }
    }

    #[test]
    fn another_key_or_commitment_gives_another_tag() {
        let of = |key: u8, what: &[u8]| Tag::of(&[key; 32], &Sha256Digest::of(what));
        assert_eq!(of(1, b"x"), of(1, b"x"));
        assert_ne!(of(1, b"x"), of(2, b"x"));
        assert_ne!(of(1, b"x"), of(1, b"y"));
    }

    /// RFC 4231, test case 2, shows that this is HMAC-SHA256: key "Jefe" would be too short here,
    /// so the tag is held against the primitive with the label in place.
    #[test]
    fn it_is_hmac_sha256_over_label_and_commitment() {
        let commitment = Sha256Digest::of(b"x");
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(&[LABEL, commitment.as_bytes()].concat());
        let expected = mac.finalize().into_bytes();
        assert_eq!(Tag::of(&[7; 32], &commitment).as_bytes()[..], expected[..TAG_BYTES]);
    }
}
