//! Percent-encoding in PKCS#11 URIs (RFC 7512 section 2.3, RFC 3986 section 2.1).

use std::fmt::Write as _;

use super::UriError;

/// What a path attribute's value may hold unescaped, beside the unreserved characters.
pub(super) const PATH: &[u8] = b":[]@!$'()*+,=&";
/// What a query attribute's value may hold unescaped, beside the unreserved characters.
pub(super) const QUERY: &[u8] = b":[]@!$'()*+,=/?|";

fn is_plain(byte: u8, allowed: &[u8]) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || allowed.contains(&byte)
}

/// The bytes that a value stands for; never none.
pub(super) fn decode(name: &'static str, value: &str, allowed: &[u8]) -> Result<Vec<u8>, UriError> {
    let mut bytes = value.bytes();
    let mut decoded = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte.unwrap_or(b'?')).to_digit(16);
            let pair = digit(bytes.next()).zip(digit(bytes.next()));
            let byte = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            let reason = "a '%' is followed by two hexadecimal digits";
            decoded.push(byte.ok_or(UriError::Value { name, reason })?);
        } else if is_plain(byte, allowed) {
            decoded.push(byte);
        } else {
            let reason = "it holds a character that must be percent-encoded";
            return Err(UriError::Value { name, reason });
        }
    }
    if decoded.is_empty() {
        return Err(UriError::Value { name, reason: "it is empty" });
    }
    Ok(decoded)
}

/// The text that a value stands for: UTF-8 that can be shown in one line.
pub(super) fn decode_text(
    name: &'static str,
    value: &str,
    allowed: &[u8],
) -> Result<String, UriError> {
    let text = String::from_utf8(decode(name, value, allowed)?)
        .map_err(|_| UriError::Value { name, reason: "it is not UTF-8" })?;
    if text.chars().any(char::is_control) {
        return Err(UriError::Value { name, reason: "it holds control characters" });
    }
    Ok(text)
}

/// A value for `bytes` that [`decode`] reads back.
pub(super) fn encode(bytes: &[u8], allowed: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        // '&' is for readers of path attributes allowed, and for shells a trap.
        if is_plain(byte, allowed) && !b"&'|*$!()[]?".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&escape(byte));
        }
    }
    text
}

/// As [`encode`], every byte escaped: the form for binary ids.
pub(super) fn encode_all(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| escape(byte)).collect()
}

fn escape(byte: u8) -> String {
    let mut text = String::with_capacity(3);
    // Writing to a String does not fail.
    let _ = write!(text, "%{byte:02X}");
    text
}
