//! The keys of the trust root as this signer uses them.

use evidence::{KeyEntry, KeyUse, TrustRoot};
use ids::Timestamp;
use keys::PublicKey;

use crate::ring::Ring;

/// A key that the trust root names.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// The key.
    pub(crate) key: PublicKey,
    /// What the root says of it.
    pub(crate) entry: KeyEntry,
    /// Whether it is the one that signs now for its use.
    pub(crate) signs: bool,
}

/// Every key that `root` names, in its order. May block as [`Ring::keys`].
pub(crate) fn list(root: &TrustRoot, ring: &Ring, at: Timestamp) -> Vec<Listed> {
    let signing: Vec<_> = match ring.keys(root, at) {
        Ok(keys) => [keys.aibom, keys.model, keys.layout].map(|k| k.public_key().key_id()).into(),
        Err(_) => Vec::new(),
    };
    let listed = |(key, entry): (PublicKey, &KeyEntry)| {
        let signs = signing.contains(&key.key_id());
        Listed { signs, entry: entry.clone(), key }
    };
    KeyUse::ALL.into_iter().flat_map(|usage| root.keys(usage).map(listed)).collect()
}
