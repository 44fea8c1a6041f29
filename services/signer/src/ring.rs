//! Which key signs now: the store has the keys, the trust root says what each is for and when.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use evidence::{KeyUse, TrustRoot};
use ids::Timestamp;
use keys::{FindKeyError, KeyId, KeyStore, SigningKey};

/// Why there is no key to sign with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The trust root names none that may sign now.
    #[error("version {version} of the trust root names no {usage} key that may sign at {at}")]
    NoneNamed {
        /// The root's version.
        version: u64,
        /// What the key was wanted for.
        usage: KeyUse,
        /// When.
        at: Timestamp,
    },
    /// The store has none of those that the trust root names.
    #[error("no {usage} key of version {version} of the trust root is in the store: {source}")]
    Missing {
        /// The root's version.
        version: u64,
        /// What the key was wanted for.
        usage: KeyUse,
        /// What the store said of the newest.
        source: FindKeyError,
    },
    /// The store does not answer.
    #[error(transparent)]
    Away(FindKeyError),
}

/// One key for each use.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Attestations and links.
    pub aibom: Arc<dyn SigningKey>,
    /// Model signatures.
    pub model: Arc<dyn SigningKey>,
    /// Layouts.
    pub layout: Arc<dyn SigningKey>,
}

/// The keys of a store, as the trust root uses them.
#[derive(Debug)]
pub struct Ring {
    store: Arc<dyn KeyStore>,
    found: Mutex<HashMap<KeyId, Arc<dyn SigningKey>>>,
}

impl Ring {
    /// The ring over `store`.
    #[must_use]
    pub fn new(store: Arc<dyn KeyStore>) -> Self {
        Self { store, found: Mutex::new(HashMap::new()) }
    }

    /// The keys that sign at `at` by `root`. May block for as long as the store does.
    ///
    /// # Errors
    /// When one of them is not to be had.
    pub fn keys(&self, root: &TrustRoot, at: Timestamp) -> Result<Keys, RingError> {
        Ok(Keys {
            aibom: self.key(root, KeyUse::Aibom, at)?,
            model: self.key(root, KeyUse::Model, at)?,
            layout: self.key(root, KeyUse::Layout, at)?,
        })
    }

    /// Whether the ring can sign now, as far as is known. May block as [`Ring::keys`].
    ///
    /// # Errors
    /// What keeps it from signing.
    pub fn ready(&self, root: &TrustRoot, at: Timestamp) -> Result<(), RingError> {
        self.store.ready().map_err(RingError::Away)?;
        self.keys(root, at).map(drop)
    }

    /// The newest key that the root names and the store has: a root may name a key before it is
    /// in every store, and the one before it signs on until then.
    fn key(
        &self,
        root: &TrustRoot,
        usage: KeyUse,
        at: Timestamp,
    ) -> Result<Arc<dyn SigningKey>, RingError> {
        let version = root.version;
        let mut missing = None;
        for (key, _) in root.current_keys(usage, at) {
            match self.find(key.key_id()) {
                Ok(key) => return Ok(key),
                Err(error @ FindKeyError::Away { .. }) => return Err(RingError::Away(error)),
                Err(error) => missing = missing.or(Some(error)),
            }
        }
        Err(match missing {
            Some(source) => RingError::Missing { version, usage, source },
            None => RingError::NoneNamed { version, usage, at },
        })
    }

    fn find(&self, id: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = self.store.find(id)?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(found.entry(id).or_insert(key)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
