//! The scans of this process: from the cache, or joined with a run under way, or run now.

mod counts;
mod error;
mod flights;
mod image;
pub(crate) mod kept;
mod scanned;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use envelope::ResourceDescriptor;
use evidence::{Program, ScanTarget};
use futures::future::BoxFuture;
use ids::{Sha256Digest, Timestamp};
use scandb::Unusable;
use store::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::{
    config::Config,
    database::{Database, Databases},
    engine::Images,
    files::STREAMS_MAX,
    fingerprint::Print,
    programs::MeshProgram,
    tool::{Target, Tool, ToolMissing},
};
pub(crate) use counts::took;
use counts::{count, ran};
pub use error::ScanError;
use flights::{Flights, Outcome};
use kept::{Found, Kept};
pub use scanned::{Record, Scanned};

/// The layout of cached records; another number makes old ones unfindable.
const CACHE_LAYOUT: &str = "aibom.scan.v5";
/// How the scratch directories of runs are named; leftovers are removed at start.
const SCRATCH_PREFIX: &str = "aibom-scan-";

/// The time now, given by whoever starts the service.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What every run depends on, beside what is scanned.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) tool: Print,
    pub(crate) database: Result<Option<Database>, Unusable>,
}

impl Plan {
    pub(crate) fn database(&self) -> Option<&Database> {
        self.database.as_ref().ok().and_then(Option::as_ref)
    }

    /// Same key, same result: what is scanned is named by digests, and so are tool and database.
    pub(crate) fn key(&self, what: &str) -> Sha256Digest {
        let database = self.database().map_or_else(String::new, |db| db.sha256.to_hex());
        let text = format!("{CACHE_LAYOUT}\n{what}\n{}\n{database}\n", self.tool.sha256);
        Sha256Digest::of(text.as_bytes())
    }
}

/// The scans of this process.
pub struct Scans {
    tool: Tool,
    databases: Databases,
    pub(crate) images: Arc<dyn Images>,
    pub(crate) kept: Kept,
    clock: Clock,
    scratch: PathBuf,
    max_image_bytes: u64,
    export_timeout_ms: u64,
    pub(crate) max_total_bytes: u64,
    pub(crate) mesh: Vec<MeshProgram>,
    runs: Semaphore,
    streams: Arc<Semaphore>,
    flights: Flights,
    program: Program,
}

impl std::fmt::Debug for Scans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scans").field("tool", &self.tool).finish_non_exhaustive()
    }
}

impl Scans {
    /// Prepares scans as configured, and removes what an earlier process left in the scratch
    /// directory.
    ///
    /// # Errors
    /// When the scratch directory cannot be made.
    pub fn new(
        config: &Config,
        images: Arc<dyn Images>,
        cache: Arc<dyn Cache>,
        clock: Clock,
    ) -> Result<Arc<Self>, ScanError> {
        let scratch = config.scan.scratch_directory.clone();
        let digest = telemetry::own_program().map_err(ScanError::Program)?;
        clear_leftovers(&scratch)
            .map_err(|source| ScanError::Scratch { path: scratch.clone(), source })?;
        Ok(Arc::new(Self {
            tool: Tool::new(config),
            databases: Databases::new(&config.database),
            images,
            kept: Kept::new(cache, config.scan.max_record_age_h),
            clock,
            scratch,
            max_image_bytes: config.scan.max_image_bytes,
            export_timeout_ms: config.scan.export_timeout_ms,
            max_total_bytes: config.files.max_total_bytes,
            mesh: config.mesh.iter().map(MeshProgram::new).collect(),
            runs: Semaphore::new(config.scan.max_concurrent),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            flights: Flights::default(),
            program: Program { version: env!("CARGO_PKG_VERSION").to_owned(), digest },
        }))
    }

    /// Whether scans can run now: the tool is there. Also brings the gauges up to date.
    ///
    /// # Errors
    /// When Trivy is missing.
    pub async fn ready(&self) -> Result<(), ToolMissing> {
        let database = self.databases.usable((self.clock)()).await;
        metrics::gauge!("scan_database_usable").set(if database.is_ok() { 1.0 } else { 0.0 });
        if let Err(reason) = database {
            tracing::warn!(%reason, "scans will be incomplete");
        }
        let tool = self.tool.ready().await;
        metrics::gauge!("scan_tool_present").set(if tool.is_ok() { 1.0 } else { 0.0 });
        tool
    }

