//! Which witnesses a ledger asks, and how many must cosign.

use std::path::PathBuf;

use merkle::{CosignerKey, checkpoint::KeyError, checkpoint::MAX_WITNESSES};
use serde::Deserialize;
use web::{Client, ClientOptions, RootsError};
use witness::MAX_ANSWER_BYTES;

/// A witness, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Its cosigner key (C2SP tlog-cosignature), as `aibom witness init` prints it.
    pub key: String,
    /// Where it answers, without `/add-checkpoint`; `http://` on this machine only.
    pub url: String,
    /// A PEM file with the CA of its certificate; left out: the mesh's CA.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// Whom to ask for cosignatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignConfig {
    /// The witnesses, in the order in which their lines stand in checkpoints.
    pub witnesses: Vec<WitnessConfig>,
    /// How many must cosign; left out: a majority, which excludes a split view.
    pub quorum: Option<usize>,
    /// The CA of witnesses that name none.
    pub ca: PathBuf,
    /// How long one checkpoint may wait for its quorum, in milliseconds.
    pub deadline_ms: u64,
    /// How long one request may take, in milliseconds.
    pub request_timeout_ms: u64,
}

/// Why the witnesses cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CosignConfigError {
    /// More than signed notes have room for.
    #[error("{0} witnesses, more than the limit of {MAX_WITNESSES}")]
    TooMany(usize),
    /// Not a cosigner key.
    #[error("witness.key {key:?} cannot be used: it is what 'aibom witness init' printed")]
    Key {
        /// The text given.
        key: String,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// Two witnesses with one name or one key: one would count twice.
    #[error("the witness {0} has the name or the key of another one")]
    Twice(String),
    /// Not an address.
    #[error("witness.url {0:?} is not https://host[:port], or http:// of this machine")]
    Url(String),
    /// More than there are.
    #[error("quorum = {quorum}, but there are {witnesses} witnesses")]
    Quorum {
        /// The number given.
        quorum: usize,
        /// How many there are.
        witnesses: usize,
    },
    /// The CA file cannot be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

/// A witness to ask.
#[derive(Debug)]
pub(super) struct Witness {
    pub(super) key: CosignerKey,
    pub(super) url: String,
    pub(super) client: Client,
}

impl CosignConfig {
    pub(super) fn witnesses(&self) -> Result<Vec<Witness>, CosignConfigError> {
        if self.witnesses.len() > MAX_WITNESSES {
            return Err(CosignConfigError::TooMany(self.witnesses.len()));
        }
        let mut found: Vec<Witness> = Vec::new();
        for witness in &self.witnesses {
            let key: CosignerKey = witness
                .key
                .parse()
                .map_err(|source| CosignConfigError::Key { key: witness.key.clone(), source })?;
            let same = |other: &Witness| {
                other.key.name() == key.name() || other.key.public_key() == key.public_key()
            };
            if found.iter().any(same) {
                return Err(CosignConfigError::Twice(witness.key.clone()));
            }
            found.push(self.witness(witness, key)?);
        }
        Ok(found)
    }

    fn witness(
        &self,
        said: &WitnessConfig,
        key: CosignerKey,
    ) -> Result<Witness, CosignConfigError> {
        let url = said.url.trim_end_matches('/');
        let secure = url.starts_with("https://");
        if !secure && !url.starts_with("http://") {
            return Err(CosignConfigError::Url(said.url.clone()));
        }
        let ca = said.ca.as_ref().unwrap_or(&self.ca);
        let client = Client::new(ClientOptions {
            ca: secure.then(|| ca.clone()),
            request_timeout_ms: self.request_timeout_ms,
            connect_timeout_ms: self.request_timeout_ms,
            max_response_bytes: MAX_ANSWER_BYTES,
            ..ClientOptions::default()
        })?;
        Ok(Witness { key, url: format!("{url}/add-checkpoint"), client })
    }

    pub(super) fn quorum(&self, witnesses: usize) -> Result<usize, CosignConfigError> {
        let quorum = self.quorum.unwrap_or(if witnesses == 0 { 0 } else { witnesses / 2 + 1 });
        if quorum > witnesses {
            return Err(CosignConfigError::Quorum { quorum, witnesses });
        }
        Ok(quorum)
    }
}
