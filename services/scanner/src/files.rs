//! The scan of a job's files: what came with it, or what training left. Each file is looked into by
//! the rules of `inspect`, and searched for secrets and misconfigurations by Trivy.
//!
//! Names are labels: the scratch directory calls a file by its digest, so that no name leads out of
//! it, and none hides a file from the tool, which passes over what is called a test or an example.

mod receive;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
    time::Instant,
};

use envelope::ResourceDescriptor;
use evidence::{
    FileHazard, InspectedFile, Level, MAX_FILE_HAZARDS, Misconfiguration, ScanTarget, ScannedRun,
    SecretFinding,
};
use ids::{Sha256Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    inventory::{Inventory, findings::worst},
    report::About,
    scan::{
        Plan, Record, ScanError, Scanned, Scans, count,
        kept::{Found, entry},
        ran, took,
    },
    tool::Target,
};
pub use receive::{FilesError, Receiving};

/// The layout of what is kept of a file; another number makes older entries unfindable.
const LAYOUT: &str = "aibom.scan.file.v1";
/// The longest extension that counts as one, in bytes.
const EXTENSION_MAX: usize = 16;
/// The extensions under which the tool reads a configuration; all else is searched as a text.
const CONFIGURATIONS: [&str; 5] = ["dockerfile", "json", "tf", "yaml", "yml"];

/// A file as it is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFile {
    /// A label. 1 to 128 characters.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// Its length in bytes.
    pub size: u64,
}

impl WantedFile {
    /// What follows the last dot of the name, in small letters.
    fn extension(&self) -> String {
        let (_, extension) = self.name.rsplit_once('.').unwrap_or_default();
        let plain = extension.bytes().all(|b| b.is_ascii_alphanumeric());
        let holds = plain && extension.len() <= EXTENSION_MAX;
        if holds { extension.to_ascii_lowercase() } else { String::new() }
    }

    /// What it is called while it is looked into.
    fn alias(&self) -> String {
        let extension = match self.name.as_str() {
            "Dockerfile" => "dockerfile".to_owned(),
            _ => self.extension(),
        };
        let known = CONFIGURATIONS.contains(&extension.as_str());
        format!("{}.{}", self.sha256, if known { &extension } else { "txt" })
    }
}

/// The files of one request.
#[derive(Debug, Clone)]
pub struct Files {
    /// The run that they belong to.
    pub run: ScannedRun,
    /// Inputs or outputs.
    pub target: ScanTarget,
    /// The files, in the order of the evidence. 1 to 64.
    pub files: Vec<WantedFile>,
}

/// What is known of a file's content, whatever it is called; kept in the cache as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    tool_version: String,
    format: String,
    hazards: Vec<FileHazard>,
    unread: String,
    secrets: Vec<SecretFinding>,
    misconfigurations: Vec<Misconfiguration>,
    gaps: Vec<String>,
    report_sha256: Sha256Digest,
    started: Timestamp,
    finished: Timestamp,
}

fn key(file: &WantedFile, plan: &Plan) -> Sha256Digest {
    let (extension, rules) = (file.extension(), inspect::RULES_VERSION);
    plan.key(&format!("{LAYOUT}\n{}\n{extension}\n{rules}", file.sha256))
}

impl Scans {
    /// The answer, when every one of these files is known already.
    ///
    /// # Errors
    /// When the tool is missing.
    pub async fn known(&self, files: &Files) -> Result<Option<Scanned>, ScanError> {
        let plan = self.plan(files.target).await?;
        let mut contents = Vec::new();
        for file in &files.files {
            let Some(content) = self.kept.value(key(file, &plan), "file").await else {
                return Ok(None);
            };
            contents.push(content);
        }
        let Some(scanned) = self.of_files(files, &contents, plan, true).await else {
            return Ok(None);
        };
        metrics::counter!("scan_cache_hits_total", "target" => files.target.as_str()).increment(1);
        Ok(Some(scanned))
    }

