//! One scan of one image: from the cache, or joined with a run under way, or run now.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use evidence::Program;
use futures::{
    FutureExt as _,
    future::{BoxFuture, WeakShared},
};
use ids::{Sha256Digest, Timestamp};
use job::Image;
use scandb::Unusable;
use serde::{Deserialize, Serialize};
use store::{CACHE_VALUE_BYTES_MAX, Cache};
use tokio::sync::Semaphore;

use crate::{
    archive::{self, ArchiveError},
    child::ChildError,
    config::Config,
    database::{Database, Databases},
    engine::{EngineError, Images},
    fingerprint::Print,
    inventory::Inventory,
    report::ReportError,
    tool::{Tool, ToolMissing},
};

/// The layout of cached records; another number makes old ones unfindable.
const CACHE_LAYOUT: &str = "aibom.scan.v3";
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
    /// What was found.
    pub record: Arc<Record>,
    /// SHA-256 of the tool's binary.
    pub tool_sha256: Sha256Digest,
    /// The database that was used, or why none was.
    pub database: Result<Database, Unusable>,
    /// Whether no run was needed for it.
    pub cached: bool,
    /// The scanner service's own program.
    pub scanner: Program,
}

type Outcome = Result<(Arc<Record>, bool), Arc<ScanError>>;
type Flight = BoxFuture<'static, Outcome>;

/// Everything that one run depends on.
#[derive(Debug, Clone)]
struct Plan {
    id: Sha256Digest,
    tool: Print,
    database: Option<Database>,
}

impl Plan {
    /// Same key, same result: image ids name content, and so do the two digests.
    fn key(&self) -> Sha256Digest {
        let database = self.database.as_ref().map_or_else(String::new, |db| db.sha256.to_hex());
        let text = format!("{CACHE_LAYOUT}\n{}\n{}\n{database}\n", self.id, self.tool.sha256);
        Sha256Digest::of(text.as_bytes())
    }
}

