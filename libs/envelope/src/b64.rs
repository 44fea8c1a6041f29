//! Bytes as standard base64 (RFC 4648 section 4, padded, strict) in serde documents.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

/// Writes bytes as base64.
///
/// # Errors
/// When the serializer fails.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// Reads base64; other alphabets, missing padding and stray bits are refused.
///
/// # Errors
/// When the text is not standard base64.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(D::Error::custom)
}

/// A list of byte strings, each as base64.
pub mod list {
    use super::{D64, S64};
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes each as base64.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| S64(bytes)))
    }

    /// Reads a list of base64 texts.
    ///
    /// # Errors
    /// When a text is not standard base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Ok(Vec::<D64>::deserialize(d)?.into_iter().map(|item| item.0).collect())
    }
}

struct S64<'a>(&'a [u8]);

impl serde::Serialize for S64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, serializer)
    }
}

struct D64(Vec<u8>);

impl<'de> serde::Deserialize<'de> for D64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(D64)
    }
}
