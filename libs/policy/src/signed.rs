//! A policy that a key of the trust root signed.

use envelope::{Envelope, EnvelopeError, SealError};
use evidence::{KeyEntry, KeyRefused, KeyUse, TrustRoot};
use ids::{Sha256Digest, canonical};
use keys::{KeyId, PublicKey, SigningKey};

use crate::document::{InvalidPolicy, MAX_POLICY_BYTES, POLICY_PAYLOAD_TYPE, Policy};

/// Why a policy does not count.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No envelope of this kind.
    #[error("not a signed policy: {0}")]
    Envelope(#[from] EnvelopeError),
    /// Not a policy in canonical JSON.
    #[error("not a policy: {0}")]
    Malformed(#[from] canonical::Error),
    /// A member outside its bounds.
    #[error("the policy does not hold: {0}")]
    Invalid(#[from] InvalidPolicy),
    /// The trust root names no policy key.
    #[error("the trust root names no policy key")]
    NoKey,
    /// Signed by none of them.
    #[error("signed by none of the trust root's policy keys")]
    Signer,
    /// The key's signature does not count.
    #[error("the policy key does not count: {0}")]
    Key(#[from] KeyRefused),
}

/// A policy that counts; only [`SignedPolicy::open`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPolicy {
    policy: Policy,
    digest: Sha256Digest,
    key: PublicKey,
    bytes: Vec<u8>,
}

impl SignedPolicy {
    /// Opens the envelope `bytes` with the policy keys of `root`, of which `counts` says whether
    /// their signature counts now.
    ///
    /// # Errors
    /// When it is malformed, out of bounds, or not signed by a key that counts.
    pub fn open(
        bytes: &[u8],
        root: &TrustRoot,
        counts: impl Fn(&KeyEntry) -> Result<(), KeyRefused>,
    ) -> Result<Self, PolicyError> {
        let envelope = Envelope::parse(bytes, MAX_POLICY_BYTES)?;
        let mut keys = root.keys(KeyUse::Policy).peekable();
        keys.peek().ok_or(PolicyError::NoKey)?;
        let opened = keys.find_map(|(key, entry)| {
            Some((envelope.open(POLICY_PAYLOAD_TYPE, &key).ok()?, key, entry))
        });
        let (payload, key, entry) = opened.ok_or(PolicyError::Signer)?;
        counts(entry)?;
        let policy: Policy = canonical::from_slice(payload, MAX_POLICY_BYTES)?;
        policy.validate()?;
        let digest = Sha256Digest::of(bytes);
        Ok(Self { policy, digest, key, bytes: bytes.to_vec() })
    }

    /// What it says.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// SHA-256 of the exact envelope bytes.
    #[must_use]
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The key that signed it.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key.key_id()
    }

    /// The same key whole: an AIBoM names it.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The exact envelope bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a policy could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SealPolicyError {
    /// A member outside its bounds.
    #[error("the policy does not hold: {0}")]
    Invalid(#[from] InvalidPolicy),
    /// It cannot be written.
    #[error("the policy cannot be written: {0}")]
    Write(#[from] canonical::Error),
    /// The key did not sign.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Policy {
    /// The signed policy: the exact bytes of a DSSE envelope.
    ///
    /// # Errors
    /// When it is out of bounds, or the key does not sign.
    pub fn seal(&self, key: &dyn SigningKey) -> Result<Vec<u8>, SealPolicyError> {
        self.validate()?;
        let payload = canonical::to_vec(self)?;
        Ok(Envelope::seal(POLICY_PAYLOAD_TYPE, payload, key)?.as_bytes().to_vec())
    }
}
