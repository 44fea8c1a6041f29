//! What is mine: the keys that my entries are told by, and the documents that I made.

use std::collections::BTreeMap;

use bundle::{Inclusion, LedgerEntry, LoggedError, Tag};
use ids::Sha256Digest;
use merkle::LogPolicy;

/// The most monitor keys at one time.
pub const MAX_MONITOR_KEYS: usize = 16;
/// The most documents that are told apart.
pub const MAX_MADE: usize = 100_000;

/// Where a proof under a good checkpoint says that a document of mine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proved {
    pub(crate) index: u64,
    /// Whether the entry that was proved is under one of the keys.
    pub(crate) tagged: bool,
}

/// More than can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OwnError {
    /// More than [`MAX_MONITOR_KEYS`].
    #[error("more than {MAX_MONITOR_KEYS} monitor keys")]
    Keys,
    /// More than [`MAX_MADE`].
    #[error("more than {MAX_MADE} documents")]
    Made,
}

/// The keys of one owner, and the owner's documents. Without a key no entry is anybody's.
#[derive(Debug, Clone, Default)]
pub struct Own {
    keys: Vec<[u8; 32]>,
    made: BTreeMap<Sha256Digest, Option<Proved>>,
    asks: bool,
}

impl Own {
    /// Tells entries by these monitor keys: the one in use, and those before it.
    ///
    /// # Errors
    /// When they are too many.
    pub fn new(keys: Vec<[u8; 32]>) -> Result<Self, OwnError> {
        if keys.len() > MAX_MONITOR_KEYS {
            return Err(OwnError::Keys);
        }
        Ok(Self { keys, ..Self::default() })
    }

    /// The mesh can be asked what an entry stands for: none is unknown before it was.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.asks = true;
        self
    }

    pub(crate) const fn asks(&self) -> bool {
        self.asks
    }

    /// Adds a document that I made and that the ledger has taken.
    ///
    /// # Errors
    /// When they are too many.
    pub fn made(&mut self, commitment: Sha256Digest) -> Result<(), OwnError> {
        self.insert(commitment, None)
    }

    /// Adds a document that a bundle proves to be logged; `document` is its exact envelope.
    ///
    /// # Errors
    /// `Ok(Err(_))` when they are too many, `Err(_)` when the proof does not hold.
    pub fn proved(
        &mut self,
        document: &[u8],
        inclusion: &Inclusion,
        policy: &LogPolicy,
    ) -> Result<Result<(), OwnError>, LoggedError> {
        let logged = inclusion.check(document, policy)?;
        let (entry, index) = (logged.entry(), logged.index());
        let proved = Proved { index, tagged: self.is_tagged(entry) };
        Ok(self.insert(entry.commitment, Some(proved)))
    }

    fn insert(&mut self, commitment: Sha256Digest, proved: Option<Proved>) -> Result<(), OwnError> {
        if self.made.len() >= MAX_MADE && !self.made.contains_key(&commitment) {
            return Err(OwnError::Made);
        }
        let known = self.made.entry(commitment).or_insert(proved);
        *known = proved.or(*known);
        Ok(())
    }

    /// Whether any entry can be told by its tag.
    pub(crate) const fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    pub(crate) fn is_tagged(&self, entry: &LedgerEntry) -> bool {
        self.keys.iter().any(|key| Tag::of(key, &entry.commitment) == entry.tag)
    }

    pub(crate) fn knows(&self, commitment: &Sha256Digest) -> bool {
        self.made.contains_key(commitment)
    }

    /// The documents whose place is proved.
    pub(crate) fn proofs(&self) -> impl Iterator<Item = (Sha256Digest, Proved)> {
        self.made.iter().filter_map(|(commitment, proved)| Some((*commitment, (*proved)?)))
    }
}
