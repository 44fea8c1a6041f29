//! A download as a command line of Trivy's own: who runs it bounds its time and its output.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// The longest that one download may take, in milliseconds.
pub const DOWNLOAD_TIMEOUT_MS: u64 = 15 * 60_000;
/// How much later Trivy would give up by itself than it is stopped, in milliseconds.
const OWN_TIMEOUT_MARGIN_MS: u64 = 60_000;
/// The longest name of a repository, in bytes.
const REPOSITORY_BYTES_MAX: usize = 255;
/// What Trivy sees of the environment: how to reach a registry, and as whom.
const KEPT: [&str; 10] = [
    "HOME",
    "DOCKER_CONFIG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// A registry's repository with a tag or a digest, such as `registry.example.org/trivy-db:2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

/// A text that names no repository.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} names no repository: host[:port]/path:tag of 1 to {REPOSITORY_BYTES_MAX} letters, digits and .:/@_-"
)]
pub struct RepositoryError(String);

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |b: u8| b.is_ascii_alphanumeric() || b".:/@_-".contains(&b);
        let holds = (1..=REPOSITORY_BYTES_MAX).contains(&text.len())
            && text.bytes().all(known)
            // It becomes an argument: never one that reads as a flag.
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.contains('/')
            && !text.contains("//");
        if holds { Ok(Self(text.to_owned())) } else { Err(RepositoryError(text.to_owned())) }
    }
}

impl TryFrom<String> for Repository {
    type Error = RepositoryError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One download.
#[derive(Debug, Clone)]
pub struct Download {
    /// The Trivy binary.
    pub trivy: PathBuf,
    /// From where; without, where Trivy itself looks.
    pub repository: Option<Repository>,
    /// Whether somebody watches Trivy's progress bar.
    pub progress: bool,
}

impl Download {
    /// Trivy's own download into `directory`, which is empty and absolute: it then holds
    /// `db/trivy.db` and `db/metadata.json`. Nothing of the caller's environment reaches it but how to
    /// reach a registry, and Trivy finds no configuration file where it runs.
    #[must_use]
    pub fn command(&self, directory: &Path) -> Command {
        let own_ms = DOWNLOAD_TIMEOUT_MS + OWN_TIMEOUT_MARGIN_MS;
        let mut command = Command::new(&self.trivy);
        command.args(["image", "--download-db-only", "--skip-version-check"]);
        command.arg("--disable-telemetry").arg("--timeout").arg(format!("{own_ms}ms"));
        if let Some(Repository(repository)) = &self.repository {
            command.arg("--db-repository").arg(repository);
        }
        if !self.progress {
            command.arg("--no-progress");
        }
        command.arg("--cache-dir").arg(directory).current_dir(directory);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("TMPDIR", directory);
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }
}

#[cfg(test)]
mod tests;
