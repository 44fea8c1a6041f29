//! The trust root: what a verifier pins. A file signed by an offline root key that it names itself.

mod key_entry;
mod signed;

use ids::{SpiffeId, Timestamp, canonical};
use keys::{KeyId, PublicKey};
use merkle::checkpoint::{Counts, KeyError, LogPolicy, PolicyError, VerifierKey, Witness};
use serde::{Deserialize, Serialize};

pub use key_entry::{KeyEntry, KeyRefused, KeyUse, MAX_LOG_DELAY_MS, Revocation};
pub use signed::{TRUST_ROOT_PAYLOAD_TYPE, UpdateError};

/// The value of `schema`.
pub const TRUST_ROOT_SCHEMA: &str = "aibom.trust-root.v1";
/// The longest trust root, in bytes.
pub const MAX_TRUST_ROOT_BYTES: usize = 256 * 1024;

/// Whether simulated parts are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Real parts only.
    Production,
    /// For tests: says so to everybody who pins it.
    Test,
}

/// A mesh identity whose key is not to be believed any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RevokedIdentity {
    /// The certified key.
    pub key: KeyId,
    /// Evidence by this key does not count in anything that is signed from then on.
    pub revoked: Revocation,
}

/// A witness of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WitnessEntry {
    /// Its cosigner key, C2SP tlog-cosignature form.
    pub key: String,
    /// Since when it counts for the quorum no more; absent: it counts. What it cosigned until then
    /// goes on counting, so it stays named. The time of a cosignature is the witness' own word: retired
    /// in the epoch's first second, nothing of it counts, whatever time it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
}

impl WitnessEntry {
    /// The witness, as a policy counts it.
    ///
    /// # Errors
    /// When the key is none.
    pub fn witness(&self) -> Result<Witness, KeyError> {
        let seconds = |at: Timestamp| u64::try_from(at.unix_ms()).unwrap_or(0) / 1_000;
        let counts = match self.retired_at.map(seconds) {
            None => Counts::Always,
            Some(0) => Counts::Never,
            Some(until) => Counts::Until(until),
        };
        Ok(Witness { key: self.key.parse()?, counts })
    }
}

