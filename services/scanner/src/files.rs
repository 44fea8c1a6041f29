//! The scan of a job's files: what came with it, or what training left. Each file is looked into by
//! the rules of `inspect`, and searched for secrets and misconfigurations by Trivy.
//!
//! Names are labels: the scratch directory calls a file by its digest, so that no name leads out of
//! it, and none hides a file from the tool, which passes over what is called a test or an example.

mod look;
mod receive;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use envelope::ResourceDescriptor;
use evidence::{Misconfiguration, ScanTarget, ScannedRun, SecretFinding};
use ids::Sha256Digest;

use crate::{
    inventory::{Inventory, findings::worst},
    report::About,
    scan::{Plan, Record, ScanError, Scanned, Scans, took},
    tool::Target,
};
pub use receive::{FilesError, Receiving};
pub(crate) use receive::{STREAMS_MAX, in_time};

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

    /// The extension, where the tool reads a configuration under it.
    fn configuration(&self) -> Option<String> {
        let extension = match self.name.as_str() {
            "Dockerfile" => "dockerfile".to_owned(),
            _ => self.extension(),
        };
        CONFIGURATIONS.contains(&extension.as_str()).then_some(extension)
    }

    /// What it is called while it is looked into.
    fn alias(&self) -> String {
        format!("{}.{}", self.sha256, self.configuration().as_deref().unwrap_or("txt"))
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

impl Files {
    fn subject(&self) -> Vec<ResourceDescriptor> {
        let file = |file: &WantedFile| ResourceDescriptor::sha256(&file.name, file.sha256);
        self.files.iter().map(file).collect()
    }
}

/// Same key, same answer: the names count too, for a file is judged by what it calls itself.
fn key(files: &Files, plan: &Plan) -> Sha256Digest {
    let file = |file: &WantedFile| format!("\n{:?} {} {}", file.name, file.sha256, file.size);
    let list: String = files.files.iter().map(file).collect();
    plan.key(&format!("files {} {}{list}", files.target, inspect::RULES_VERSION))
}

impl Scans {
    /// The answer, when a run over exactly these files is remembered.
    ///
    /// # Errors
    /// When the tool is missing.
    pub async fn known(&self, files: &Files) -> Result<Option<Scanned>, ScanError> {
        let plan = self.plan(files.target).await?;
        let key = key(files, &plan);
        let Some(found) = self.kept.record(key, self.now()).await else { return Ok(None) };
        if self.kept.report(found.record.report_sha256).await.is_none() {
            self.kept.forget(key).await;
            return Ok(None);
        }
        metrics::counter!("scan_cache_hits_total", "target" => files.target.as_str()).increment(1);
        Ok(Some(self.answer(files.target, files.subject(), plan, (found, true))))
    }

    /// Waits for a stream, and makes room for the files in the scratch directory.
    ///
    /// # Errors
    /// When the files are more or longer than allowed, or there is no scratch directory.
    pub async fn receive(&self, files: &Files) -> Result<Receiving, ScanError> {
        receive::bounded(files, self.max_total_bytes)?;
        let stream = self.stream().await;
        let wanted = files.files.iter().map(|file| (file.clone(), file.alias()));
        Ok(Receiving::new(self.scratch()?, wanted.collect(), stream).await?)
    }

    /// Scans what was received, or answers from a run under way over exactly these files.
    ///
    /// # Errors
    /// When bytes are missing, or the tool or its report fails.
    pub async fn scan_files(
        self: &Arc<Self>,
        files: &Files,
        received: Receiving,
    ) -> Result<Scanned, Arc<ScanError>> {
        let received = received.whole().map_err(|error| Arc::new(error.into()))?;
        let plan = self.plan(files.target).await.map_err(Arc::new)?;
        let run = {
            let (this, plan, files) = (Arc::clone(self), plan.clone(), files.clone());
            Box::pin(async move { this.run_files(&files, &received, &plan).await })
        };
        let found = self.found(key(files, &plan), files.target, &plan, run).await?;
        Ok(self.answer(files.target, files.subject(), plan, found))
    }

    async fn run_files(
        &self,
        files: &Files,
        received: &Receiving,
        plan: &Plan,
    ) -> Result<Record, ScanError> {
        let _place = self.place().await;
        let (started, begun) = (self.now(), Instant::now());
        let (directory, scratch) = (received.files(), received.scratch());
        let looked = look::into(&files.files, directory).await?;
        took(files.target, "inspect", begun);
        let report = self.run_tool(files.target, Target::Files(directory), scratch, plan).await?;
        let inventory = in_names(Inventory::read(&report, About::Directory)?, &files.files);
        let report_sha256 = self.keep_report(&report).await;
        if self.kept.report(report_sha256).await.is_none() {
            return Err(FilesError::ReportLost.into());
        }
        tracing::info!(
            target = %files.target,
            files = files.files.len(),
            secrets = inventory.secrets.len(),
            misconfigurations = inventory.misconfigurations.len(),
            "files were looked into"
        );
        Ok(Record { inventory, report_sha256, started, finished: self.now(), files: looked })
    }
}

/// The findings under the names of the request: a file that has several is listed under each. What is
/// of no single file, such as a check of all Terraform files together, keeps the tool's name for it.
fn in_names(mut inventory: Inventory, files: &[WantedFile]) -> Inventory {
    let mut names: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in files {
        names.entry(file.alias()).or_default().push(&file.name);
    }
    let named = |alias: &str| {
        let own: Vec<&str> = names.get(alias).cloned().unwrap_or_else(|| vec![alias]);
        own.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (mut secrets, mut faults) = (BTreeSet::new(), BTreeSet::new());
    for found in inventory.secrets {
        secrets.extend(
            named(&found.path).into_iter().map(|path| SecretFinding { path, ..found.clone() }),
        );
    }
    for found in inventory.misconfigurations {
        faults.extend(
            named(&found.path).into_iter().map(|path| Misconfiguration { path, ..found.clone() }),
        );
    }
    let gaps = &mut inventory.gaps;
    inventory.secrets = worst(secrets, "secrets", |found| found.severity, gaps);
    inventory.misconfigurations = worst(faults, "misconfigurations", |f| f.severity, gaps);
    inventory
}

/// Names of the files of a request, by which no two may be alike.
pub(crate) fn doubled(files: &[WantedFile]) -> Option<&str> {
    let mut names = BTreeSet::new();
    files.iter().map(|file| file.name.as_str()).find(|name| !names.insert(*name))
}
