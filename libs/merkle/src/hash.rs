//! The two domain-separated hashes of RFC 6962, section 2.1, and the root of no leaves.

use ids::Sha256Digest;
use sha2::{Digest as _, Sha256};

const LEAF_PREFIX: [u8; 1] = [0x00];
const NODE_PREFIX: [u8; 1] = [0x01];

/// The hash of a leaf: `SHA-256(0x00 || entry)`.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Sha256Digest {
    let hash = Sha256::new().chain_update(LEAF_PREFIX).chain_update(entry);
    Sha256Digest::from_bytes(hash.finalize().into())
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
#[must_use]
pub fn node_hash(left: &Sha256Digest, right: &Sha256Digest) -> Sha256Digest {
    let hash = Sha256::new()
        .chain_update(NODE_PREFIX)
        .chain_update(left.as_bytes())
        .chain_update(right.as_bytes());
    Sha256Digest::from_bytes(hash.finalize().into())
}

/// The root of the tree without leaves: `SHA-256("")`.
#[must_use]
pub fn empty_root() -> Sha256Digest {
    Sha256Digest::of(b"")
}
