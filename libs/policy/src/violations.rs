//! What in the evidence a policy objects to.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{
    Completeness, Level, ScanStatement, ScanTarget, VerifiedEvidence, VulnerabilityResult,
};
use ids::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Ignore, Policy, Rating, licence};

const DAY_MS: i64 = 24 * 3_600_000;
/// The method of the scan tool's own rating.
const TOOL_RATING: &str = "trivy";

/// Which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A target that was not scanned to its end, or with a database that is too old.
    Completeness,
    /// A file that is dangerous to open.
    File,
    /// A text that looks like a secret.
    Secret,
    /// A known vulnerability.
    Vulnerability,
    /// A configuration.
    Misconfiguration,
    /// A licence.
    Licence,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Completeness,
        Self::File,
        Self::Secret,
        Self::Vulnerability,
        Self::Misconfiguration,
        Self::Licence,
    ];

    /// Reads its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::File => "file",
            Self::Secret => "secret",
            Self::Vulnerability => "vulnerability",
            Self::Misconfiguration => "misconfiguration",
            Self::Licence => "licence",
        }
    }
}

/// One thing that holds a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Violation {
    /// Which rule.
    pub kind: Kind,
    /// What: a CVE, a rule of secrets or files, a licence, a target.
    pub id: String,
    /// Where: a purl, a file, a path.
    pub subject: String,
    /// How bad.
    pub severity: Level,
    /// For people: what was found, and what mends it.
    pub detail: String,
}

impl Violation {
    /// Names it in a release: kind, id and place, so that a release lets nothing else pass.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {} {}", self.kind.as_str(), self.id, self.subject)
    }
}

/// A finding that the policy lets pass by its ignore list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What would have held the job.
    pub violation: Violation,
    /// Why it does not.
    pub by: Ignore,
}

/// Everything that `policy` objects to at `at`, and what it ignores of it; both sorted, each once.
pub(crate) fn find(
    policy: &Policy,
    evidence: &VerifiedEvidence,
    at: Timestamp,
) -> (Vec<Violation>, Vec<Ignored>) {
    let mut all = BTreeSet::new();
    completeness(policy, evidence, at, &mut all);
    for scan in evidence.scans() {
        vulnerabilities(policy, scan, &mut all);
        files(policy, scan, &mut all);
        licences(policy, scan, &mut all);
    }
    let mut held = Vec::new();
    // One finding may be told by several scans in several words.
    let mut ignored = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for violation in all {
        if !keys.insert(violation.key()) {
            continue;
        }
        match ignores(policy, &violation, at) {
            Some(by) => {
                let by = by.clone();
                ignored.insert(violation.key(), Ignored { violation, by });
            }
            None => held.push(violation),
        }
    }
    (held, ignored.into_values().collect())
}

fn ignores<'a>(policy: &'a Policy, violation: &Violation, at: Timestamp) -> Option<&'a Ignore> {
    // What was not looked at cannot be ignored.
    if violation.kind == Kind::Completeness {
        return None;
    }
    let versionless = violation.subject.split(['@', '?']).next();
    let qualifierless = violation.subject.split('?').next();
    policy.ignore.iter().find(|ignore| {
        let subject = ignore.subject.as_deref();
        ignore.id == violation.id
            && at <= ignore.expires
            && (subject.is_none()
                || subject == Some(&violation.subject)
                || violation.subject.starts_with("pkg:")
                    && (subject == versionless || subject == qualifierless))
    })
}

fn completeness(
    policy: &Policy,
    evidence: &VerifiedEvidence,
    at: Timestamp,
    all: &mut BTreeSet<Violation>,
) {
    let mut add = |id: &str, target: ScanTarget, detail: String| {
        let (kind, severity) = (Kind::Completeness, Level::Critical);
        let subject = target.to_string();
        all.insert(Violation { kind, id: id.to_owned(), subject, severity, detail });
    };
    for target in &policy.complete {
        let mut scans = evidence
            .scans()
            .iter()
            .filter(|scan| scan.predicate.aibom.target == *target)
            .peekable();
        if scans.peek().is_none() {
            add("not-scanned", *target, "no scan of it is in the evidence".to_owned());
        }
        for scan in scans {
            let extension = &scan.predicate.aibom;
            if extension.completeness == Completeness::Incomplete {
                add("incomplete", *target, extension.reason.clone());
            }
        }
    }
    let Some(days) = policy.max_database_age_days else { return };
    for scan in evidence.scans() {
        let Some(database) = &scan.predicate.scanner.db else { continue };
        if at.since_ms(database.last_update) > i64::from(days) * DAY_MS {
            let updated = database.last_update;
            let detail = format!("the database was updated {updated}, more than {days} days ago");
            add("database-age", scan.predicate.aibom.target, detail);
        }
    }
}

fn vulnerabilities(policy: &Policy, scan: &ScanStatement, all: &mut BTreeSet<Violation>) {
    let rule = &policy.vulnerabilities;
    let Some(hold) = rule.hold else { return };
    for result in &scan.predicate.scanner.result {
        let severity = severity(result, rule.rating);
        if severity < hold {
            continue;
        }
        for found in &result.annotations {
            if rule.fixed_only && found.fixed.is_empty() {
                continue;
            }
            let remedy = if found.fixed.is_empty() {
                "no version mends it".to_owned()
            } else {
                format!("update it to {}", found.fixed)
            };
            all.insert(Violation {
                kind: Kind::Vulnerability,
                id: result.id.clone(),
                subject: found.purl.clone(),
                severity,
                detail: format!("{} is installed; {remedy}", found.installed),
            });
        }
    }
}

fn severity(result: &VulnerabilityResult, rating: Rating) -> Level {
    let own = result.severity.iter().find(|rated| rated.method == TOOL_RATING);
    let worst = result.severity.iter().map(|rated| Level::of(&rated.score)).max();
    let worst = worst.unwrap_or(Level::Unknown);
    match rating {
        Rating::Scanner => own.map_or(worst, |rated| Level::of(&rated.score)),
        Rating::Worst => worst,
    }
}

fn files(policy: &Policy, scan: &ScanStatement, all: &mut BTreeSet<Violation>) {
    let extension = &scan.predicate.aibom;
    let mut add =
        |kind, hold: Option<Level>, severity, id: &str, subject: String, detail: String| {
            if hold.is_some_and(|least| severity >= least) {
                all.insert(Violation { kind, id: id.to_owned(), subject, severity, detail });
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
    for found in &extension.misconfigurations {
        let (hold, detail) = (policy.misconfigurations.hold, found.title.clone());
        let subject = found.path.clone();
        add(Kind::Misconfiguration, hold, found.severity, &found.id, subject, detail);
    }
}

fn licences(policy: &Policy, scan: &ScanStatement, all: &mut BTreeSet<Violation>) {
    let rule = &policy.licences;
    for package in &scan.predicate.aibom.packages {
        let found = match licence::denied(&package.licences, &rule.deny) {
            Some(id) => Some((id, "the policy denies this licence")),
            None if rule.deny_unstated && package.licences.is_empty() => {
                Some(("unstated", "the package states no licence"))
            }
            None => None,
        };
        all.extend(found.map(|(id, detail)| Violation {
            kind: Kind::Licence,
            id: id.to_owned(),
            subject: package.purl.clone(),
            severity: Level::Unknown,
            detail: detail.to_owned(),
        }));
    }
}
