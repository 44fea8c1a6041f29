//! RFC 8785 canonical JSON: the one byte form of every document that is signed or hashed.
//!
//! Reading is as strict as writing: bytes that are not the canonical form of what they parse to
//! are refused. That one rule refuses duplicate keys, stray white space, other number spellings
//! and, with `deny_unknown_fields` on the type, injected members.

mod order;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Why bytes are not a canonical document of the wanted type.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Longer than the reader's bound.
    #[error("{length} bytes, more than the limit of {limit}")]
    TooLong {
        /// Length of the input in bytes.
        length: usize,
        /// The bound in bytes.
        limit: usize,
    },
    /// Not JSON, or not of this shape.
    #[error("not a valid document: {0}")]
    Parse(#[source] serde_json::Error),
    /// Valid JSON in another byte form than RFC 8785 gives it.
    #[error("not in canonical form (RFC 8785): first difference at byte {0}")]
    NotCanonical(usize),
    /// A value that JSON cannot hold.
    #[error("cannot be written as canonical JSON: {0}")]
    Write(#[source] serde_json::Error),
}

/// The canonical bytes of `value`.
///
/// # Errors
/// When the value holds something that JSON cannot (a non-finite number, a non-string key).
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json_canonicalizer::to_vec(value).map_err(Error::Write)
}

/// The canonical bytes of a value that came out of a JSON text, or has no numbers: what [`to_vec`]
/// gives, several times faster. Such a value is finite; a type with `f32` is not for this.
///
/// # Errors
/// When the value holds something that JSON cannot.
pub fn rewrite<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let plain = serde_json::to_vec(value).map_err(Error::Write)?;
    order::sorted(&plain).map_or_else(|| to_vec(value), Ok)
}

/// As [`rewrite`], for the same values, without the members and items that say nothing: `null`, `[]`
/// and `{}`, also when they are that only because of what was left out of them.
///
/// # Errors
/// When the value holds something that JSON cannot.
pub fn rewrite_pruned<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let plain = serde_json::to_vec(value).map_err(Error::Write)?;
    if let Some(pruned) = order::pruned(&plain) {
        return Ok(pruned);
    }
    let mut value = serde_json::to_value(value).map_err(Error::Write)?;
    prune(&mut value);
    to_vec(&value)
}

/// Takes out what says nothing; whether `value` itself says something.
fn prune(value: &mut Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => {
            items.retain_mut(prune);
            !items.is_empty()
        }
        Value::Object(members) => {
            members.retain(|_, member| prune(member));
            !members.is_empty()
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Parses `bytes`, at most `limit` of them, and refuses any but the canonical form.
///
/// # Errors
/// When the bytes are too long, are not a `T`, or are not its canonical form.
pub fn from_slice<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, Error> {
    if bytes.len() > limit {
        return Err(Error::TooLong { length: bytes.len(), limit });
    }
    let value: T = serde_json::from_slice(bytes).map_err(Error::Parse)?;
    let canonical = rewrite(&value)?;
    if canonical == bytes {
        return Ok(value);
    }
    let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(Error::NotCanonical(same))
}
