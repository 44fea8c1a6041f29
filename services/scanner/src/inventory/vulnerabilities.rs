//! The vulnerabilities of a report: joined by id over the packages that have them.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Finding, MAX_CWES, MAX_FINDINGS, MAX_PLACES, Severity, VulnerabilityResult};

use super::{TEXT_MAX, purl, shown, text, text_or_empty};
use crate::report::{Cvss, Report, ReportError, ResultEntry, VulnerabilityEntry};

/// The longest title, in characters.
const TITLE_MAX: usize = 512;
/// The longest CVSS vector, in bytes.
const VECTOR_MAX: usize = 256;

/// Severities from worst to unknown, as Trivy spells them; the position in its own numbering is
/// the reverse.
const SCORES: [&str; 5] = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"];

fn rank(score: &str) -> usize {
    SCORES.iter().position(|known| *known == score).unwrap_or(0)
}

fn score(rank: usize) -> &'static str {
    SCORES.get(rank).copied().unwrap_or("UNKNOWN")
}

/// What one who rated says.
#[derive(Default)]
struct Rated {
    /// The worst.
    rank: usize,
    /// The greatest version of CVSS with its vector.
    vector: Option<(u8, String)>,
}

#[derive(Default)]
struct Grouped {
    /// By who rated; the worst of each.
    severity: BTreeMap<String, Rated>,
    /// By purl and installed version.
    findings: BTreeMap<(String, String), String>,
    /// The titles that it was found under.
    titles: BTreeSet<String>,
    cwes: BTreeSet<u32>,
}

/// The vulnerabilities of `report`, sorted by id, each id once.
pub(super) fn of(report: &Report) -> Result<Vec<VulnerabilityResult>, ReportError> {
    let mut by_id: BTreeMap<String, Grouped> = BTreeMap::new();
    for entry in report.results().iter().flat_map(ResultEntry::vulnerabilities) {
        let id = text("vulnerability id", &entry.id, TEXT_MAX)?;
        add(by_id.entry(id).or_default(), entry)?;
    }
    let places = by_id.values().map(|grouped| grouped.findings.len()).sum();
    for (what, got, limit) in [
        ("vulnerabilities", by_id.len(), MAX_FINDINGS),
        ("packages with a vulnerability", places, MAX_PLACES),
    ] {
        if got > limit {
            return Err(ReportError::TooMany { what, limit });
        }
    }
    Ok(by_id.into_iter().map(|(id, grouped)| result(id, grouped)).collect())
}

fn add(grouped: &mut Grouped, entry: &VulnerabilityEntry) -> Result<(), ReportError> {
    let vector_of = |method: &str| vector(entry.cvss.as_ref()?.get(method)?);
    let mut rated = |method: String, rank: usize| {
        let vector = vector_of(&method);
        let worst = grouped.severity.entry(method).or_default();
        worst.rank = worst.rank.max(rank);
        worst.vector = worst.vector.take().max(vector);
    };
    rated("trivy".to_owned(), rank(&entry.severity));
    for (vendor, number) in entry.vendor_severity.iter().flatten() {
        rated(text("rating vendor", vendor, TEXT_MAX)?, usize::from(*number));
    }
    let installed = text_or_empty("installed version", &entry.installed_version, TEXT_MAX)?;
    let fixed = text_or_empty("fixed version", &entry.fixed_version, TEXT_MAX)?;
    let purl = purl(&entry.identifier.purl, &entry.package, &installed)?;
    grouped.findings.insert((purl, installed), fixed);
    grouped.titles.extend(shown(&entry.title, TITLE_MAX));
    grouped.cwes.extend(entry.cwe_ids.iter().flatten().filter_map(|id| cwe(id)));
    Ok(())
}

/// The vector of the newest standard that is one, with the standard's version.
fn vector(cvss: &Cvss) -> Option<(u8, String)> {
    let prefixed = [
        (4, "CVSS:4.0/", &cvss.v40_vector),
        (3, "CVSS:3.1/", &cvss.v3_vector),
        (3, "CVSS:3.0/", &cvss.v3_vector),
        // Version 2 has no prefix; every vector of it begins with this metric.
        (2, "AV:", &cvss.v2_vector),
    ];
    let holds = |prefix: &str, vector: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'.');
        vector.starts_with(prefix) && vector.len() <= VECTOR_MAX && vector.bytes().all(plain)
    };
    let (version, _, vector) = prefixed.into_iter().find(|(_, p, vector)| holds(p, vector))?;
    Some((version, vector.clone()))
}

/// The number of a weakness: `CWE-79` is 79.
fn cwe(id: &str) -> Option<u32> {
    let digits = id.strip_prefix("CWE-").filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number > 0)
}

fn result(id: String, grouped: Grouped) -> VulnerabilityResult {
    let severity = grouped.severity.into_iter().map(|(method, rated)| Severity {
        method,
        score: score(rated.rank).to_owned(),
        vector: rated.vector.map(|(_, vector)| vector),
    });
    let annotations = grouped.findings.into_iter().map(|((purl, installed), fixed)| Finding {
        purl,
        installed,
        fixed,
    });
    VulnerabilityResult {
        id,
        severity: severity.collect(),
        annotations: annotations.collect(),
        title: grouped.titles.into_iter().next().unwrap_or_default(),
        cwes: grouped.cwes.into_iter().take(MAX_CWES).collect(),
    }
}
