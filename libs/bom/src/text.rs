//! Small conversions to the texts that CycloneDX wants.

use envelope::ResourceDescriptor;
use ids::canonical;
use serde_json::Value;

use crate::cyclonedx::{Hash, Property, property};

/// The longest version that the schema takes, in characters.
const MAX_VERSION_CHARS: usize = 1024;

/// A number as RFC 8785 writes it.
pub(crate) fn number(value: f64) -> String {
    canonical::to_vec(&value)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| "not a finite number".to_owned())
}

/// Text and type of a JSON value; strings as they are, the rest in canonical JSON.
pub(crate) fn json(value: &Value) -> (String, &'static str) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(text) => return (text.clone(), "string"),
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let bytes = canonical::to_vec(value).unwrap_or_default();
    (String::from_utf8_lossy(&bytes).into_owned(), kind)
}

/// A list of texts as canonical JSON, for properties.
pub(crate) fn list(texts: &[String]) -> String {
    let bytes = canonical::to_vec(&texts).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A version that the schema takes; a longer one is cut (its full text is in the evidence).
pub(crate) fn version(text: &str) -> String {
    // Bytes are never fewer than characters.
    if text.len() <= MAX_VERSION_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_VERSION_CHARS).collect()
}

/// `text` when it is plainly a web address (a part of RFC 3986 that every reader agrees on).
pub(crate) fn web_url(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let host_ok = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    let port_ok = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    let path_ok =
        path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/?#!$&'()*+,;=:@".contains(&b))
            && path.matches('#').count() <= 1;
    (host_ok && port_ok && path_ok).then_some(text)
}

/// `text` when it is plainly a mail address (a part of RFC 5321 that every reader agrees on).
pub(crate) fn mail(text: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+');
    let dotted = |part: &str, most: usize| {
        part.len() <= most && part.split('.').all(|p| !p.is_empty() && p.bytes().all(plain))
    };
    let (local, domain) = text.split_once('@')?;
    let labels = domain.split('.').all(|label| {
        label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.contains(['_', '+'])
    });
    (dotted(local, 64) && dotted(domain, 253) && labels).then_some(text)
}

/// `text` when it is a media type that the schema takes.
pub(crate) fn media_type(text: &str) -> Option<&str> {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'+' | b'.'))
    };
    let (kind, subtype) = text.split_once('/')?;
    (part(kind) && part(subtype)).then_some(text)
}

/// Percent-encodes everything that a purl wants encoded.
pub(crate) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The digests of a descriptor that are well-formed.
pub(crate) fn hashes(descriptor: &ResourceDescriptor) -> Vec<Hash> {
    let sha256 = descriptor.sha256_digest().map(sha256);
    let sha512 =
        descriptor.sha512_digest().map(|digest| Hash { alg: "SHA-512", content: digest.to_hex() });
    sha256.into_iter().chain(sha512).collect()
}

/// A digest of the form `<algorithm>:<hex>`, where CycloneDX knows the algorithm.
pub(crate) fn digest(text: &str) -> Option<Hash> {
    let (algorithm, hex) = text.split_once(':')?;
    let (alg, length) = match algorithm {
        "md5" => ("MD5", 32),
        "sha1" => ("SHA-1", 40),
        "sha256" => ("SHA-256", 64),
        "sha384" => ("SHA-384", 96),
        "sha512" => ("SHA-512", 128),
        _ => return None,
    };
    let good = hex.len() == length && hex.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| Hash { alg, content: hex.to_ascii_lowercase() })
}

/// A SHA-256 hash.
pub(crate) fn sha256(digest: ids::Sha256Digest) -> Hash {
    Hash { alg: "SHA-256", content: digest.to_hex() }
}

/// Both hashes of a file.
pub(crate) fn both(digests: &ids::Digests) -> Vec<Hash> {
    vec![sha256(digests.sha256), Hash { alg: "SHA-512", content: digests.sha512.to_hex() }]
}

/// Facts of a descriptor that no member of a component takes.
pub(crate) fn descriptor_properties(descriptor: &ResourceDescriptor) -> Vec<Property> {
    let uri = descriptor.uri.iter().map(|uri| property("descriptor:uri", uri));
    let media = descriptor.media_type.iter().map(|text| property("descriptor:mediaType", text));
    let rest = descriptor
        .annotations
        .iter()
        .map(|(name, value)| property(&format!("descriptor:annotation:{name}"), value));
    let digests = descriptor
        .digest
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "sha256" | "sha512"))
        .map(|(name, value)| property(&format!("descriptor:digest:{name}"), value));
    uri.chain(media).chain(rest).chain(digests).collect()
}

#[cfg(test)]
mod tests;
