//! `[tool]`: which Trivy, how it is shut in, and what it may take.

use std::path::PathBuf;

use ids::Sha256Digest;
use serde::Deserialize;

use super::ConfigError;

/// The least memory that Trivy starts with, in bytes.
const MEMORY_BYTES_MIN: u64 = 256 * 1024 * 1024;

/// How the tool is shut in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// Its process shuts itself in before it becomes the tool.
    #[default]
    Process,
    /// It runs in a container of the engine.
    Container,
    /// Not at all.
    None,
}

/// The scan tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolConfig {
    /// The Trivy binary; its SHA-256 goes into the evidence. Not used with a container.
    #[serde(default)]
    pub path: PathBuf,
    /// How it is shut in.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// The image of the container by its id, `sha256:<hex>`.
    #[serde(default)]
    pub image: String,
    /// Whether a layer that the kernel lacks refuses to scan.
    #[serde(default)]
    pub require_sandbox: bool,
    /// Directories that a dynamically linked tool reads and runs from, beside itself.
    #[serde(default)]
    pub libraries: Vec<PathBuf>,
    /// The longest that one run may take, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// The longest report, in bytes.
    #[serde(default = "default_max_report_bytes")]
    pub max_report_bytes: usize,
    /// The most memory of one run, in bytes.
    #[serde(default = "default_max_memory_bytes")]
    pub max_memory_bytes: u64,
    /// The most that one run writes to its scratch directory, in bytes.
    #[serde(default = "default_max_scratch_bytes")]
    pub max_scratch_bytes: u64,
    /// The most processor time of a container, in thousandths of a processor.
    #[serde(default = "default_max_cpu_millis")]
    pub max_cpu_millis: u64,
    /// The program whose subcommand `run-confined` shuts the tool in: this one. No key of the file;
    /// tests, which are other programs, name it.
    #[serde(skip, default = "own_program")]
    pub launcher: PathBuf,
}

const fn default_timeout_ms() -> u64 {
    240_000
}

const fn default_max_report_bytes() -> usize {
    32 * 1024 * 1024
}

const fn default_max_memory_bytes() -> u64 {
    2 * 1024 * 1024 * 1024
}

const fn default_max_scratch_bytes() -> u64 {
    20 * 1024 * 1024 * 1024
}

const fn default_max_cpu_millis() -> u64 {
    2_000
}

/// The program that runs now, also when its file has been replaced by another version.
fn own_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

impl ToolConfig {
    /// The image of the container, when it is given by its id.
    #[must_use]
    pub fn image_id(&self) -> Option<Sha256Digest> {
        self.image.strip_prefix("sha256:")?.parse().ok()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refused = |key, value: String, reason| Err(ConfigError::Value { key, value, reason });
        let contained = self.sandbox == Sandbox::Container;
        if !contained && self.path.as_os_str().is_empty() {
            let reason = "must name the Trivy binary; deploy/setup/trivy.sh installs one";
            return refused("tool.path", "\"\"".to_owned(), reason);
        }
        if (contained || !self.image.is_empty()) && self.image_id().is_none() {
            let reason = "must be the id of an image, sha256:<64 hex digits>; \
                          deploy/setup/trivy-image.sh makes one and prints it";
            return refused("tool.image", format!("{:?}", self.image), reason);
        }
        for (key, value, least, reason) in [
            ("tool.timeout_ms", self.timeout_ms, 1, "must be at least 1"),
            ("tool.max_report_bytes", self.max_report_bytes as u64, 1, "must be at least 1"),
            (
                "tool.max_memory_bytes",
                self.max_memory_bytes,
                MEMORY_BYTES_MIN,
                "must be at least 256 MiB",
            ),
            ("tool.max_scratch_bytes", self.max_scratch_bytes, 1, "must be at least 1"),
            ("tool.max_cpu_millis", self.max_cpu_millis, 10, "must be at least 10"),
        ] {
            if value < least {
                return refused(key, value.to_string(), reason);
            }
        }
        Ok(())
    }
}
