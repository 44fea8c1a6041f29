//! `aibom jobs records`: what is in the ledger of a job beside its AIBoM, verified here.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::Args;
use client::RecordView;
use evidence::{About, Document, JobOutcome, TrustRoot};
use ids::JobId;
use serde::Serialize;
use verify::{LoggedRecord, MAX_RECORD_FILE_BYTES, RecordFile, RecordVerdict, verify_record};

use super::job_id;
use crate::{
    failure::{Exit, Failure},
    profile,
    runtime::block_on,
    terminal::{Terminal, clean},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom jobs records 01985f6e-3b1c-7cc2-9a51-6a8d3f1f2b44
                                            that it failed, was refused, cancelled, held or released
  aibom jobs records                        which trust roots and policies the mesh was given
  aibom jobs records JOB --out DIR          saves each as DIR/record.<n>.json, with its proof
  aibom jobs records --file DIR/record.1.json --trust-root trust-root.json
                                            verifies a saved one; needs no mesh

Each record is signed by the scheduler and is in the ledger; both are verified here, against the trust root
that you pin, and that it is about what was asked for, and no record is there twice. A completed job's AIBoM is its own record: 'aibom fetch JOB', 'aibom verify'.";

/// Arguments of `jobs records`.
#[derive(Debug, Args)]
pub(crate) struct RecordsArguments {
    /// The job; the mesh's own records when it is left out.
    #[arg(value_name = "JOB", value_parser = job_id, conflicts_with = "files")]
    job: Option<JobId>,
    /// Saves each record with its proof into this new directory.
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    out: Option<PathBuf>,
    /// Verifies this saved record, and asks no mesh. May be repeated.
    #[arg(long = "file", value_name = "FILE", requires = "trust_root")]
    files: Vec<PathBuf>,
    /// The trust root to verify against [default: that of the mesh profile].
    #[arg(long, value_name = "FILE")]
    trust_root: Option<PathBuf>,
}

/// Which records were asked for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    /// A job's.
    Job(JobId),
    /// The mesh's own.
    Mesh,
    /// These files.
    Files,
}

/// A record for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    verified: bool,
    /// The first check that did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(flatten)]
    proved: Option<Proved>,
}

/// What a record proves.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Proved {
    about: About,
    at: String,
    logged_at: String,
    index: u64,
    tree_size: u64,
    signer: String,
}

#[derive(Debug, Serialize)]
struct All {
    records: Vec<Shown>,
    /// How many are on their way into the ledger.
    pending: u32,
}

/// Runs `aibom jobs records`.
pub(super) fn records(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &RecordsArguments,
) -> Result<Exit, Failure> {
    if !arguments.files.is_empty() {
        let read = |path: &PathBuf| read(path);
        let records = arguments.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let root = arguments.trust_root.as_deref().ok_or_else(|| {
            Failure::cannot("a file of records proves nothing by itself")
                .remedy("name the mesh's trust root with --trust-root")
        })?;
        return tell(terminal, &profile::trust_root(root)?.0, Asked::Files, &records, 0);
    }
    if let Some(out) = arguments.out.as_deref().filter(|out| out.symlink_metadata().is_ok()) {
        return Err(Failure::cannot(format_args!("{} exists already", out.display()))
            .remedy("name a directory that does not exist"));
    }
    let mesh = profile::open(mesh)?;
    let named = arguments.trust_root.as_ref();
    let (root, _) = profile::trust_root(named.unwrap_or_else(|| &mesh.profile().trust_root))?;
    let work = async {
        mesh.reach().await?;
        let view = mesh.jobs().records(arguments.job).await?;
        if let Some(out) = &arguments.out {
            save(terminal, out, &view.records)?;
        }
        let asked = arguments.job.map_or(Asked::Mesh, Asked::Job);
        tell(terminal, &root, asked, &view.records, view.pending)
    };
    block_on(work, || "nothing was changed".to_owned())
}

fn read(path: &Path) -> Result<RecordView, Failure> {
    let bytes = profile::read_bounded(path, MAX_RECORD_FILE_BYTES as u64)?;
    let file = RecordFile::parse(&bytes).map_err(|error| {
        Failure::refused(format_args!("{} is no saved record", path.display())).caused_by(&error)
    })?;
    Ok(RecordView { document: file.record, inclusion: file.inclusion })
}

