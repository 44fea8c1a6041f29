//! An AIBoM as a reader finds it: bounded, and of a version that is known.

use serde_json::Value;

/// The longest AIBoM that is read, in bytes.
pub const MAX_AIBOM_BYTES: usize = 64 * 1024 * 1024;

/// Why bytes are no AIBoM.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Longer than [`MAX_AIBOM_BYTES`].
    #[error("{0} bytes, more than the limit of {MAX_AIBOM_BYTES}")]
    TooLong(usize),
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// Another format or version.
    #[error("not a CycloneDX 1.6 or 1.7 document")]
    NotCycloneDx,
}

/// A CycloneDX document; nothing is known of it but its version.
#[derive(Debug, Clone, PartialEq)]
pub struct Aibom {
    value: Value,
}

impl Aibom {
    /// Reads an AIBoM.
    ///
    /// # Errors
    /// When the bytes are too long, are not JSON, or not CycloneDX 1.6 or 1.7.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadError> {
        if bytes.len() > MAX_AIBOM_BYTES {
            return Err(ReadError::TooLong(bytes.len()));
        }
        let value: Value = serde_json::from_slice(bytes).map_err(ReadError::Json)?;
        let known = value.get("bomFormat").and_then(Value::as_str) == Some("CycloneDX")
            && matches!(value.get("specVersion").and_then(Value::as_str), Some("1.6" | "1.7"));
        if known { Ok(Self { value }) } else { Err(ReadError::NotCycloneDx) }
    }

    /// The whole document.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The text at a JSON pointer; empty when there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        text(&self.value, pointer)
    }

    /// The list at a JSON pointer; empty when there is none.
    #[must_use]
    pub fn list(&self, pointer: &str) -> &[Value] {
        list(&self.value, pointer)
    }

    /// The component of that `bom-ref`, at the top level or nested in one there.
    #[must_use]
    pub fn component(&self, reference: &str) -> Option<&Value> {
        let top = self.list("/components").iter();
        let mut all = top.flat_map(|c| std::iter::once(c).chain(list(c, "/components")));
        all.find(|c| text(c, "/bom-ref") == reference)
    }
}

/// The text at a JSON pointer below `value`; empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer below `value`; empty when there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The value of the property `name` of `of`.
pub(crate) fn property<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    let found = list(of, "/properties").iter().find(|p| text(p, "/name") == name)?;
    found.get("value")?.as_str()
}
