//! The scans of this process: from the cache, or joined with a run under way, or run now.

mod flights;
mod image;
pub(crate) mod kept;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use envelope::ResourceDescriptor;
use evidence::{InspectedFile, Program, ScanTarget};
use futures::future::BoxFuture;
use ids::{Sha256Digest, Timestamp};
use scandb::Unusable;
use serde::{Deserialize, Serialize};
use store::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    archive::ArchiveError,
    child::ChildError,
    config::Config,
    database::{Database, Databases},
    engine::{EngineError, Images},
    files::FilesError,
    fingerprint::Print,
    inventory::Inventory,
    programs::{MeshProgram, ProgramsError},
    report::ReportError,
    statement::Memo,
    tool::{Target, Tool, ToolMissing},
};
use flights::{Flights, Outcome};
use kept::{Found, Kept};

/// The layout of cached records; another number makes old ones unfindable.
const CACHE_LAYOUT: &str = "aibom.scan.v4";
/// How the scratch directories of runs are named; leftovers are removed at start.
const SCRATCH_PREFIX: &str = "aibom-scan-";

/// The time now, given by whoever starts the service.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why there is no scan.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The own program cannot be read.
    #[error("cannot read the scanner's own program")]
    Program(#[source] std::io::Error),
    /// Trivy is not installed.
    #[error(transparent)]
    ToolMissing(#[from] ToolMissing),
    /// The engine did not name or give the image.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The image could not be saved, or is another one.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The engine did not give the whole image in time.
    #[error("the engine did not export the image within {limit_ms} ms")]
    ExportTimedOut {
        /// The bound.
        limit_ms: u64,
    },
    /// The run of Trivy failed.
    #[error(transparent)]
    Tool(#[from] ChildError),
    /// What Trivy wrote is no report on the image.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The files of a job are not what was announced, or cannot be looked into.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The image of one of the mesh's programs could not be scanned.
    #[error("the image of {program} was not scanned: {error}")]
    Image {
        /// Which program.
        program: String,
        /// Why.
        error: Arc<Self>,
    },
    /// The programs of the mesh cannot be scanned.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// The binary or the database was replaced while the scan ran.
    #[error("the scan tool or its database was replaced during the scan")]
    Replaced,
    /// No scratch directory.
    #[error("cannot make a scratch directory in {}", path.display())]
    Scratch {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// What one run found; kept in the cache as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What the report says.
    pub inventory: Inventory,
    /// SHA-256 of the report's exact bytes.
    pub report_sha256: Sha256Digest,
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct Scanned {
    /// What was looked at.
    pub target: ScanTarget,
    /// The same, by name and digest.
    pub subject: Vec<ResourceDescriptor>,
    /// What was found.
    pub record: Arc<Record>,
    /// Each subject, when they are files.
    pub files: Vec<InspectedFile>,
    /// SHA-256 of the tool's binary.
    pub tool_sha256: Sha256Digest,
    /// The database that was used, or why none was; no database is for files.
    pub database: Result<Option<Database>, Unusable>,
    /// Whether no run was needed for it.
    pub cached: bool,
    /// The scanner service's own program.
    pub scanner: Program,
    pub(crate) memo: Arc<Memo>,
}

impl Scanned {
    /// Why it is incomplete; nothing when it is complete.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = self.record.inventory.gaps.clone();
        let unread = self.files.iter().filter(|file| !file.unread.is_empty());
        reasons.extend(unread.map(|file| format!("{}: {}", file.name, file.unread)));
        reasons.extend(self.database.as_ref().err().map(ToString::to_string));
        reasons
    }

    /// What may differ between two answers from one record, beside the run.
    pub(crate) fn variant(&self) -> String {
        let names = self.subject.iter().filter_map(|subject| subject.name.as_deref());
        let mut variant: Vec<&str> = names.collect();
        let database = match &self.database {
            Ok(Some(Database { uri, version, updated_at, .. })) => {
                format!("{uri} {version} {updated_at}")
            }
            Ok(None) => String::new(),
            Err(missing) => missing.to_string(),
        };
        variant.push(&database);
        variant.join("\n")
    }
}

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
            kept: Kept::new(cache),
            clock,
            scratch,
            max_image_bytes: config.scan.max_image_bytes,
            export_timeout_ms: config.scan.export_timeout_ms,
            max_total_bytes: config.files.max_total_bytes,
            mesh: config.mesh.iter().map(MeshProgram::new).collect(),
            runs: Semaphore::new(config.scan.max_concurrent),
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
        if let Some(found) = self.kept.recent(key) {
            hit().increment(1);
            return Ok((found, true));
        }
        let this = Arc::clone(self);
        let flight = async move {
            if let Some(found) = this.kept.record(key).await {
                hit().increment(1);
                return Ok((found, true));
            }
            match run.await {
                Ok(record) => {
                    count(target, &record.inventory, &[], whole);
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
            files: Vec::new(),
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

pub(crate) fn took(target: ScanTarget, stage: &'static str, begun: Instant) {
    metrics::histogram!("scan_seconds", "target" => target.as_str(), "stage" => stage)
        .record(begun.elapsed().as_secs_f64());
}

pub(crate) fn ran(target: ScanTarget, outcome: &'static str) {
    metrics::counter!("scans_total", "target" => target.as_str(), "outcome" => outcome)
        .increment(1);
}

/// Counts a run that ended well, and what it found.
pub(crate) fn count(
    target: ScanTarget,
    inventory: &Inventory,
    files: &[InspectedFile],
    whole: bool,
) {
    let whole = whole && inventory.gaps.is_empty() && files.iter().all(|f| f.unread.is_empty());
    ran(target, if whole { "complete" } else { "incomplete" });
    let found = |kind: &'static str, severity: String| {
        let target = target.as_str();
        metrics::counter!(
            "scan_findings_total", "target" => target, "kind" => kind, "severity" => severity
        )
        .increment(1);
    };
    for rated in inventory.vulnerabilities.iter().flat_map(|found| &found.severity) {
        if rated.method == "trivy" {
            found("vulnerability", rated.score.clone());
        }
    }
    for secret in &inventory.secrets {
        found("secret", secret.severity.to_string());
    }
    for misconfiguration in &inventory.misconfigurations {
        found("misconfiguration", misconfiguration.severity.to_string());
    }
    for hazard in files.iter().flat_map(|file| &file.hazards) {
        found("hazard", hazard.severity.to_string());
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
