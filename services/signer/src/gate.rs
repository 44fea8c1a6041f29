//! The policy file: opened with the trust root in use, read again when it changes, and never
//! exchanged for an older one.

use std::{
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use evidence::TrustRoot;
use ids::{Sha256Digest, Timestamp, canonical};
use policy::{MAX_POLICY_BYTES, Policy, SignedPolicy};
use serde::{Deserialize, Serialize};

/// The longest file that remembers a policy, in bytes.
const MAX_SEEN_BYTES: usize = 1_024;

/// Why there is no policy to ask: then nothing is signed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the policy {} cannot be used: {detail}", path.display())]
pub struct PolicyUnusable {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub detail: String,
}

/// The policy that was in force last. One sequence of versions, whatever the policies are called:
/// else a rename would be a way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    name: String,
    version: u64,
    /// SHA-256 of the policy without its signature: it may be signed anew with another key.
    document: Sha256Digest,
}

impl Seen {
    fn of(policy: &Policy) -> Result<Self, canonical::Error> {
        let document = Sha256Digest::of(&canonical::to_vec(policy)?);
        Ok(Self { name: policy.name.clone(), version: policy.version, document })
    }

    /// Whether `new` may follow.
    fn admits(&self, new: &Self) -> Result<(), String> {
        let Self { name, version, .. } = self;
        if new.version > *version || new == self {
            return Ok(());
        }
        let what =
            if new.version == *version { "a second policy of one version" } else { "a rollback" };
        Err(format!(
            "{} version {} after {name} version {version} was in force: {what}; sign one of version {} \
             or higher",
            new.name,
            new.version,
            version.saturating_add(1)
        ))
    }
}

/// What tells that a file was replaced: time, length and inode.
type Stamp = (SystemTime, u64, u64);

#[derive(Debug, Default)]
struct Last {
    file: Option<(Stamp, Vec<u8>)>,
    seen: Option<Seen>,
}

/// The policy file.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    path: PathBuf,
    seen: PathBuf,
    last: Mutex<Last>,
}

impl PolicyFile {
    /// The policy at `path`; the file `seen` remembers from run to run which one was in force last.
    /// Blocks.
    ///
    /// # Errors
    /// When `seen` is there and cannot be read.
    pub(crate) fn open(path: PathBuf, seen: PathBuf) -> anyhow::Result<Self> {
        use anyhow::Context as _;

        let cannot =
            || format!("cannot read {}, which remembers the policy in force", seen.display());
        let known = match bounded(&seen, MAX_SEEN_BYTES) {
            Ok(bytes) => Some(canonical::from_slice(&bytes, MAX_SEEN_BYTES).with_context(cannot)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(cannot),
        };
        Ok(Self { path, seen, last: Mutex::new(Last { file: None, seen: known }) })
    }

    /// The policy at `at`. Blocks when the file changed.
    pub(crate) fn current(
        &self,
        root: &TrustRoot,
        at: Timestamp,
    ) -> Result<SignedPolicy, PolicyUnusable> {
        let unusable = |detail: String| PolicyUnusable { path: self.path.clone(), detail };
        // One at a time, so that what is remembered never goes back either.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = last.read(&self.path).map_err(|error| unusable(error.to_string()))?;
        let policy = SignedPolicy::open(bytes, root, |entry| entry.may_sign(at))
            .map_err(|error| unusable(error.to_string()))?;
        self.advance(&mut last, &policy).map_err(unusable)?;
        Ok(policy)
    }

    /// Refuses to go back, and remembers what is newer.
    fn advance(&self, last: &mut Last, policy: &SignedPolicy) -> Result<(), String> {
        let new = Seen::of(policy.policy()).map_err(|error| error.to_string())?;
        if let Some(seen) = &last.seen {
            seen.admits(&new)?;
        }
        if last.seen.as_ref() == Some(&new) {
            return Ok(());
        }
        let bytes = canonical::to_vec(&new).map_err(|error| error.to_string())?;
        keys::replace_file(&self.seen, &bytes, 0o644)
            .map_err(|error| format!("cannot write {}: {error}", self.seen.display()))?;
        let (name, version, digest) = (&new.name, new.version, policy.digest());
        tracing::info!(target: "audit", name, version, %digest, "policy in force");
        last.seen = Some(new);
        Ok(())
    }
}

impl Last {
    fn read(&mut self, path: &Path) -> std::io::Result<&[u8]> {
        let data = std::fs::metadata(path)?;
        let stamp = (data.modified()?, data.len(), data.ino());
        let known = self.file.take().filter(|(known, _)| *known == stamp);
        let bytes = match known {
            Some((_, bytes)) => bytes,
            None => {
                let mut bytes = bounded(path, MAX_POLICY_BYTES + 1)?;
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
                bytes
            }
        };
        Ok(&self.file.insert((stamp, bytes)).1)
    }
}

/// At most one byte more than `limit`, for whoever reads them to refuse.
fn bounded(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
