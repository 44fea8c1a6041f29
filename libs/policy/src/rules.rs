//! The rules over what scans found.

use evidence::{Level, ScanStatement, ScanTarget, VulnerabilityResult};

use crate::{
    Kind, LicenceRule, Policy, Rating, Violation, VulnerabilityRule, licence::Denied,
    violations::Found,
};

/// The method of the scan tool's own rating.
const TOOL_RATING: &str = "trivy";

pub(crate) fn check(policy: &Policy, scans: &[ScanStatement], found: &mut Found) {
    let denied = Denied::new(&policy.licences.deny);
    for scan in scans {
        vulnerabilities(&policy.vulnerabilities, scan, found);
        files(policy, scan, found);
        licences(&policy.licences, &denied, scan, found);
    }
}

fn vulnerabilities(rule: &VulnerabilityRule, scan: &ScanStatement, found: &mut Found) {
    let Some(hold) = rule.hold else { return };
    for result in &scan.predicate.scanner.result {
        let severity = severity(result, rule.rating);
        if severity < hold {
            continue;
        }
        let mut add = |subject: String, detail: String| {
            let (kind, id) = (Kind::Vulnerability, result.id.clone());
            found.add(Violation { kind, id, subject, severity, detail });
        };
        if result.annotations.is_empty() {
            // Nobody says that there is no newer version.
            add(scan.predicate.aibom.target.to_string(), "no package is named".to_owned());
        }
        for place in &result.annotations {
            let remedy = match place.fixed.as_str() {
                "" if rule.fixed_only => continue,
                "" => "no version mends it".to_owned(),
                fixed => format!("update it to {fixed}"),
            };
            add(place.purl.clone(), format!("{} is installed; {remedy}", place.installed));
        }
    }
}

/// A tool that does not know leaves it to the others.
fn severity(result: &VulnerabilityResult, rating: Rating) -> Level {
    let rated = |by: Rating| {
        let counts = result.severity.iter().filter(|rated| match by {
            Rating::Scanner => rated.method == TOOL_RATING,
            Rating::Worst => true,
        });
        counts.map(|rated| Level::of(&rated.score)).max().filter(|level| *level > Level::Unknown)
    };
    rated(rating).or_else(|| rated(Rating::Worst)).unwrap_or(Level::Unknown)
}

fn files(policy: &Policy, scan: &ScanStatement, found: &mut Found) {
    let extension = &scan.predicate.aibom;
    let mut add =
        |kind, hold: Option<Level>, severity, id: &str, subject: String, detail: String| {
            if hold.is_some_and(|least| severity >= least) {
                found.add(Violation { kind, id: id.to_owned(), subject, severity, detail });
            }
        };
    for file in &extension.files {
        for hazard in &file.hazards {
            let detail = format!("{}: {}", hazard.place, hazard.detail);
            let (hold, name) = (policy.files.hold, file.name.clone());
            add(Kind::File, hold, hazard.severity, &hazard.rule, name, detail);
        }
    }
    for secret in &extension.secrets {
        let subject = format!("{}:{}", secret.path, secret.line);
        let (hold, detail) = (policy.secrets.hold, secret.title.clone());
        add(Kind::Secret, hold, secret.severity, &secret.rule, subject, detail);
    }
    for wrong in &extension.misconfigurations {
        let (hold, detail) = (policy.misconfigurations.hold, wrong.title.clone());
        let subject = wrong.path.clone();
        add(Kind::Misconfiguration, hold, wrong.severity, &wrong.id, subject, detail);
    }
}

fn licences(rule: &LicenceRule, denied: &Denied<'_>, scan: &ScanStatement, found: &mut Found) {
    // The programs of the mesh are no part of what is released.
    if scan.predicate.aibom.target == ScanTarget::Mesh {
        return;
    }
    for package in &scan.predicate.aibom.packages {
        let mut add = |id: &str, detail: &str| {
            let (kind, severity) = (Kind::Licence, Level::Unknown);
            let (id, subject) = (id.to_owned(), package.purl.clone());
            found.add(Violation { kind, id, subject, severity, detail: detail.to_owned() });
        };
        for id in denied.of(&package.licences) {
            add(id, "the policy denies this licence");
        }
        if rule.deny_unstated && package.licences.iter().all(|stated| stated.trim().is_empty()) {
            add("unstated", "the package states no licence");
        }
    }
}
