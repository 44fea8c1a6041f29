//! The configuration file, parsed once into a value that builds.

mod confine;
mod keys;

use std::path::{Path, PathBuf};

use rpc::{IdentityFiles, ServerConfig};
use serde::Deserialize;
use telemetry::TelemetryConfig;

pub use confine::{ConfineConfig, ModuleConfig};
pub use keys::KeysConfig;

/// The longest configuration file, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Everything that a signer is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the journal of answers is kept (redb).
    pub state_dir: PathBuf,
    /// What evidence is checked against, and what verifiers pin; read again when it changes.
    pub trust_root: PathBuf,
    /// The release policy, signed by a policy key of the trust root; read again when it changes.
    pub policy: PathBuf,
    /// Where the signing keys are.
    pub keys: KeysConfig,
    /// How it shuts itself in; it always does.
    #[serde(default)]
    pub confine: ConfineConfig,
    /// Requests that are worked on at once; each may hold 64 MiB. 1 to 64.
    #[serde(default)]
    pub attests_max: AttestsMax,
    /// Where it listens.
    #[serde(default)]
    pub server: ServerConfig,
    /// A second listener for anybody, without client certificates; left out: none.
    #[serde(default)]
    pub public: Option<ServerConfig>,
    /// Who it is.
    pub identity: IdentityFiles,
    /// Logs, traces, metrics.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}

/// How many requests are worked on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "usize")]
pub struct AttestsMax(usize);

impl AttestsMax {
    /// The number.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }
}

impl Default for AttestsMax {
    fn default() -> Self {
        Self(8)
    }
}

impl TryFrom<usize> for AttestsMax {
    type Error = String;

    fn try_from(count: usize) -> Result<Self, String> {
        if (1..=64).contains(&count) {
            return Ok(Self(count));
        }
        Err(format!("attests_max is {count}, it must be 1 to 64"))
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is longer than any configuration.
    #[error("the configuration {path} is longer than {MAX_CONFIG_BYTES} bytes")]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// A key or value is wrong; the source names both.
    #[error("the configuration {path} is wrong")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Which key, and what is wrong.
        #[source]
        source: Box<toml::de::Error>,
    },
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or a key or value is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(read)?.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLong { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let mut config: Self = toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: source.into(),
        })?;
        if let Some(public) = &mut config.public {
            public.public = true;
        }
        Ok(config)
    }
}
