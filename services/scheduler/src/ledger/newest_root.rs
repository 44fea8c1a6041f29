//! The newest trust root that was seen: a signer that publishes an older one again changes nothing.

use std::sync::{Arc, Mutex, PoisonError};

use evidence::TrustRoot;

/// The newest, once there is one.
#[derive(Debug, Default)]
pub(super) struct NewestRoot(Mutex<Option<Arc<TrustRoot>>>);

impl NewestRoot {
    pub(super) fn get(&self) -> Option<Arc<TrustRoot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of `root`; gives the newest, which is another one where `root` is older.
    pub(super) fn learn(&self, root: &Arc<TrustRoot>) -> Arc<TrustRoot> {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match newest.as_ref().filter(|newest| newest.version > root.version) {
            Some(newest) => Arc::clone(newest),
            None => Arc::clone(newest.insert(Arc::clone(root))),
        }
    }
}

#[cfg(test)]
mod tests;