/// Why what a trust root says of the ledger cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogPinError {
    /// The ledger's key is none.
    #[error("ledgerKey: {0}")]
    Ledger(#[source] KeyError),
    /// A witness' key is none.
    #[error("witness {number}, {key:?}: {source}")]
    Witness {
        /// Which, from 1.
        number: usize,
        /// The beginning of what is in the place of its key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// The keys and the quorum make no policy.
    #[error("witnesses: {0}")]
    Policy(#[from] PolicyError),
}

/// What a verifier pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrustRoot {
    /// Always [`TRUST_ROOT_SCHEMA`].
    pub schema: String,
    /// Grows with every change, from 1; an older one never takes the place of a newer one.
    pub version: u64,
    /// When it was made.
    pub issued_at: Timestamp,
    /// The mesh's trust domain.
    pub trust_domain: String,
    /// Whether simulated parts are let through.
    pub environment: Environment,
    /// The offline keys that may sign this file and its successors, PEM.
    pub root_keys: Vec<String>,
    /// Root certificates of the mesh CA, DER.
    #[serde(with = "envelope::b64::list")]
    pub mesh_ca: Vec<Vec<u8>>,
    /// The signer's keys, for each use.
    pub signing_keys: Vec<KeyEntry>,
    /// The ledger's verifier key, C2SP signed-note form.
    pub ledger_key: String,
    /// Who cosigns the ledger's checkpoints; at most 15 that count, and 128 with those that are retired.
    pub witnesses: Vec<WitnessEntry>,
    /// How many of those that count must have cosigned; 0: the log alone is believed. More than half
    /// of them exclude that the log shows two histories.
    pub witness_quorum: u32,
    /// Mesh identities that are not to be believed any more.
    pub revoked_identities: Vec<RevokedIdentity>,
}

/// Why a trust root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustRootError {
    /// Not a signed file of this kind.
    #[error("not a signed trust root: {0}")]
    Envelope(#[from] envelope::EnvelopeError),
    /// Not a trust root in canonical JSON.
    #[error("not a trust root: {0}")]
    Malformed(#[from] canonical::Error),
    /// Another schema.
    #[error("the schema is {0:?}, this program reads {TRUST_ROOT_SCHEMA:?}")]
    Schema(String),
    /// A member that does not hold what it should.
    #[error("the trust root's {0} is unusable")]
    Member(&'static str),
    /// The ledger's key, its witnesses, or their quorum.
    #[error("the trust root pins no usable log: {0}")]
    Log(#[from] LogPinError),
    /// Signed by a key that is none of its root keys.
    #[error("the trust root is signed by none of the root keys that it names")]
    Signer,
}

fn public_keys(pems: &[String]) -> Option<Vec<PublicKey>> {
    pems.iter().map(|pem| key_entry::public_key(pem)).collect()
}

impl TrustRoot {
    /// Reads the payload of a trust root: nobody vouches for it yet.
    ///
    /// # Errors
    /// When the bytes are not a usable trust root.
    pub fn parse_unsigned(bytes: &[u8]) -> Result<Self, TrustRootError> {
        let root: Self = canonical::from_slice(bytes, MAX_TRUST_ROOT_BYTES)?;
        root.validate()?;
        Ok(root)
    }

    /// Whether every member holds what it should.
    ///
    /// # Errors
    /// The first member that does not.
    pub fn validate(&self) -> Result<(), TrustRootError> {
        if self.schema != TRUST_ROOT_SCHEMA {
            return Err(TrustRootError::Schema(self.schema.chars().take(64).collect()));
        }
        let holds = [
            ("version", self.version >= 1),
            ("rootKeys", (1..=8).contains(&self.root_keys.len()) && self.root_keys_distinct()),
            ("meshCa", (1..=16).contains(&self.mesh_ca.len())),
            ("signingKeys", self.signing_keys_usable()),
            ("revokedIdentities", self.revoked_identities.len() <= 4096),
        ];
        if let Some((member, _)) = holds.into_iter().find(|(_, holds)| !holds) {
            return Err(TrustRootError::Member(member));
        }
        self.log_policy()?;
        Ok(())
    }

    fn root_keys_distinct(&self) -> bool {
        public_keys(&self.root_keys).is_some_and(|keys| all_distinct(&keys))
    }

    /// Usable, each once and for one use, one for AIBoMs at least.
    fn signing_keys_usable(&self) -> bool {
        let entries = &self.signing_keys;
        let keys: Option<Vec<PublicKey>> = entries.iter().map(KeyEntry::key).collect();
        (1..=192).contains(&entries.len())
            && entries.iter().all(|entry| entry.valid_from < entry.valid_until)
            && entries.iter().all(|entry| {
                entry.key().is_some_and(|key| key.algorithm() == entry.usage.algorithm())
            })
            && entries.iter().any(|entry| entry.usage == KeyUse::Aibom)
            && keys.is_some_and(|keys| all_distinct(&keys))
    }

    /// The entry of that key for that use; `None` when the root does not name it for this.
    #[must_use]
    pub fn signing_key(&self, usage: KeyUse, key_id: KeyId) -> Option<(PublicKey, &KeyEntry)> {
        self.keys(usage).find(|(key, _)| key.key_id() == key_id)
    }

    /// Every key for that use, as the root lists them.
    pub fn keys(&self, usage: KeyUse) -> impl Iterator<Item = (PublicKey, &KeyEntry)> {
        let entries = self.signing_keys.iter().filter(move |entry| entry.usage == usage);
        entries.filter_map(|entry| Some((entry.key()?, entry)))
    }

    /// The keys that may sign at `at`, the one whose time began last first.
    #[must_use]
    pub fn current_keys(&self, usage: KeyUse, at: Timestamp) -> Vec<(PublicKey, &KeyEntry)> {
        let mut found: Vec<_> =
            self.keys(usage).filter(|(_, entry)| entry.may_sign(at).is_ok()).collect();
        found.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.valid_from));
        found
    }

    /// The ledger's verifier key.
    #[must_use]
    pub fn ledger(&self) -> Option<VerifierKey> {
        self.ledger_key.parse().ok()
    }

    /// Which of the ledger's checkpoints count.
    ///
    /// # Errors
    /// What cannot be used of the key, the witnesses and the quorum; never for a root that was read.
    pub fn log_policy(&self) -> Result<LogPolicy, LogPinError> {
        let log = self.ledger_key.parse().map_err(LogPinError::Ledger)?;
        let witnesses = (1..).zip(&self.witnesses).map(|(number, entry)| {
            entry.witness().map_err(|source| {
                let key = entry.key.chars().take(64).collect();
                LogPinError::Witness { number, key, source }
            })
        });
        let quorum = usize::try_from(self.witness_quorum).unwrap_or(usize::MAX);
        Ok(LogPolicy::new(log, witnesses.collect::<Result<_, _>>()?, quorum)?)
    }

    /// Whether `id` belongs to this mesh.
    #[must_use]
    pub fn admits(&self, id: &SpiffeId) -> bool {
        id.trust_domain() == self.trust_domain
    }

    /// The revocation of a mesh identity's key that counts at `at`.
    #[must_use]
    pub fn revocation(&self, key: KeyId, at: Timestamp) -> Option<&Revocation> {
        let mut revoked = self.revoked_identities.iter();
        revoked
            .find(|entry| entry.key == key && entry.revoked.since <= at)
            .map(|entry| &entry.revoked)
    }
}

fn all_distinct(keys: &[PublicKey]) -> bool {
    let mut ids: Vec<KeyId> = keys.iter().map(PublicKey::key_id).collect();
    ids.sort_unstable();
    ids.windows(2).all(|pair| pair.first() != pair.last())
}
