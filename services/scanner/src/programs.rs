//! The scan of the mesh's own programs: what each was built from, and which of it is known to be
//! vulnerable. A program tells what it was built from in a section that `cargo auditable` writes.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use envelope::ResourceDescriptor;
use evidence::ScanTarget;
use ids::Sha256Digest;
use job::Image;

use crate::{
    config::{ProgramConfig, ProgramSource},
    fingerprint::Fingerprint,
    inventory::Inventory,
    report::{About, Report},
    scan::{Plan, Record, ScanError, Scanned, Scans, took},
    tool::Target,
};

/// Why the programs of the mesh were not scanned.
#[derive(Debug, thiserror::Error)]
pub enum ProgramsError {
    /// The configuration names none.
    #[error("the scanner's configuration names no programs ([[mesh]])")]
    None,
    /// A program cannot be read.
    #[error("cannot read the program {name} at {}", path.display())]
    Unreadable {
        /// What the configuration calls it.
        name: String,
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The raw report of an image is not kept any more.
    #[error("the raw report on the image of {0} was not kept; is it longer than 32 MiB?")]
    ReportLost(String),
}

/// A program of the configuration.
#[derive(Debug)]
pub(crate) struct MeshProgram {
    name: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    File(Fingerprint),
    Image(Image),
}

/// A program as it is now.
#[derive(Debug, Clone)]
struct Now {
    name: String,
    digest: Sha256Digest,
    /// The file; none for an image.
    file: Option<PathBuf>,
}

impl MeshProgram {
    pub(crate) fn new(config: &ProgramConfig) -> Self {
        let source = match &config.source {
            ProgramSource::File(path) => Source::File(Fingerprint::new(path.clone())),
            ProgramSource::Image(image) => Source::Image(image.clone()),
        };
        Self { name: config.name.clone(), source }
    }

    async fn now(&self) -> Result<Now, ProgramsError> {
        let name = self.name.clone();
        let file = match &self.source {
            Source::Image(image) => return Ok(Now { name, digest: image.digest(), file: None }),
            Source::File(file) => file,
        };
        let path = file.path().to_owned();
        match file.print().await {
            Ok(print) => Ok(Now { name, digest: print.sha256, file: Some(path) }),
            Err(source) => Err(ProgramsError::Unreadable { name, path, source }),
        }
    }
}

impl Scans {
    /// Scans the programs of the mesh, or answers from the cache or from a run under way.
    ///
    /// # Errors
    /// When none is configured, one cannot be read, or the tool or its report fails.
    pub async fn scan_mesh(self: &Arc<Self>) -> Result<Scanned, Arc<ScanError>> {
        let fail = |error: ProgramsError| Arc::new(ScanError::from(error));
        if self.mesh.is_empty() {
            return Err(fail(ProgramsError::None));
        }
        let mut programs = Vec::new();
        for program in &self.mesh {
            programs.push(program.now().await.map_err(fail)?);
        }
        let plan = self.plan(ScanTarget::Mesh).await.map_err(Arc::new)?;
        let named = programs.iter().map(|program| format!("{} {}", program.name, program.digest));
        let key = plan.key(&format!("mesh\n{}", named.collect::<Vec<_>>().join("\n")));
        let run = {
            let (this, plan, programs) = (Arc::clone(self), plan.clone(), programs.clone());
            Box::pin(async move { this.run_mesh(&programs, &plan).await })
        };
        let found = self.found(key, ScanTarget::Mesh, &plan, run).await?;
        let subject = programs.iter().map(|p| ResourceDescriptor::sha256(&p.name, p.digest));
        Ok(self.answer(ScanTarget::Mesh, subject.collect(), plan, found))
    }

    async fn run_mesh(
        self: &Arc<Self>,
        programs: &[Now],
        plan: &Plan,
    ) -> Result<Record, ScanError> {
        let mut started = self.now();
        let (mut whole, mut gaps) = (Vec::new(), Vec::new());
        let mut joined: Option<Report> = None;
        let files: Vec<&Now> = programs.iter().filter(|p| p.file.is_some()).collect();
        if !files.is_empty() {
            let report = self.run_programs(&files, plan).await?;
            let read = Report::parse(&report, About::Directory)?;
            gaps.extend(files.iter().filter_map(|program| without_list(&read, &program.name)));
            whole.extend(report);
            joined = Some(read);
        }
        for (program, config) in programs.iter().zip(&self.mesh) {
            let Source::Image(image) = &config.source else { continue };
            // Runs of their own, each in its own place.
            let scanned = Box::pin(self.scan(image)).await.map_err(|error| {
                tracing::warn!(program = program.name, %error, "its image was not scanned");
                ScanError::Image { program: program.name.clone(), error }
            })?;
            if scanned.tool_sha256 != plan.tool.sha256
                || scanned.database.as_ref().ok() != plan.database.as_ref().ok()
            {
                return Err(ScanError::Replaced);
            }
            // As old as its oldest part.
            started = started.min(scanned.record.started);
            let lost = || ProgramsError::ReportLost(program.name.clone());
            let report = self.kept.report(scanned.record.report_sha256).await.ok_or_else(lost)?;
            let read = Report::parse(&report, About::Checked)?;
            let found = scanned.record.inventory.gaps.iter();
            gaps.extend(found.map(|gap| format!("{}: {gap}", program.name)));
            whole.extend(report);
            let base = joined.get_or_insert_with(|| read.bare());
            base.join(read, &program.name);
        }
        let joined = joined.ok_or(ProgramsError::None)?;
        let mut inventory = Inventory::of(&joined, About::Directory)?;
        inventory.gaps.extend(gaps);
        let report_sha256 = self.keep_report(&whole).await;
        tracing::info!(
            programs = programs.len(),
            packages = inventory.packages.len(),
            vulnerabilities = inventory.vulnerabilities.len(),
            "the mesh was scanned"
        );
        Ok(Record { inventory, report_sha256, started, finished: self.now(), files: Vec::new() })
    }

    /// One run of the tool over copies of these programs.
    async fn run_programs(&self, programs: &[&Now], plan: &Plan) -> Result<Vec<u8>, ScanError> {
        let _place = self.place().await;
        let scratch = self.scratch()?;
        let directory = scratch.path().join("programs");
        let begun = Instant::now();
        let failed = |source| ScanError::Scratch { path: directory.clone(), source };
        std::fs::create_dir(&directory).map_err(failed)?;
        for Now { name, digest, file } in programs {
            let Some(from) = file.clone() else { continue };
            let to = directory.join(name);
            let copied = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
            let copied = copied.map_err(io::Error::other).and_then(|copied| copied);
            if copied.map_err(failed)? != *digest {
                return Err(ScanError::Replaced);
            }
        }
        took(ScanTarget::Mesh, "copy", begun);
        let target = Target::RootFs(&directory);
        self.run_tool(ScanTarget::Mesh, target, scratch.path(), plan).await
    }
}

/// Copies a program, and gives the digest of the copy.
fn copy(from: &Path, to: &Path) -> io::Result<Sha256Digest> {
    std::fs::copy(from, to)?;
    Ok(crate::fingerprint::hash(std::fs::File::open(to)?)?.sha256)
}

/// What there is to say of a program of which the tool does not know what it was built from.
fn without_list(report: &Report, name: &str) -> Option<String> {
    let mut groups = report.results().iter();
    let listed = groups
        .any(|group| group.target == name && group.of_program() && !group.packages().is_empty());
    (!listed).then(|| {
        format!("{name}: the program has no list of what it was built from (cargo auditable)")
    })
}
