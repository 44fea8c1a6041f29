//! Public keys as tokens show them (`CKA_EC_POINT`), into public keys as everybody else writes them.

use keys::{Algorithm, PublicKey};

/// What comes before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410).
const ED25519_SPKI: &[u8] =
    &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const ED25519_BYTES: usize = 32;

/// What comes before the 65 bytes of a P-256 point in its SubjectPublicKeyInfo (RFC 5480).
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P256_BYTES: usize = 65;

/// `CKA_EC_PARAMS` of Ed25519 as an object identifier (PKCS#11 3.0 section 2.3.10).
pub(crate) const ED25519_PARAMS: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// `CKA_EC_PARAMS` of Ed25519 as a name, which the same section also allows.
const ED25519_NAME: &[u8] = b"\x13\x0cedwards25519";
/// `CKA_EC_PARAMS` of P-256: its object identifier.
pub(crate) const P256_PARAMS: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// The public key of a token's `CKA_EC_PARAMS` and `CKA_EC_POINT`; `None` for curves that we do
/// not sign with, and for points that are not on them.
pub(crate) fn public_key(params: &[u8], point: &[u8]) -> Option<PublicKey> {
    let (prefix, length) = match params {
        ED25519_PARAMS | ED25519_NAME => (ED25519_SPKI, ED25519_BYTES),
        P256_PARAMS => (P256_SPKI, P256_BYTES),
        _ => return None,
    };
    // The point is a DER OCTET STRING; some tokens leave its two-byte header away.
    let point = match point {
        [0x04, stated, rest @ ..] if rest.len() == length && usize::from(*stated) == length => rest,
        raw if raw.len() == length => raw,
        _ => return None,
    };
    PublicKey::from_spki_der(&[prefix, point].concat()).ok()
}

/// What keys of an algorithm have as `CKA_EC_PARAMS`.
pub(crate) const fn params(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Ed25519 => ED25519_PARAMS,
        Algorithm::EcdsaP256Sha256 => P256_PARAMS,
    }
}

#[cfg(test)]
mod tests;
