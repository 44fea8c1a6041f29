//! The rules over scan evidence: it is about this image and this run, and says how much it is.

use envelope::ResourceDescriptor;
use ids::Role;
use job::Request;
use keys::Identity;

use super::{
    CLOCK_SKEW_MS, Checker, MAX_COPIES, MAX_CWES, MAX_FILE_FINDINGS, MAX_FILE_HAZARDS,
    MAX_FINDINGS, MAX_PACKAGES, MAX_PLACES, MAX_SCANS,
};
use crate::{
    Completeness, EvidenceSet, Grant, SCAN_PREDICATE_TYPE, ScanStatement, ScanTarget, ScannedRun,
    TrainingStatement,
};

/// The most programs of a mesh in one scan.
const MAX_PROGRAMS: usize = 64;

/// Several scans may be of the image; of every other target there is one.
fn apart(one: &ScanStatement, other: &ScanStatement) -> bool {
    let target = one.predicate.aibom.target;
    target == ScanTarget::Image || target != other.predicate.aibom.target
}

impl Checker<'_> {
    pub(super) fn scans(
        &mut self,
        set: &EvidenceSet,
        request: Option<&(Request, Identity)>,
        grant: Option<&(Grant, Identity)>,
        training: Option<&(TrainingStatement, Identity)>,
    ) -> Option<Vec<(ScanStatement, Identity)>> {
        let count = set.scans.len();
        let mut ok = self.checks.require(
            "scan.count",
            (1..=MAX_SCANS).contains(&count),
            format_args!("{count} scans"),
            format_args!("{count} scans, 1 to {MAX_SCANS} are required"),
        );
        let outputs = training.map(|(training, _)| training.subject.as_slice());
        let mut scans = Vec::new();
        for (index, document) in set.scans.iter().take(MAX_SCANS).enumerate() {
            let part = format!("scan.{index}");
            let opened: Option<(ScanStatement, Identity)> =
                self.open(&part, document, envelope::IN_TOTO_PAYLOAD_TYPE, Role::Scanner);
            let (Some(opened), Some((request, _)), Some((grant, _)), Some(outputs)) =
                (opened, request, grant, outputs)
            else {
                ok = false;
                continue;
            };
            let (scan, extension) = (&opened.0, &opened.0.predicate.aibom);
            let kind = scan.predicate_type.as_str();
            ok &= self.same(&format!("{part}.type"), &kind, &SCAN_PREDICATE_TYPE);
            ok &= self.subjects(&part, scan, request, outputs);
            let run = ScannedRun { job: grant.job, training: set.training.digest() };
            ok &= self.same(&format!("{part}.training"), &extension.run, &Some(run));
            ok &= self.scan_alone(&part, &opened.0);
            ok &= self.checks.require(
                format!("{part}.distinct"),
                scans.iter().all(|(other, _)| *other != opened.0 && apart(other, &opened.0)),
                "says something of its own",
                "says what a scan before it says, or is a second one of files or programs",
            );
            scans.push(opened);
        }
        let whole = scans.iter().any(|(scan, _)| scan.predicate.aibom.target == ScanTarget::Image);
        ok &= self.checks.require(
            "scan.targets",
            whole,
            "the image was scanned",
            "no scan is about the image",
        );
        ok.then_some(scans)
    }

    /// A scan is about all of its target, by digest, and says something of each file.
    fn subjects(
        &mut self,
        part: &str,
        scan: &ScanStatement,
        request: &Request,
        outputs: &[ResourceDescriptor],
    ) -> bool {
        let extension = &scan.predicate.aibom;
        let name = format!("{part}.{}", extension.target);
        let named = |subject: &ResourceDescriptor| {
            (subject.name.clone().unwrap_or_default(), subject.sha256_digest())
        };
        let subjects: Vec<_> = scan.subject.iter().map(named).collect();
        let files = || {
            let files = extension.files.iter();
            files.map(|file| (file.name.clone(), Some(file.sha256))).collect::<Vec<_>>()
        };
        let wanted: Vec<_> = match extension.target {
            ScanTarget::Image => {
                let image = Some(request.spec.trainer.image.digest());
                let digests: Vec<_> = subjects.into_iter().map(|(_, digest)| digest).collect();
                let none = extension.files.is_empty();
                return self.same(&name, &(digests, none), &(vec![image], true));
            }
            ScanTarget::Inputs => {
                let inputs = request.spec.inputs.each();
                inputs.iter().map(|(_, file)| (file.name.clone(), Some(file.sha256))).collect()
            }
            ScanTarget::Outputs => outputs.iter().map(named).collect(),
            ScanTarget::Mesh => {
                let holds = (1..=MAX_PROGRAMS).contains(&subjects.len())
                    && subjects.iter().all(|(_, digest)| digest.is_some())
                    && extension.files.is_empty();
                let wrong = format_args!("not 1 to {MAX_PROGRAMS} programs, each by its digest");
                return self.checks.require(name, holds, "programs, by digest", wrong);
            }
        };
        let files_named = self.same(&format!("{name}.files"), &files(), &wanted);
        self.same(&name, &subjects, &wanted) && files_named
    }

    /// What holds for every scan, whatever it is about: its times, its database, its bounds.
    pub(super) fn scan_alone(&mut self, part: &str, scan: &ScanStatement) -> bool {
        let finished = scan.predicate.metadata.scan_finished_on;
        let time = self.checks.require(
            format!("{part}.time"),
            scan.predicate.metadata.scan_started_on <= finished
                && finished <= self.at.plus_ms(CLOCK_SKEW_MS),
            "finished before it was signed",
            format_args!("finished {finished}, signed {}", self.at),
        );
        let database = self.database(part, scan);
        self.scan_is_whole(part, scan) && time && database
    }

    /// A scan cannot use a database of later.
    fn database(&mut self, part: &str, scan: &ScanStatement) -> bool {
        let finished = scan.predicate.metadata.scan_finished_on;
        let database = scan.predicate.scanner.db.as_ref();
        let updated = database.map_or(finished, |database| database.last_update);
        self.checks.require(
            format!("{part}.database"),
            updated <= finished.plus_ms(CLOCK_SKEW_MS),
            "not updated after the scan",
            format_args!("updated {updated}, the scan finished {finished}"),
        )
    }

    /// A scan says "complete" only with a database, and "incomplete" only with a reason.
    fn scan_is_whole(&mut self, part: &str, scan: &ScanStatement) -> bool {
        let (scanner, extension) = (&scan.predicate.scanner, &scan.predicate.aibom);
        let consistent = match extension.completeness {
            // A database is for packages; files without any are looked into by rules.
            Completeness::Complete => {
                (scanner.db.is_some() && extension.database_sha256.is_some()
                    || matches!(extension.target, ScanTarget::Inputs | ScanTarget::Outputs))
                    && extension.files.iter().all(|file| file.unread.is_empty())
                    && extension.reason.is_empty()
            }
            Completeness::Incomplete => !extension.reason.is_empty(),
        };
        let places: usize = scanner.result.iter().map(|found| found.annotations.len()).sum();
        let bounded = extension.packages.len() <= MAX_PACKAGES
            && extension.packages.iter().all(|package| package.copies.len() <= MAX_COPIES)
            && scanner.result.len() <= MAX_FINDINGS
            && places <= MAX_PLACES
            && scanner.result.iter().all(|found| found.cwes.len() <= MAX_CWES)
            && extension.secrets.len() <= MAX_FILE_FINDINGS
            && extension.misconfigurations.len() <= MAX_FILE_FINDINGS
            && extension.files.iter().all(|file| file.hazards.len() <= MAX_FILE_HAZARDS);
        self.checks.require(
            format!("{part}.completeness"),
            consistent && bounded,
            "says how much was scanned",
            "complete without a database and its digest, incomplete without a reason, or over the bounds",
        )
    }
}
