//! The policy file: opened with the trust root in use, read again when it changes.

use std::{
    io::Read as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use evidence::TrustRoot;
use ids::Timestamp;
use policy::{MAX_POLICY_BYTES, PolicyError, SignedPolicy};

/// Why there is no policy to ask: then nothing is signed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the policy {} cannot be used: {detail}", path.display())]
pub struct PolicyUnusable {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub detail: String,
}

/// What tells that a file was replaced.
type Stamp = Option<(SystemTime, u64)>;

/// The policy file.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    path: PathBuf,
    last: Mutex<Option<(Stamp, Vec<u8>)>>,
}

impl PolicyFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, last: Mutex::new(None) }
    }

    /// The policy at `at`. Blocks when the file changed.
    pub(crate) fn current(
        &self,
        root: &TrustRoot,
        at: Timestamp,
    ) -> Result<SignedPolicy, PolicyUnusable> {
        let unusable = |detail: String| PolicyUnusable { path: self.path.clone(), detail };
        let bytes = self.bytes().map_err(|error| unusable(error.to_string()))?;
        SignedPolicy::open(&bytes, root, |entry| entry.may_sign(at))
            .map_err(|error: PolicyError| unusable(error.to_string()))
    }

    fn bytes(&self) -> std::io::Result<Vec<u8>> {
        let data = std::fs::metadata(&self.path)?;
        let stamp = data.modified().ok().map(|modified| (modified, data.len()));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) =
            last.as_ref().filter(|(known, _)| stamp.is_some() && *known == stamp)
        {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::new();
        let limit = MAX_POLICY_BYTES as u64 + 2;
        std::fs::File::open(&self.path)?.take(limit).read_to_end(&mut bytes)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        *last = Some((stamp, bytes.clone()));
        Ok(bytes)
    }
}