fn save(terminal: &Terminal, out: &Path, records: &[RecordView]) -> Result<(), Failure> {
    let cannot = |path: &Path, why: &dyn std::error::Error| {
        Failure::cannot(format_args!("cannot write {}", path.display())).caused_by(why)
    };
    std::fs::create_dir(out).map_err(|error| cannot(out, &error))?;
    for (number, record) in (1_u32..).zip(records) {
        let path = out.join(format!("record.{number}.json"));
        let file = RecordFile::new(record.document.clone(), record.inclusion.clone());
        let bytes = file.to_bytes().map_err(|error| cannot(&path, &error))?;
        std::fs::write(&path, bytes).map_err(|error| cannot(&path, &error))?;
    }
    terminal.say(format_args!("{} records saved in {}", records.len(), out.display()));
    Ok(())
}

fn tell(
    terminal: &Terminal,
    root: &TrustRoot,
    asked: Asked,
    records: &[RecordView],
    pending: u32,
) -> Result<Exit, Failure> {
    let mut seen = BTreeSet::new();
    let shown: Vec<Shown> =
        records.iter().map(|record| shown(root, asked, &mut seen, record)).collect();
    let refused: Vec<String> =
        shown.iter().filter_map(|record| record.refused.as_deref().map(clean)).collect();
    if terminal.is_json() {
        terminal.json(&All { records: shown, pending })?;
    } else {
        let proved = shown.iter().filter_map(|record| record.proved.as_ref());
        let rows: Vec<_> = proved.map(row).collect();
        terminal.table(&["LOGGED", "ENTRY", "STEP", "WHAT", "REASON", "BY"], &rows)?;
        if pending > 0 {
            terminal.say(format_args!("{pending} more are on their way into the ledger"));
        }
    }
    match refused.first() {
        None => Ok(Exit::Done),
        Some(first) => {
            let count = refused.len();
            Err(Failure::refused(format_args!(
                "{count} of the records do not verify, or were not asked for"
            ))
            .because(first)
            .remedy("keep them, and tell whoever runs the mesh"))
        }
    }
}

/// Why a record that verifies is still not what was asked for: a genuine record of another job says
/// nothing about this one.
fn misplaced(
    asked: Asked,
    seen: &mut BTreeSet<(Option<u32>, u64)>,
    record: &Proved,
) -> Option<String> {
    let (job, sequence) = match &record.about {
        About::Job(outcome) => (Some(outcome.job), Some(outcome.sequence)),
        About::TrustRoot { .. } | About::Policy { .. } => (None, None),
    };
    match (asked, job) {
        (Asked::Files, _) => return None,
        (Asked::Job(asked), Some(job)) if job == asked => {}
        (Asked::Mesh, None) => {}
        (Asked::Job(asked), Some(job)) => {
            return Some(format!("record.about: job {job}, not {asked} that was asked for"));
        }
        (Asked::Job(asked), None) => {
            return Some(format!("record.about: the mesh, not job {asked} that was asked for"));
        }
        (Asked::Mesh, Some(job)) => {
            return Some(format!("record.about: job {job}, not the mesh itself"));
        }
    }
    // One record of each change of the job's state; the mesh's own have no number but the entry's.
    let place = (sequence, sequence.map_or(record.index, |_| 0));
    (!seen.insert(place)).then(|| match sequence {
        Some(sequence) => format!("record.sequence: there are two records of step {sequence}"),
        None => format!("record.sequence: entry {} is there twice", record.index),
    })
}

fn shown(
    root: &TrustRoot,
    asked: Asked,
    seen: &mut BTreeSet<(Option<u32>, u64)>,
    record: &RecordView,
) -> Shown {
    let RecordView { document, inclusion } = record;
    let document: &Document = document;
    let RecordVerdict { checks, record } = verify_record(document, inclusion, root);
    let proved = record.as_ref().map(proved);
    let failed = checks.first_failure();
    let refused = failed.map(|check| format!("{}: {}", check.name, check.detail));
    let misplaced = proved.as_ref().and_then(|proved| misplaced(asked, seen, proved));
    let proved = proved.filter(|_| misplaced.is_none());
    let refused = refused.or(misplaced);
    Shown { verified: proved.is_some(), refused, proved }
}

fn proved(record: &LoggedRecord) -> Proved {
    let logged = record.logged();
    Proved {
        about: record.record().about.clone(),
        at: record.record().at.to_string(),
        logged_at: logged.logged_at().to_string(),
        index: logged.index(),
        tree_size: logged.tree_size(),
        signer: record.signer().spiffe_id().to_string(),
    }
}

