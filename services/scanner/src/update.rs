//! Keeps the database young, where that is configured: Trivy downloads it beside, and it is imported.
//!
//! Scans never wait for it: they use what is in place. What fails leaves that as it is, is logged and
//! counted, and is tried again at the next turn.

use std::{path::PathBuf, time::Duration};

use rpc::CancellationToken;
use scandb::{DOWNLOAD_TIMEOUT_MS, Download, ImportError, Imported, Installer, Options};
use tokio::process::Command;

use crate::{
    child::{self, Bounds, ChildError},
    config::Config,
    scan::Clock,
};

/// The most that a download may write, in bytes: archive and database.
const DOWNLOAD_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;
/// The most that Trivy may say of a download on its standard output, in bytes.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// Why the database was not updated; the one in place is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Trivy did not download it.
    #[error("Trivy did not download the database")]
    Download(#[from] ChildError),
    /// What it downloaded is not imported.
    #[error("the database is not imported")]
    Import(#[from] ImportError),
    /// The import ended with a panic.
    #[error("the import ended abnormally")]
    Task(#[from] tokio::task::JoinError),
}

/// Updates of one database.
#[derive(Clone)]
pub struct Updates {
    directory: PathBuf,
    download: Download,
    every: Duration,
    clock: Clock,
}

impl std::fmt::Debug for Updates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updates").field("download", &self.download).finish_non_exhaustive()
    }
}

impl Updates {
    /// As configured; `None` where updates are not asked for.
    #[must_use]
    pub fn of(config: &Config, clock: Clock) -> Option<Self> {
        let update = config.database.update.clone()?;
        // Trivy runs in the directory of the download.
        let trivy =
            std::path::absolute(&config.tool.path).unwrap_or_else(|_| config.tool.path.clone());
        Some(Self {
            directory: config.database.directory.clone(),
            download: Download { trivy, repository: update.repository, progress: false },
            every: Duration::from_hours(update.every_h.into()),
            clock,
        })
    }

    /// Updates at once, and then at every turn until the service ends.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut turn = tokio::time::interval(self.every);
        turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = turn.tick() => {}
            }
            // Whoever drops a download ends it.
            tokio::select! {
                () = shutdown.cancelled() => return,
                updated = self.once() => report(updated),
            }
        }
    }

    /// Downloads and imports once.
    ///
    /// # Errors
    /// When Trivy fails or what it downloaded is refused.
    pub async fn once(&self) -> Result<Imported, UpdateError> {
        let installer = Installer::lock(&self.directory)?;
        let directory = installer.download_directory()?;
        let bounds = Bounds {
            time_ms: DOWNLOAD_TIMEOUT_MS,
            output_bytes: OUTPUT_BYTES_MAX,
            scratch_bytes: DOWNLOAD_BYTES_MAX,
        };
        let command = Command::from(self.download.command(&directory));
        child::run(command, bounds, Some(&directory)).await?;
        let options = Options { now: (self.clock)(), sha256: None, allow_older: false };
        // Hundreds of megabytes are copied and hashed.
        let import = move || installer.import(&directory, &options);
        Ok(tokio::task::spawn_blocking(import).await??)
    }
}

fn report(updated: Result<Imported, UpdateError>) {
    let outcome = match &updated {
        Ok(Imported { unchanged: true, .. }) => "unchanged",
        Ok(_) => "updated",
        Err(UpdateError::Download(_)) => "download_failed",
        Err(UpdateError::Import(_) | UpdateError::Task(_)) => "refused",
    };
    metrics::counter!("scan_database_updates_total", "outcome" => outcome).increment(1);
    match updated {
        Ok(Imported { metadata, sha256, .. }) => {
            tracing::info!(outcome, updated_at = %metadata.updated_at, %sha256, "vulnerability database");
        }
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(outcome, error, "the vulnerability database stays as it is");
        }
    }
}