    /// Waits for a place, and makes room for the files in the scratch directory.
    ///
    /// # Errors
    /// When the files are more or longer than allowed, or there is no scratch directory.
    pub async fn receive<'s>(&'s self, files: &Files) -> Result<Receiving<'s>, ScanError> {
        receive::bounded(files, self.max_total_bytes)?;
        let place = self.place().await;
        let wanted = files.files.iter().map(|file| (file.clone(), file.alias()));
        Ok(Receiving::new(self.scratch()?, wanted.collect(), place).await?)
    }

    /// Scans what was received.
    ///
    /// # Errors
    /// When bytes are missing, or the tool or its report fails.
    pub async fn scan_files(
        &self,
        files: &Files,
        received: Receiving<'_>,
    ) -> Result<Scanned, ScanError> {
        let result = self.run_files(files, received).await;
        if result.is_err() {
            ran(files.target, "failed");
        }
        result
    }

    async fn run_files(
        &self,
        files: &Files,
        received: Receiving<'_>,
    ) -> Result<Scanned, ScanError> {
        let received = received.whole()?;
        let plan = self.plan(files.target).await?;
        let (started, begun) = (self.now(), Instant::now());
        let looked = look(files, received.files()).await?;
        took(files.target, "inspect", begun);
        let (directory, scratch) = (received.files(), received.scratch());
        let report = self.run_tool(files.target, Target::Files(directory), scratch, &plan).await?;
        let inventory = Inventory::read(&report, About::Directory)?;
        let report_sha256 = self.keep_report(&report).await;
        let finished = self.now();
        let mut contents = Vec::new();
        for (file, looked) in files.files.iter().zip(looked) {
            let (alias, name) = (file.alias(), file.name.clone());
            let secrets = inventory.secrets.iter().filter(|found| found.path == alias);
            let faults = inventory.misconfigurations.iter().filter(|found| found.path == alias);
            let content = Content {
                tool_version: inventory.tool_version.clone(),
                secrets: secrets.cloned().collect(),
                misconfigurations: faults.cloned().collect(),
                gaps: inventory.gaps.clone(),
                report_sha256,
                started,
                finished,
                ..looked
            };
            tracing::debug!(name, sha256 = %file.sha256, format = content.format, "looked into");
            self.kept.put(entry(key(file, &plan), "file"), &content).await;
            contents.push(content);
        }
        let scanned = self.of_files(files, &contents, plan, false).await;
        let scanned = scanned.ok_or(FilesError::ReportLost)?;
        count(files.target, &scanned.record.inventory, &scanned.files, true);
        Ok(scanned)
    }

    /// What is known of each file's content, in the names of this request. `None` when a raw report
    /// is not kept any more.
    async fn of_files(
        &self,
        files: &Files,
        contents: &[Content],
        plan: Plan,
        cached: bool,
    ) -> Option<Scanned> {
        let report_sha256 = self.one_report(contents).await?;
        let first = contents.first()?;
        let mut gaps: BTreeSet<String> = contents.iter().flat_map(|c| c.gaps.clone()).collect();
        let (mut secrets, mut faults) = (BTreeSet::new(), BTreeSet::new());
        for (file, content) in files.files.iter().zip(contents) {
            let path = || file.name.clone();
            let found = content.secrets.iter().cloned();
            secrets.extend(found.map(|found| SecretFinding { path: path(), ..found }));
            let found = content.misconfigurations.iter().cloned();
            faults.extend(found.map(|found| Misconfiguration { path: path(), ..found }));
        }
        let mut more = Vec::new();
        let inventory = Inventory {
            tool_version: first.tool_version.clone(),
            operating_system: None,
            packages: Vec::new(),
            vulnerabilities: Vec::new(),
            secrets: worst(secrets, "secrets", |found| found.severity, &mut more),
            misconfigurations: worst(faults, "misconfigurations", |f| f.severity, &mut more),
            gaps: {
                gaps.extend(more);
                gaps.into_iter().collect()
            },
        };
        let started = contents.iter().map(|content| content.started).min()?;
        let finished = contents.iter().map(|content| content.finished).max()?;
        let record = Record { inventory, report_sha256, started, finished };
        let named = files.files.iter().map(|f| ResourceDescriptor::sha256(&f.name, f.sha256));
        let scanned =
            self.answer(files.target, named.collect(), plan, (Found::new(record), cached));
        let inspected = files.files.iter().zip(contents).map(|(file, content)| InspectedFile {
            name: file.name.clone(),
            sha256: file.sha256,
            size: file.size,
            format: content.format.clone(),
            hazards: content.hazards.clone(),
            unread: content.unread.clone(),
        });
        Some(Scanned { files: inspected.collect(), ..scanned })
    }

    /// The raw report behind these contents: that of their one run, or those of their runs, one
    /// behind the other.
    async fn one_report(&self, contents: &[Content]) -> Option<Sha256Digest> {
        let mut digests: Vec<Sha256Digest> = Vec::new();
        for content in contents {
            if !digests.contains(&content.report_sha256) {
                digests.push(content.report_sha256);
            }
        }
        let mut whole = Vec::new();
        for digest in &digests {
            whole.extend(self.kept.report(*digest).await?);
        }
        let sha256 = Sha256Digest::of(&whole);
        if digests.len() > 1 {
            self.kept.keep_report(sha256, &whole).await;
        }
        Some(sha256)
    }
}

