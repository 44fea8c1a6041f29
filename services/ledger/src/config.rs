//! The configuration file, parsed once into a value that builds.

use std::path::{Path, PathBuf};

use rpc::{IdentityFiles, ServerConfig};
use serde::Deserialize;
use telemetry::TelemetryConfig;

use crate::cosign::{CosignConfig, WitnessConfig};

/// The longest configuration file, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// The times that may be set, in milliseconds: shorter ones would keep a processor busy with nothing,
/// longer ones are a slip of the pen.
const TIMES_MS: std::ops::RangeInclusive<u64> = 10..=3_600_000;

/// Everything that a ledger is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the log is kept (redb).
    pub state_dir: PathBuf,
    /// The Ed25519 key that signs checkpoints, PKCS#8 PEM, readable by its owner only.
    pub key: PathBuf,
    /// The log's name in its checkpoints; left out: `<trust-domain>/ledger`.
    #[serde(default)]
    pub origin: Option<String>,
    /// Where it is published as static files, a path or `s3://bucket/prefix`; left out: `tiles`
    /// in the state directory.
    #[serde(default)]
    pub tiles: Option<String>,
    /// The least time between the beginnings of two publications, in milliseconds.
    #[serde(default = "default_publish_every_ms")]
    pub publish_every_ms: u64,
    /// Where it listens.
    #[serde(default)]
    pub server: ServerConfig,
    /// A second listener for anybody, without client certificates; left out: none.
    #[serde(default)]
    pub public: Option<ServerConfig>,
    /// Where the published files are served over HTTPS, for anybody; left out: they are not, and a
    /// web server or CDN in front of `tiles` may.
    #[serde(default, rename = "static")]
    pub statics: Option<web::ServerOptions>,
    /// Who cosigns its checkpoints; none: the log stands alone.
    #[serde(default, rename = "witness")]
    pub witnesses: Vec<WitnessConfig>,
    /// How many witnesses must cosign before an entry counts; left out: a majority.
    #[serde(default)]
    pub quorum: Option<usize>,
    /// The longest time without asking the witnesses, in milliseconds: also where nothing new is
    /// logged, they say whether they know another history.
    #[serde(default = "default_cosign_every_ms")]
    pub cosign_every_ms: u64,
    /// How long a checkpoint may wait for its quorum, in milliseconds.
    #[serde(default = "default_cosign_deadline_ms")]
    pub cosign_deadline_ms: u64,
    /// How long one request to a witness may take, in milliseconds.
    #[serde(default = "default_cosign_request_timeout_ms")]
    pub cosign_request_timeout_ms: u64,
    /// Who it is.
    pub identity: IdentityFiles,
    /// Logs, traces, metrics.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}

const fn default_publish_every_ms() -> u64 {
    250
}

const fn default_cosign_every_ms() -> u64 {
    60_000
}

const fn default_cosign_deadline_ms() -> u64 {
    10_000
}

const fn default_cosign_request_timeout_ms() -> u64 {
    5_000
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
    /// A time is out of bounds.
    #[error(
        "the configuration {path} has {key} = {value}: {} to {} milliseconds are taken",
        TIMES_MS.start(), TIMES_MS.end()
    )]
    Time {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: &'static str,
        /// What it says, in milliseconds.
        value: u64,
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
    /// When it cannot be read, a key or value is wrong, or a time is out of bounds.
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
        let times = [
            ("publish_every_ms", config.publish_every_ms),
            ("cosign_every_ms", config.cosign_every_ms),
            ("cosign_deadline_ms", config.cosign_deadline_ms),
            ("cosign_request_timeout_ms", config.cosign_request_timeout_ms),
        ];
        if let Some((key, value)) = times.into_iter().find(|(_, ms)| !TIMES_MS.contains(ms)) {
            return Err(ConfigError::Time { path: path.to_owned(), key, value });
        }
        if let Some(public) = &mut config.public {
            public.public = true;
        }
        Ok(config)
    }

    /// Where it is published.
    #[must_use]
    pub fn tiles(&self) -> String {
        let local = || self.state_dir.join("tiles").to_string_lossy().into_owned();
        self.tiles.clone().unwrap_or_else(local)
    }

    /// Whom to ask for cosignatures.
    #[must_use]
    pub fn cosign(&self) -> CosignConfig {
        CosignConfig {
            witnesses: self.witnesses.clone(),
            quorum: self.quorum,
            ca: self.identity.ca.clone(),
            deadline_ms: self.cosign_deadline_ms,
            request_timeout_ms: self.cosign_request_timeout_ms,
        }
    }
}
