//! The trust root as a file: signed by a root key, and replaced only by a newer one.

use envelope::{Envelope, SealError};
use ids::canonical;
use keys::{PublicKey, SigningKey};

use super::{MAX_TRUST_ROOT_BYTES, TrustRoot, TrustRootError, public_keys};

/// The payload type of the DSSE envelope.
pub const TRUST_ROOT_PAYLOAD_TYPE: &str = "application/vnd.aibom.trust-root.v1+json";

/// Why a trust root does not take the place of the pinned one.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The offered file is none.
    #[error(transparent)]
    Unusable(#[from] TrustRootError),
    /// No root key that is trusted now signed it.
    #[error("version {offered} is signed by no root key that version {pinned} names")]
    Signer {
        /// The version that is pinned.
        pinned: u64,
        /// The version that was offered.
        offered: u64,
    },
    /// Older than the pinned one.
    #[error("version {offered} is older than the pinned version {pinned}: a rollback")]
    Rollback {
        /// The version that is pinned.
        pinned: u64,
        /// The version that was offered.
        offered: u64,
    },
    /// Two files of one version that differ.
    #[error("another version {0} than the pinned one: two were signed")]
    Fork(u64),
    /// Of another mesh, or for another kind of use.
    #[error("it is the root of {0}, not a newer one of the pinned mesh")]
    OtherMesh(String),
}

impl TrustRoot {
    /// Reads a trust root file: a DSSE envelope over canonical JSON, signed by a root key that it
    /// names itself; a single newline at its end is let through. Pinning says that it is the right
    /// one: the signature alone says only that it is whole.
    ///
    /// # Errors
    /// When the bytes are not a usable trust root, signed so.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustRootError> {
        let envelope = Self::envelope(bytes)?;
        let root = Self::parse_unsigned(envelope.unverified_payload())?;
        root.who_signed(&envelope).ok_or(TrustRootError::Signer)?;
        Ok(root)
    }

    fn envelope(bytes: &[u8]) -> Result<Envelope, TrustRootError> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Ok(Envelope::parse(bytes, 2 * MAX_TRUST_ROOT_BYTES)?)
    }

    /// The root key of this root that signed the envelope.
    fn who_signed(&self, envelope: &Envelope) -> Option<PublicKey> {
        let keys = public_keys(&self.root_keys)?;
        keys.into_iter().find(|key| envelope.open(TRUST_ROOT_PAYLOAD_TYPE, key).is_ok())
    }

    /// Signs: the bytes of the file.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn seal(&self, key: &dyn SigningKey) -> Result<Vec<u8>, SealError> {
        let payload = canonical::to_vec(self)?;
        Ok(Envelope::seal(TRUST_ROOT_PAYLOAD_TYPE, payload, key)?.as_bytes().to_vec())
    }

    /// Reads the file that is to take this pinned root's place: newer (or the very same), of the
    /// same mesh, and signed by a root key that both name.
    ///
    /// # Errors
    /// When it is none of these; then the pinned one stays.
    pub fn succeed(&self, bytes: &[u8]) -> Result<Self, UpdateError> {
        let next = Self::parse(bytes)?;
        let (pinned, offered) = (self.version, next.version);
        if next.trust_domain != self.trust_domain || next.environment != self.environment {
            let kind = format!("{:?}", next.environment).to_lowercase();
            let domain: String = next.trust_domain.chars().take(128).collect();
            return Err(UpdateError::OtherMesh(format!("{domain:?} ({kind})")));
        }
        let envelope = Self::envelope(bytes)?;
        if self.who_signed(&envelope).is_none() {
            return Err(UpdateError::Signer { pinned, offered });
        }
        match offered.cmp(&pinned) {
            std::cmp::Ordering::Less => Err(UpdateError::Rollback { pinned, offered }),
            std::cmp::Ordering::Equal if next != *self => Err(UpdateError::Fork(pinned)),
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Ok(next),
        }
    }
}
