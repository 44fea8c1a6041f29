//! What must have been looked at, how lately, and with what knowledge.

use envelope::ResourceDescriptor;
use evidence::{Completeness, Level, ScanStatement, ScanTarget, VerifiedEvidence};
use ids::{Sha256Digest, Timestamp};

use crate::{Kind, Policy, Violation, violations::Found};

const DAY_MS: i64 = 24 * 3_600_000;

fn lack(id: &str, subject: &impl ToString, detail: String) -> Violation {
    let (kind, severity) = (Kind::Completeness, Level::Critical);
    Violation { kind, id: id.to_owned(), subject: subject.to_string(), severity, detail }
}

pub(crate) fn check(
    policy: &Policy,
    evidence: &VerifiedEvidence,
    at: Timestamp,
    found: &mut Found,
) {
    for target in &policy.complete {
        let mut of_it =
            evidence.scans().iter().filter(|scan| target_of(scan) == *target).peekable();
        if of_it.peek().is_none() {
            found.add(lack("not-scanned", &target, "no scan of it is in the evidence".to_owned()));
        } else if *target == ScanTarget::Mesh {
            programs(evidence, found);
        }
        for scan in of_it {
            let extension = &scan.predicate.aibom;
            if extension.completeness == Completeness::Incomplete {
                found.add(lack("incomplete", &target, extension.reason.clone()));
            }
        }
    }
    for scan in evidence.scans() {
        ages(policy, scan, at, found);
    }
}

const fn target_of(scan: &ScanStatement) -> ScanTarget {
    scan.predicate.aibom.target
}

/// The programs that made the evidence are among those that were scanned: a scan of some other
/// programs says nothing of them.
fn programs(evidence: &VerifiedEvidence, found: &mut Found) {
    let meshes = evidence.scans().iter().filter(|scan| target_of(scan) == ScanTarget::Mesh);
    let scanned: Vec<Sha256Digest> = meshes
        .flat_map(|scan| &scan.subject)
        .filter_map(ResourceDescriptor::sha256_digest)
        .collect();
    let executor = &evidence.training().predicate.run_details.builder.builder_dependencies;
    let mut named = vec![("scheduler", Some(evidence.grant().scheduler.digest.sha256))];
    named.extend(executor.iter().map(|program| ("executor", program.sha256_digest())));
    if executor.is_empty() {
        named.push(("executor", None));
    }
    let scanners = evidence.scans().iter();
    named
        .extend(scanners.map(|scan| ("scanner", Some(scan.predicate.aibom.scanner.digest.sha256))));
    for (service, digest) in named {
        let detail = match digest {
            Some(digest) if scanned.contains(&digest) => continue,
            Some(digest) => format!("the {service} that ran, sha256 {digest}, is not in the scan"),
            None => format!("the {service} does not say which program ran"),
        };
        found.add(lack("not-scanned", &format_args!("{}/{service}", ScanTarget::Mesh), detail));
    }
}

fn ages(policy: &Policy, scan: &ScanStatement, at: Timestamp, found: &mut Found) {
    let target = target_of(scan);
    let over = |then: Timestamp, days: u32| at.since_ms(then) > i64::from(days) * DAY_MS;
    let finished = scan.predicate.metadata.scan_finished_on;
    if let Some(days) = policy.max_scan_age_days.filter(|days| over(finished, *days)) {
        let detail = format!("scanned {finished}, more than {days} days ago");
        found.add(lack("scan-age", &target, detail));
    }
    let Some(days) = policy.max_database_age_days else { return };
    match &scan.predicate.scanner.db {
        Some(database) if over(database.last_update, days) => {
            let updated = database.last_update;
            let detail = format!("the database was updated {updated}, more than {days} days ago");
            found.add(lack("database-age", &target, detail));
        }
        // Files without packages need none.
        None if matches!(target, ScanTarget::Image | ScanTarget::Mesh) => {
            found.add(lack("database-age", &target, "scanned without a database".to_owned()));
        }
        Some(_) | None => {}
    }
}