fn row(record: &Proved) -> Vec<String> {
    let none = String::new;
    let (step, what, reason) = match &record.about {
        About::Job(JobOutcome { job, sequence, outcome, reason, .. }) => {
            let reason = reason.map(|reason| reason.to_string()).unwrap_or_default();
            (sequence.to_string(), format!("job {job} {}", outcome.as_str()), reason)
        }
        About::TrustRoot { version, .. } => {
            (none(), format!("trust root, version {version}"), none())
        }
        About::Policy { name, version, .. } => {
            (none(), format!("policy {}, version {version}", clean(name)), none())
        }
    };
    let (logged_at, index) = (record.logged_at.clone(), record.index.to_string());
    vec![logged_at, index, step, what, reason, record.signer.clone()]
}

#[cfg(test)]
mod tests {
    //! What is saved verifies without a mesh, and nothing else is called verified.
    use bundle::Inclusion;
    use evidence::{RECORD_PAYLOAD_TYPE, Record};
    use ids::Sha256Digest;
    use testkit::{bundle::logged, evidence::Fixture, record::cancelled};

    use super::*;

    fn view(fixture: &Fixture) -> RecordView {
        of(fixture, About::Job(cancelled(fixture.job())))
    }

    fn of(fixture: &Fixture, about: About) -> RecordView {
        let record = Record::new(about, fixture.at());
        let document = fixture.mesh().scheduler.sign(RECORD_PAYLOAD_TYPE, &record);
        let inclusion: Inclusion = logged(fixture, &document.envelope, fixture.at());
        RecordView { document, inclusion }
    }

    #[test]
    fn a_saved_record_verifies_and_a_changed_one_is_refused_by_name() {
        let fixture = Fixture::new();
        let good = view(&fixture);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record.1.json");
        let file = RecordFile::new(good.document.clone(), good.inclusion.clone());
        std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
        let root = fixture.trust_root();
        let said = shown(&root, Asked::Files, &mut BTreeSet::new(), &read(&path).unwrap());
        let proved = said.proved.as_ref().expect("it verifies");
        assert!(said.verified && said.refused.is_none());
        let [_, index, step, what, reason, by] = &row(proved)[..] else { panic!("{proved:?}") };
        assert_eq!((index.as_str(), step.as_str(), reason.as_str()), ("2", "2", "CANCELLED"));
        assert_eq!(what, &format!("job {} cancelled", fixture.job()));
        assert_eq!(by, "spiffe://mesh.test/scheduler/main");

        let mut bad = good;
        bad.inclusion.salt[0] ^= 1;
        let said = shown(&root, Asked::Files, &mut BTreeSet::new(), &bad);
        assert!(!said.verified && said.proved.is_none());
        assert!(said.refused.unwrap().starts_with("ledger.entry: "));
        std::fs::write(&path, b"{}").unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    fn a_genuine_record_of_another_job_or_one_twice_is_refused() {
        let fixture = Fixture::new();
        let root = fixture.trust_root();
        let digest = Sha256Digest::of(b"trust root");
        let (mine, own) = (view(&fixture), About::TrustRoot { version: 1, digest });
        let own = of(&fixture, own);
        let said = |asked, records: &[&RecordView]| -> Vec<Option<String>> {
            let mut seen = BTreeSet::new();
            records.iter().map(|record| shown(&root, asked, &mut seen, record).refused).collect()
        };
        let job = Asked::Job(fixture.job());
        let other = Asked::Job(JobId::new(1, [1; 10]));
        let later = JobOutcome { sequence: 3, ..cancelled(fixture.job()) };
        let later = of(&fixture, About::Job(later));
        assert_eq!(said(job, &[&mine, &later]), [None, None]);
        assert_eq!(said(Asked::Mesh, &[&own]), [None]);
        for (asked, record) in [(other, &mine), (Asked::Mesh, &mine), (job, &own)] {
            let refused = said(asked, &[record]).remove(0).expect("it was not asked for");
            assert!(refused.starts_with("record.about: "), "{refused}");
        }
        for (asked, record) in [(job, &mine), (Asked::Mesh, &own)] {
            let twice = said(asked, &[record, record]);
            assert_eq!(twice.first(), Some(&None));
            let refused = twice.last().cloned().flatten().expect("it is there twice");
            assert!(refused.starts_with("record.sequence: "), "{refused}");
        }
    }
}