/// The scans of this process.
pub struct Scans {
    tool: Tool,
    databases: Databases,
    images: Arc<dyn Images>,
    cache: Arc<dyn Cache>,
    clock: Clock,
    scratch: PathBuf,
    max_image_bytes: u64,
    export_timeout_ms: u64,
    runs: Semaphore,
    flights: Mutex<HashMap<Sha256Digest, WeakShared<Flight>>>,
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
            cache,
            clock,
            scratch,
            max_image_bytes: config.scan.max_image_bytes,
            export_timeout_ms: config.scan.export_timeout_ms,
            runs: Semaphore::new(config.scan.max_concurrent),
            flights: Mutex::default(),
            program: Program { version: env!("CARGO_PKG_VERSION").to_owned(), digest },
        }))
    }

    /// Whether scans can run now: the tool is there. Also brings the gauges up to date.
    ///
    /// # Errors
    /// When Trivy is missing.
    pub async fn ready(&self) -> Result<(), ToolMissing> {
        if let Err(reason) = self.databases.usable((self.clock)()).await {
            tracing::warn!(%reason, "scans will be incomplete");
        }
        self.tool.ready().await
    }

    /// Scans `image`, or answers from the cache or from a run under way.
    ///
    /// # Errors
    /// When the tool, the engine or the report fails; never an empty result instead.
    pub async fn scan(self: &Arc<Self>, image: &Image) -> Result<Scanned, Arc<ScanError>> {
        let tool = self.tool.print().await.map_err(|e| Arc::new(e.into()))?;
        let database = self.databases.usable((self.clock)()).await;
        let id = self.images.resolve(image).await.map_err(|e| Arc::new(e.into()))?;
        let plan = Plan { id, tool, database: database.clone().ok() };
        let (record, cached) = self.flight(plan).await?;
        let scanner = self.program.clone();
        Ok(Scanned { record, tool_sha256: tool.sha256, database, cached, scanner })
    }

    /// The run for this plan: the one under way, or a new one. It ends when nobody waits for it.
    async fn flight(self: &Arc<Self>, plan: Plan) -> Outcome {
        let key = plan.key();
        let shared = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            let under_way = flights.get(&key).and_then(WeakShared::upgrade);
            under_way.unwrap_or_else(|| {
                let this = Arc::clone(self);
                let run = async move { this.cached_or_run(plan, key).await.map_err(Arc::new) };
                let shared = run.boxed().shared();
                flights.retain(|_, flight| flight.upgrade().is_some());
                flights.extend(shared.downgrade().map(|weak| (key, weak)));
                shared
            })
        };
        shared.await
    }

    async fn cached_or_run(
        &self,
        plan: Plan,
        key: Sha256Digest,
    ) -> Result<(Arc<Record>, bool), ScanError> {
        if let Some(record) = self.cached(key).await {
            metrics::counter!("scan_cache_hits_total").increment(1);
            return Ok((Arc::new(record), true));
        }
        let result = self.run(&plan, key).await;
        let outcome = if result.is_ok() { "ok" } else { "error" };
        metrics::counter!("scans_total", "outcome" => outcome).increment(1);
        result.map(|record| (Arc::new(record), false))
    }

    async fn run(&self, plan: &Plan, key: Sha256Digest) -> Result<Record, ScanError> {
        // The semaphore is never closed.
        let _place = self.runs.acquire().await.ok();
        let scratch = tempfile::Builder::new().prefix(SCRATCH_PREFIX).tempdir_in(&self.scratch);
        let scratch =
            scratch.map_err(|source| ScanError::Scratch { path: self.scratch.clone(), source })?;
        let input = scratch.path().join("image.tar");
        let home = scratch.path().join("home");
        std::fs::create_dir(&home)
            .map_err(|source| ScanError::Scratch { path: home.clone(), source })?;

        let started = (self.clock)();
        let config = self.save(plan.id, &input).await?;
        let begun = Instant::now();
        let directory = plan.database.as_ref().map(|_| self.databases.directory());
        let directory = directory.map(std::path::absolute).transpose();
        let directory = directory
            .map_err(|source| ScanError::Scratch { path: self.scratch.clone(), source })?;
        let report = self.tool.report(&input, &home, directory.as_deref()).await?;
        took("trivy", begun);
        let finished = (self.clock)();
        self.unreplaced(plan).await?;

        let inventory = Inventory::read(&report, config)?;
        let report_sha256 = Sha256Digest::of(&report);
        let record = Record { inventory, report_sha256, started, finished };
        tracing::info!(
            image = %plan.id,
            packages = record.inventory.packages.len(),
            vulnerabilities = record.inventory.vulnerabilities.len(),
            "scanned"
        );
        self.keep(key, &record, report).await;
        Ok(record)
    }

    async fn save(&self, id: Sha256Digest, input: &Path) -> Result<Sha256Digest, ScanError> {
        let begun = Instant::now();
        let limit_ms = self.export_timeout_ms;
        let saving = archive::save(self.images.export(id), input, self.max_image_bytes, id);
        let saved = tokio::time::timeout(Duration::from_millis(limit_ms), saving).await;
        let config = saved.map_err(|_| ScanError::ExportTimedOut { limit_ms })??;
        took("export", begun);
        Ok(config)
    }

    /// The digests in the evidence must be those of what ran.
    async fn unreplaced(&self, plan: &Plan) -> Result<(), ScanError> {
        let same_tool = self.tool.print().await? == plan.tool;
        let same_database = match &plan.database {
            Some(database) => self.databases.still(database).await,
            None => true,
        };
        if same_tool && same_database { Ok(()) } else { Err(ScanError::Replaced) }
    }

    /// A record from the cache; a cache that fails is a cache without the record.
    async fn cached(&self, key: Sha256Digest) -> Option<Record> {
        let cache = Arc::clone(&self.cache);
        let read = move || {
            let bytes = cache.get(&entry(key, "record"))?;
            Ok::<_, store::CacheError>(bytes.and_then(|b| serde_json::from_slice(&b).ok()))
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(record)) => record,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the scan cache cannot be read");
                None
            }
            Err(_) => None,
        }
    }

    /// Keeps the record and, when it fits, the raw report that its digest names.
    async fn keep(&self, key: Sha256Digest, record: &Record, report: Vec<u8>) {
        let Ok(record) = serde_json::to_vec(record) else { return };
        let cache = Arc::clone(&self.cache);
        let write = move || {
            if report.len() <= CACHE_VALUE_BYTES_MAX {
                cache.put(&entry(key, "report"), &report)?;
            }
            cache.put(&entry(key, "record"), &record)
        };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
            tracing::warn!(%error, "the scan is not cached");
        }
    }
}

/// The key of a cache entry; the digest first, so that the cache evicts evenly.
fn entry(key: Sha256Digest, kind: &str) -> Vec<u8> {
    [key.as_bytes().as_slice(), kind.as_bytes()].concat()
}

fn took(stage: &'static str, begun: Instant) {
    metrics::histogram!("scan_seconds", "stage" => stage).record(begun.elapsed().as_secs_f64());
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
