//! The Trivy binary: whether it is there, its digest, and one run of it.

mod target;

use std::{io, os::unix::fs::PermissionsExt as _, path::Path};

use tokio::process::Command;

use crate::{
    child::{self, Bounds, ChildError},
    config::ToolConfig,
    fingerprint::{Fingerprint, Print},
};
pub(crate) use target::Target;

/// How much later Trivy would give up by itself than it is killed, in milliseconds.
const OWN_TIMEOUT_MARGIN_MS: u64 = 60_000;

/// The tool is not there, or cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("no usable Trivy at {path} ({reason}); deploy/setup/trivy.sh installs it")]
pub struct ToolMissing {
    path: String,
    reason: String,
}

/// The tool at its configured path.
#[derive(Debug)]
pub(crate) struct Tool {
    file: Fingerprint,
    bounds: Bounds,
}

impl Tool {
    pub(crate) fn new(config: &ToolConfig) -> Self {
        Self {
            file: Fingerprint::new(config.path.clone()),
            bounds: Bounds { time_ms: config.timeout_ms, output_bytes: config.max_report_bytes },
        }
    }

    /// The binary's digest now.
    pub(crate) async fn print(&self) -> Result<Print, ToolMissing> {
        let missing = |error: io::Error| ToolMissing {
            path: self.file.path().display().to_string(),
            reason: error.to_string(),
        };
        let metadata = std::fs::metadata(self.file.path()).map_err(missing)?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            return Err(missing(io::Error::other("not an executable file")));
        }
        self.file.print().await.map_err(missing)
    }

    /// The report on `target`. Without a database, vulnerabilities are not looked up. `scratch` is an
    /// empty directory: Trivy obeys a `trivy.yaml` or `.trivyignore` where it runs.
    pub(crate) async fn scan(
        &self,
        target: Target<'_>,
        scratch: &Path,
        database: Option<&Path>,
    ) -> Result<Vec<u8>, ChildError> {
        let own_ms = self.bounds.time_ms.saturating_add(OWN_TIMEOUT_MARGIN_MS);
        let program = std::path::absolute(self.file.path()).map_err(ChildError::Start)?;
        let mut command = Command::new(program);
        command
            .args(target.words(target.path(), database.is_some()))
            .arg("--timeout")
            .arg(format!("{own_ms}ms"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", scratch)
            .env("TMPDIR", scratch)
            .env("TRIVY_CACHE_DIR", database.unwrap_or(scratch))
            .current_dir(scratch);
        child::run(command, self.bounds).await
    }
}