/// Looks into each file; a name of a file that is there twice is judged each time.
async fn look(files: &Files, directory: &Path) -> Result<Vec<Content>, FilesError> {
    let wanted: Vec<(WantedFile, PathBuf)> =
        files.files.iter().map(|file| (file.clone(), directory.join(file.alias()))).collect();
    let work = move || wanted.iter().map(|(file, path)| inspected(file, path)).collect();
    let looked = tokio::task::spawn_blocking(work).await;
    looked.unwrap_or_else(|error| Err(FilesError::Scratch(std::io::Error::other(error))))
}

fn inspected(file: &WantedFile, path: &Path) -> Result<Content, FilesError> {
    let opened = File::open(path).map_err(FilesError::Scratch)?;
    let name = &file.name;
    let inspection = inspect::inspect(name, opened, &inspect::Limits::default())
        .map_err(|error| FilesError::Look { name: name.clone(), reason: error.to_string() })?;
    let hazards = inspection.hazards.iter().take(MAX_FILE_HAZARDS).map(|hazard| FileHazard {
        rule: hazard.rule.as_str().to_owned(),
        severity: Level::of(&hazard.severity.as_str().to_ascii_uppercase()),
        place: hazard.place.clone(),
        detail: hazard.detail.clone(),
    });
    let too_many = inspection.hazards.len() > MAX_FILE_HAZARDS;
    let cut = too_many.then(|| format!("only the worst {MAX_FILE_HAZARDS} hazards are listed"));
    let unread: Vec<String> = inspection.unread.into_iter().chain(cut).collect();
    Ok(Content {
        tool_version: String::new(),
        format: inspection.format.as_str().to_owned(),
        hazards: hazards.collect(),
        unread: unread.join("; "),
        secrets: Vec::new(),
        misconfigurations: Vec::new(),
        gaps: Vec::new(),
        report_sha256: Sha256Digest::from_bytes([0; 32]),
        started: Timestamp::from_unix_ms(0),
        finished: Timestamp::from_unix_ms(0),
    })
}

/// Names of the files of a request, by which no two may be alike.
pub(crate) fn doubled(files: &[WantedFile]) -> Option<&str> {
    let mut names = BTreeMap::new();
    files.iter().map(|file| file.name.as_str()).find(|name| names.insert(*name, ()).is_some())
}
