//! Small conversions to the texts that CycloneDX wants.

use envelope::ResourceDescriptor;
use ids::canonical;
use serde_json::Value;

use crate::cyclonedx::{Hash, Property, property};

/// The longest version that the schema takes, in characters.
const MAX_VERSION_CHARS: usize = 1024;
/// The longest purl that is taken from a submitter, in bytes.
const MAX_PURL_BYTES: usize = 512;

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
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
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

/// Whether `text` is a purl (purl-spec, PURL-SPECIFICATION) of a type that names models and data. The
/// submitter says it: one of another type would be taken for a package of the image by scanners.
pub(crate) fn is_data_purl(text: &str) -> bool {
    const TYPES: [&str; 6] = ["doi", "generic", "github", "huggingface", "mlflow", "oci"];
    let Some(rest) = text.strip_prefix("pkg:").filter(|_| text.len() <= MAX_PURL_BYTES) else {
        return false;
    };
    let (rest, subpath) = rest.split_once('#').map_or((rest, None), |(a, b)| (a, Some(b)));
    let (rest, qualifiers) = rest.split_once('?').map_or((rest, None), |(a, b)| (a, Some(b)));
    let Some((kind, rest)) = rest.split_once('/') else { return false };
    let (path, version) = rest.split_once('@').map_or((rest, None), |(a, b)| (a, Some(b)));
    let qualifier = |pair: &str| {
        let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        pair.split_once('=').is_some_and(|(key, value)| {
            key.starts_with(|c: char| c.is_ascii_lowercase())
                && key.bytes().all(lower)
                && value.split('/').all(is_encoded)
        })
    };
    TYPES.contains(&kind)
        && path.split('/').all(is_encoded)
        && version.is_none_or(is_encoded)
        && qualifiers.is_none_or(|all| all.split('&').all(qualifier))
        && subpath.is_none_or(|path| path.split('/').all(is_encoded))
}

/// Not empty, and of nothing but what a purl leaves as it is, and encoded bytes.
fn is_encoded(text: &str) -> bool {
    let plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:".contains(&b));
    let mut parts = text.split('%');
    !text.is_empty()
        && parts.next().is_some_and(plain)
        && parts.all(|part| {
            part.split_at_checked(2).is_some_and(|(byte, rest)| {
                byte.bytes().all(|b| b.is_ascii_hexdigit()) && plain(rest)
            })
        })
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
