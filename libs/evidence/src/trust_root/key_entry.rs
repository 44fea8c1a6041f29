//! One key of the signer in the trust root: its use, its time, and its revocation.

use std::fmt;

use ids::Timestamp;
use keys::{Algorithm, PublicKey};
use serde::{Deserialize, Serialize};

use crate::CLOCK_SKEW_MS;

/// The longest time between signing and logging, in milliseconds: 7 days.
///
/// It bounds how far back a stolen key that is past its time, but not revoked, can date.
pub const MAX_LOG_DELAY_MS: i64 = 7 * 24 * 3_600_000;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyUse {
    /// AIBoM attestations, and the in-toto link of the training (Ed25519).
    Aibom,
    /// Model signatures (ECDSA P-256, which other people's tools want).
    Model,
    /// in-toto layouts (Ed25519).
    Layout,
    /// Release policies (Ed25519); the signer service does not hold this one.
    Policy,
}

impl KeyUse {
    /// Every use.
    pub const ALL: [Self; 4] = [Self::Aibom, Self::Model, Self::Layout, Self::Policy];

    /// The uses whose keys the signer service holds.
    pub const SIGNER: [Self; 3] = [Self::Aibom, Self::Model, Self::Layout];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aibom => "aibom",
            Self::Model => "model",
            Self::Layout => "layout",
            Self::Policy => "policy",
        }
    }
}

impl KeyUse {
    /// What a key of this use signs with.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Aibom | Self::Layout | Self::Policy => Algorithm::Ed25519,
            Self::Model => Algorithm::EcdsaP256Sha256,
        }
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Since when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Revocation {
    /// First instant from which the key is not believed.
    pub since: Timestamp,
    /// Why, for people.
    pub reason: String,
}

/// A signing key and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyEntry {
    /// What it signs.
    #[serde(rename = "use")]
    pub usage: KeyUse,
    /// Public key, PEM.
    pub public_key: String,
    /// First instant at which its signatures count.
    pub valid_from: Timestamp,
    /// Last such instant.
    pub valid_until: Timestamp,
    /// There when the key is not believed any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// Why a key's signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Outside the key's time.
    #[error("signed {at}, the key holds {from} to {until}")]
    Time {
        /// The signing time.
        at: Timestamp,
        /// First instant at which its signatures count.
        from: Timestamp,
        /// Last such instant.
        until: Timestamp,
    },
    /// Revoked by then.
    #[error("the key is revoked since {since} ({reason}), and nothing proves that {what} before")]
    Revoked {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
        /// What would have had to happen before.
        what: &'static str,
    },
    /// Nothing proves when it was signed.
    #[error("signed {at}, but the ledger's proof of the time does not hold")]
    NotLogged {
        /// The claimed signing time.
        at: Timestamp,
    },
    /// Logged before it was signed, by the clocks' words.
    #[error("signed {at}, but logged before that, at {logged}")]
    LoggedBefore {
        /// The claimed signing time.
        at: Timestamp,
        /// The ledger's.
        logged: Timestamp,
    },
    /// Logged too long after it was signed.
    #[error("signed {at}, logged {logged}: more than {} days later", MAX_LOG_DELAY_MS / 86_400_000)]
    LoggedLate {
        /// The claimed signing time.
        at: Timestamp,
        /// The ledger's.
        logged: Timestamp,
    },
}

/// Reads a public key whose PEM is exactly as this program writes it.
pub(super) fn public_key(pem: &str) -> Option<PublicKey> {
    PublicKey::from_pem(pem).ok().filter(|key| key.to_pem() == pem)
}

impl KeyEntry {
    /// The public key.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        public_key(&self.public_key)
    }

    /// Whether the key may sign at `at`.
    ///
    /// # Errors
    /// Why not.
    pub fn may_sign(&self, at: Timestamp) -> Result<(), KeyRefused> {
        if at < self.valid_from || self.valid_until < at {
            return Err(KeyRefused::Time { at, from: self.valid_from, until: self.valid_until });
        }
        self.not_revoked(at, "it signs")
    }

    fn not_revoked(&self, at: Timestamp, what: &'static str) -> Result<(), KeyRefused> {
        match &self.revoked {
            Some(Revocation { since, reason }) if *since <= at => {
                let reason = reason.chars().take(200).collect();
                Err(KeyRefused::Revoked { since: *since, reason, what })
            }
            _ => Ok(()),
        }
    }

    /// Whether a signature that claims the time `signed_at` counts. The claim is the signer's; that
    /// it was made then is proved by the ledger, which whoever holds a stolen key cannot backdate.
    ///
    /// # Errors
    /// Why not.
    pub fn counts(
        &self,
        signed_at: Timestamp,
        logged_at: Option<Timestamp>,
    ) -> Result<(), KeyRefused> {
        self.may_sign(signed_at)?;
        let logged = logged_at.ok_or(KeyRefused::NotLogged { at: signed_at })?;
        let delay_ms = logged.since_ms(signed_at);
        if delay_ms < -CLOCK_SKEW_MS {
            return Err(KeyRefused::LoggedBefore { at: signed_at, logged });
        }
        if delay_ms > MAX_LOG_DELAY_MS {
            return Err(KeyRefused::LoggedLate { at: signed_at, logged });
        }
        self.not_revoked(logged, "it was logged")
    }
}
