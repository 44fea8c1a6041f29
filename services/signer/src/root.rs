//! The trust root that this signer serves and checks with, and whether its own key is in it.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use evidence::{MAX_TRUST_ROOT_BYTES, TrustRoot, TrustRootError};
use ids::Timestamp;
use keys::{KeyId, SigningKey};

/// Why the trust root does not let this signer sign.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The file cannot be read.
    #[error("cannot read the trust root {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is no trust root.
    #[error("the trust root {path} is unusable")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: TrustRootError,
    },
    /// No verifier would take this key's signatures.
    #[error("the trust root {path} does not name this signer's key {key}")]
    KeyNotNamed {
        /// Which file.
        path: PathBuf,
        /// The key.
        key: KeyId,
    },
    /// No verifier would take this key's signatures now.
    #[error("by the trust root {path} the key {key} holds {from} to {until}, it is {now}")]
    KeyNotValid {
        /// Which file.
        path: PathBuf,
        /// The key.
        key: KeyId,
        /// First instant at which its signatures count.
        from: Timestamp,
        /// Last such instant.
        until: Timestamp,
        /// Now.
        now: Timestamp,
    },
}

/// Reads the trust root: its exact bytes, and what they say.
///
/// # Errors
/// When it cannot be read, or does not name `key` as valid at `now`.
pub fn read_root(
    path: &Path,
    key: &dyn SigningKey,
    now: Timestamp,
) -> Result<(Vec<u8>, TrustRoot), RootError> {
    let read = |source| RootError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(read)?;
    let limit = u64::try_from(MAX_TRUST_ROOT_BYTES).unwrap_or(u64::MAX).saturating_add(2);
    file.take(limit).read_to_end(&mut bytes).map_err(read)?;
    let root = TrustRoot::parse(&bytes)
        .map_err(|source| RootError::Parse { path: path.to_owned(), source })?;
    check_key(path, &root, key.public_key().key_id(), now)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok((bytes, root))
}

fn check_key(path: &Path, root: &TrustRoot, key: KeyId, now: Timestamp) -> Result<(), RootError> {
    let path = path.to_owned();
    let Some((_, entry)) = root.signing_key(evidence::KeyUse::Aibom, key) else {
        return Err(RootError::KeyNotNamed { path, key });
    };
    let (from, until) = (entry.valid_from, entry.valid_until);
    if now < from || until < now {
        return Err(RootError::KeyNotValid { path, key, from, until, now });
    }
    Ok(())
}
