//! The configuration file, parsed once into a value that builds.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evidence::Operator;
use job::Image;
use rpc::{ClientConfig, IdentityFiles, ServerConfig};
use serde::{Deserialize, Deserializer, de::Error as _};
use telemetry::TelemetryConfig;

/// The longest configuration file, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Everything that a scheduler is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where jobs and documents are kept (redb).
    pub state_dir: PathBuf,
    /// Where it listens.
    #[serde(default)]
    pub server: ServerConfig,
    /// Who it is.
    pub identity: IdentityFiles,
    /// Where artifacts are.
    pub artifacts: ArtifactsConfig,
    /// Who runs this mesh: named in every AIBoM.
    #[serde(default, deserialize_with = "operator")]
    pub operator: Option<Operator>,
    /// Who scans.
    pub scanner: ClientConfig,
    /// Who signs.
    pub signer: ClientConfig,
    /// Who logs.
    pub ledger: ClientConfig,
    /// Trainer name to image, beside those that executors announce.
    #[serde(default)]
    pub trainers: BTreeMap<String, Image>,
    /// The bounds of the queue.
    #[serde(default)]
    pub schedule: schedule::Config,
    /// How images in use are looked at again.
    #[serde(default, deserialize_with = "rescan")]
    pub rescan: RescanConfig,
    /// Logs, traces, metrics.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}

/// Who runs this mesh, in the spelling of configurations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorConfig {
    name: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    security_policy: Option<String>,
}

/// The operator, within its bounds: a grant with another would be refused by every verifier.
fn operator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Operator>, D::Error> {
    let OperatorConfig { name, url, email, security_policy } =
        OperatorConfig::deserialize(deserializer)?;
    let operator = Operator { name, url, email, security_policy };
    operator.validate().map_err(D::Error::custom)?;
    Ok(Some(operator))
}

/// How images in use are looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RescanConfig {
    /// How long after a scan the same image is asked for again, in seconds: 1 to 604800.
    pub every_s: u32,
    /// The most images that are looked at again, those of the newest jobs: 1 to 100000.
    pub max_images: usize,
    /// How long after its last job an image is in use, in days: 1 to 3650.
    pub keep_days: u32,
}

impl Default for RescanConfig {
    fn default() -> Self {
        Self { every_s: 3_600, max_images: 1_000, keep_days: 365 }
    }
}

/// The rescans, within their bounds.
fn rescan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RescanConfig, D::Error> {
    let config = RescanConfig::deserialize(deserializer)?;
    let images = u32::try_from(config.max_images).unwrap_or(u32::MAX);
    for (key, value, most) in [
        ("every_s", config.every_s, 604_800),
        ("max_images", images, 100_000),
        ("keep_days", config.keep_days, 3_650),
    ] {
        if !(1..=most).contains(&value) {
            return Err(D::Error::custom(format!("rescan.{key} is {value}: use 1 to {most}")));
        }
    }
    Ok(config)
}

/// Where artifacts are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactsConfig {
    /// A directory, `file:///…`, or `s3://bucket/prefix`.
    pub url: String,
    /// Where uploads gather; on the same file system as a local store.
    pub staging_dir: PathBuf,
    /// The largest artifact, in MiB.
    #[serde(default = "default_artifact_mib")]
    pub artifact_mib_max: u64,
    /// The most bytes that unfinished uploads may take, in MiB.
    #[serde(default = "default_staging_mib")]
    pub staging_mib_max: u64,
    /// The most uploads at one time.
    #[serde(default = "default_uploads")]
    pub uploads_max: usize,
}

const fn default_artifact_mib() -> u64 {
    64 * 1024
}

const fn default_staging_mib() -> u64 {
    256 * 1024
}

const fn default_uploads() -> usize {
    64
}

impl ArtifactsConfig {
    /// The store's own form of it.
    #[must_use]
    pub fn store(&self) -> artifacts::StoreConfig {
        const MIB: u64 = 1024 * 1024;
        artifacts::StoreConfig {
            url: self.url.clone(),
            staging_dir: self.staging_dir.clone(),
            limits: artifacts::Limits {
                artifact_bytes_max: self.artifact_mib_max.saturating_mul(MIB),
                uploads_max: self.uploads_max,
                staging_bytes_max: self.staging_mib_max.saturating_mul(MIB),
            },
        }
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
        Self::parse(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: source.into() })
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
mod tests;