    /// The raw report of this digest, while it is kept.
    pub async fn report(&self, sha256: Sha256Digest) -> Option<Vec<u8>> {
        self.kept.report(sha256).await
    }

    /// What a run of now would depend on; files need no database.
    pub(crate) async fn plan(&self, target: ScanTarget) -> Result<Plan, ScanError> {
        let tool = self.tool.print().await?;
        let database = match target {
            ScanTarget::Inputs | ScanTarget::Outputs => Ok(None),
            ScanTarget::Image | ScanTarget::Mesh => {
                self.databases.usable((self.clock)()).await.map(Some)
            }
        };
        Ok(Plan { tool, database })
    }

    /// The record for this key: from memory, from the run under way, from the cache, or from `run`.
    pub(crate) async fn found(
        self: &Arc<Self>,
        key: Sha256Digest,
        target: ScanTarget,
        plan: &Plan,
        run: BoxFuture<'static, Result<Record, ScanError>>,
    ) -> Outcome {
        let whole = plan.database.is_ok();
        let hit = move || metrics::counter!("scan_cache_hits_total", "target" => target.as_str());
        if let Some(found) = self.kept.recent(key, self.now()) {
            hit().increment(1);
            return Ok((found, true));
        }
        let this = Arc::clone(self);
        let flight = async move {
            if let Some(found) = this.kept.record(key, this.now()).await {
                hit().increment(1);
                return Ok((found, true));
            }
            match run.await {
                Ok(record) => {
                    count(target, &record, whole);
                    Ok((this.kept.keep(key, record).await, false))
                }
                Err(error) => {
                    ran(target, "failed");
                    Err(Arc::new(error))
                }
            }
        };
        self.flights.join(key, target.as_str(), flight).await
    }

    /// The answer that `found` gives to a request planned as `plan`.
    pub(crate) fn answer(
        &self,
        target: ScanTarget,
        subject: Vec<ResourceDescriptor>,
        plan: Plan,
        (found, cached): (Found, bool),
    ) -> Scanned {
        Scanned {
            target,
            subject,
            record: found.record,
            tool_sha256: plan.tool.sha256,
            database: plan.database,
            cached,
            scanner: self.program.clone(),
            memo: found.memo,
        }
    }

    /// A place to run in; runs beyond `max_concurrent` wait for one.
    pub(crate) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.runs.acquire().await.ok()
    }

    /// A stream to receive files by; more than [`STREAMS_MAX`] wait for one.
    pub(crate) async fn stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).acquire_owned().await.ok()
    }

    /// A new scratch directory.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir, ScanError> {
        let made = tempfile::Builder::new().prefix(SCRATCH_PREFIX).tempdir_in(&self.scratch);
        made.map_err(|source| ScanError::Scratch { path: self.scratch.clone(), source })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// One run of the tool on `target`; gives the report. Whoever reads it keeps it then: one that
    /// does not hold is not remembered.
    pub(crate) async fn run_tool(
        &self,
        what: ScanTarget,
        target: Target<'_>,
        scratch: &Path,
        plan: &Plan,
    ) -> Result<Vec<u8>, ScanError> {
        let failed = |path: &Path, source| ScanError::Scratch { path: path.to_owned(), source };
        let home = scratch.join("home");
        std::fs::create_dir(&home).map_err(|source| failed(&home, source))?;
        let directory = plan.database().map(|_| self.databases.directory());
        let directory = directory.map(std::path::absolute).transpose();
        let directory = directory.map_err(|source| failed(&self.scratch, source))?;
        let begun = Instant::now();
        let report = self.tool.scan(target, &home, directory.as_deref()).await?;
        took(what, "trivy", begun);
        self.unreplaced(plan).await?;
        Ok(report)
    }

    /// Keeps a report that was read under its digest.
    pub(crate) async fn keep_report(&self, report: &[u8]) -> Sha256Digest {
        let sha256 = Sha256Digest::of(report);
        self.kept.keep_report(sha256, report).await;
        sha256
    }

    /// The digests in the evidence must be those of what ran.
    async fn unreplaced(&self, plan: &Plan) -> Result<(), ScanError> {
        let same_tool = self.tool.print().await? == plan.tool;
        let same_database = match plan.database() {
            Some(database) => self.databases.still(database).await,
            None => true,
        };
        if same_tool && same_database { Ok(()) } else { Err(ScanError::Replaced) }
    }
}

fn clear_leftovers(scratch: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(scratch)?;
    for entry in std::fs::read_dir(scratch)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(SCRATCH_PREFIX);
        if ours && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
