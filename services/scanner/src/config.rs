//! The configuration file: parsed once, every bound by name with its unit, unknown keys refused.

mod programs;
mod tool;

use std::path::{Path, PathBuf};

use rpc::{IdentityFiles, ServerConfig};
use scandb::UPDATE_HOURS_MAX;
use serde::Deserialize;
use telemetry::TelemetryConfig;

pub use programs::{ProgramConfig, ProgramSource};
pub use tool::{Sandbox, ToolConfig};

/// The whole file; `config.example.toml` explains it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the service listens.
    #[serde(default)]
    pub server: ServerConfig,
    /// The service's certificate, key and roots; the key also signs the evidence.
    pub identity: IdentityFiles,
    /// Logs, traces, metrics.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// The container engine.
    #[serde(default)]
    pub engine: EngineConfig,
    /// Trivy.
    pub tool: ToolConfig,
    /// Its database.
    pub database: scandb::Config,
    /// Bounds and places of the scans.
    pub scan: ScanConfig,
    /// Bounds of the files of jobs.
    #[serde(default)]
    pub files: FilesConfig,
    /// The programs of the mesh's services; none means that they are not scanned.
    #[serde(default)]
    pub mesh: Vec<ProgramConfig>,
}

/// Where the container engine answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Its Unix socket.
    pub socket: PathBuf,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { socket: PathBuf::from("/var/run/docker.sock") }
    }
}

/// Bounds and places of the scans.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanConfig {
    /// Where exported images lie while they are scanned; needs room for `max_concurrent` images.
    pub scratch_directory: PathBuf,
    /// Where results are remembered.
    pub cache_directory: PathBuf,
    /// How many entries the cache holds; a scan takes two.
    #[serde(default = "default_max_cache_entries")]
    pub max_cache_entries: usize,
    /// The largest image, in bytes.
    #[serde(default = "default_max_image_bytes")]
    pub max_image_bytes: u64,
    /// The longest that the engine may take to export an image, in milliseconds.
    #[serde(default = "default_export_timeout_ms")]
    pub export_timeout_ms: u64,
    /// How old a result may be to answer from it, in hours; an older one is made anew.
    #[serde(default = "default_max_record_age_h")]
    pub max_record_age_h: u32,
    /// How many scans run at once; more wait.
    #[serde(default = "default_max_concurrent")]
    pub max_concurrent: usize,
}

/// Bounds of the files of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilesConfig {
    /// The largest sum of the files of one scan, in bytes; the scratch directory needs room for
    /// eight times as much.
    pub max_total_bytes: u64,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self { max_total_bytes: 16 * 1024 * 1024 * 1024 }
    }
}

const fn default_max_cache_entries() -> usize {
    512
}

const fn default_max_record_age_h() -> u32 {
    24
}

const fn default_max_image_bytes() -> u64 {
    20 * 1024 * 1024 * 1024
}

const fn default_export_timeout_ms() -> u64 {
    300_000
}

const fn default_max_concurrent() -> usize {
    2
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No TOML, an unknown or missing key, or a value of another type.
    #[error("the configuration does not hold: {0}")]
    Parse(#[from] toml::de::Error),
    /// A value outside its bounds.
    #[error("{key} = {value}: {reason}")]
    Value {
        /// The key, with its section.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: &'static str,
    },
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read or does not hold.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { path: path.to_owned(), source };
        Self::parse(&std::fs::read_to_string(path).map_err(read)?)
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// When it does not parse, has an unknown key, or a value is outside its bounds.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.tool.check()?;
        programs::check(&self.mesh)?;
        let label = &self.database.label;
        let label_ok = (1..=64).contains(&label.len())
            && label
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b' '));
        if !label_ok {
            return Err(ConfigError::Value {
                key: "database.label",
                value: format!("{label:?}"),
                reason: "1 to 64 of a-z, 0-9, '.', '-', '_' and blanks",
            });
        }
        let at_least_one = [
            ("database.max_age_days", u64::from(self.database.max_age_days)),
            ("scan.max_cache_entries", self.scan.max_cache_entries as u64),
            ("scan.max_record_age_h", u64::from(self.scan.max_record_age_h)),
            ("scan.max_image_bytes", self.scan.max_image_bytes),
            ("scan.export_timeout_ms", self.scan.export_timeout_ms),
            ("scan.max_concurrent", self.scan.max_concurrent as u64),
            ("files.max_total_bytes", self.files.max_total_bytes),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                let (value, reason) = (value.to_string(), "must be at least 1");
                return Err(ConfigError::Value { key, value, reason });
            }
        }
        if self.database.update.is_some() && self.tool.path.as_os_str().is_empty() {
            let reason = "must name the Trivy binary: database.update downloads with it, also when \
                          scans run in a container (tool.sandbox)";
            return Err(ConfigError::Value { key: "tool.path", value: "\"\"".to_owned(), reason });
        }
        let every_h = self.database.update.as_ref().map_or(1, |update| update.every_h);
        if !(1..=UPDATE_HOURS_MAX).contains(&every_h) {
            let (key, reason) = ("database.update.every_h", "must be 1 to 168, a week");
            return Err(ConfigError::Value { key, value: every_h.to_string(), reason });
        }
        if self.scan.max_concurrent > 64 {
            let value = self.scan.max_concurrent.to_string();
            let (key, reason) = ("scan.max_concurrent", "must be at most 64");
            return Err(ConfigError::Value { key, value, reason });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
