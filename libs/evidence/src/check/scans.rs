//! The rules over scan evidence: it is about this image and this run, and says how much it is.

use ids::Role;
use job::Request;
use keys::Identity;

use super::{
    CLOCK_SKEW_MS, Checker, MAX_COPIES, MAX_CWES, MAX_FINDINGS, MAX_PACKAGES, MAX_PLACES, MAX_SCANS,
};
use crate::{Completeness, EvidenceSet, Grant, SCAN_PREDICATE_TYPE, ScanStatement};

impl Checker<'_> {
    pub(super) fn scans(
        &mut self,
        set: &EvidenceSet,
        request: Option<&(Request, Identity)>,
        grant: Option<&(Grant, Identity)>,
    ) -> Option<Vec<(ScanStatement, Identity)>> {
        let count = set.scans.len();
        let mut ok = self.checks.require(
            "scan.count",
            (1..=MAX_SCANS).contains(&count),
            format_args!("{count} scans"),
            format_args!("{count} scans, 1 to {MAX_SCANS} are required"),
        );
        let mut scans = Vec::new();
        for (index, document) in set.scans.iter().take(MAX_SCANS).enumerate() {
            let part = format!("scan.{index}");
            let opened: Option<(ScanStatement, Identity)> =
                self.open(&part, document, envelope::IN_TOTO_PAYLOAD_TYPE, Role::Scanner);
            let (Some(opened), Some((request, _)), Some((grant, _))) = (opened, request, grant)
            else {
                ok = false;
                continue;
            };
            let (scan, extension) = (&opened.0, &opened.0.predicate.aibom);
            let kind = scan.predicate_type.as_str();
            ok &= self.same(&format!("{part}.type"), &kind, &SCAN_PREDICATE_TYPE);
            let image = request.spec.trainer.image.digest();
            let subject: Vec<_> =
                scan.subject.iter().map(envelope::ResourceDescriptor::sha256_digest).collect();
            ok &= self.same(&format!("{part}.image"), &subject, &vec![Some(image)]);
            let link = (extension.job, extension.training);
            ok &=
                self.same(&format!("{part}.training"), &link, &(grant.job, set.training.digest()));
            let finished = scan.predicate.metadata.scan_finished_on;
            ok &= self.checks.require(
                format!("{part}.time"),
                scan.predicate.metadata.scan_started_on <= finished
                    && finished <= self.at.plus_ms(CLOCK_SKEW_MS),
                "finished before it was signed",
                format_args!("finished {finished}, signed {}", self.at),
            );
            ok &= self.database(&part, &opened.0);
            ok &= self.scan_is_whole(&part, &opened.0);
            ok &= self.checks.require(
                format!("{part}.distinct"),
                scans.iter().all(|(other, _)| *other != opened.0),
                "says something of its own",
                "says what a scan before it says",
            );
            scans.push(opened);
        }
        ok.then_some(scans)
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
            Completeness::Complete => {
                scanner.db.is_some()
                    && extension.database_sha256.is_some()
                    && extension.reason.is_empty()
            }
            Completeness::Incomplete => !extension.reason.is_empty(),
        };
        let places: usize = scanner.result.iter().map(|found| found.annotations.len()).sum();
        let bounded = extension.packages.len() <= MAX_PACKAGES
            && extension.packages.iter().all(|package| package.copies.len() <= MAX_COPIES)
            && scanner.result.len() <= MAX_FINDINGS
            && places <= MAX_PLACES
            && scanner.result.iter().all(|found| found.cwes.len() <= MAX_CWES);
        self.checks.require(
            format!("{part}.completeness"),
            consistent && bounded,
            "says how much was scanned",
            "complete without a database and its digest, incomplete without a reason, or over the bounds",
        )
    }
}
