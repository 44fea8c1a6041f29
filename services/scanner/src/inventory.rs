//! From a report to what the evidence says: packages by purl, vulnerabilities by id, all sorted.
//!
//! Pure: no clock, no file. The same report gives the same inventory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evidence::{Finding, Package, Severity, VulnerabilityResult};
use ids::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::report::{PackageEntry, Report, ReportError, ResultEntry, VulnerabilityEntry};

/// The longest name, version, id or licence, in bytes.
const TEXT_MAX: usize = 256;
/// The longest purl, in bytes.
const PURL_MAX: usize = 1024;

/// What a report says, in the words of the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// The tool's version.
    pub tool_version: String,
    /// Every package, sorted by purl, each purl once.
    pub packages: Vec<Package>,
    /// Every vulnerability, sorted by id, each id once.
    pub vulnerabilities: Vec<VulnerabilityResult>,
    /// What the tool could not look at; an empty list means nothing was left out.
    pub gaps: Vec<String>,
}

impl Inventory {
    /// Reads the report on the image whose configuration has the digest `config`.
    ///
    /// # Errors
    /// When the report does not parse, breaks a bound, or is about another image.
    pub fn read(report: &[u8], config: Sha256Digest) -> Result<Self, ReportError> {
        let report = Report::parse(report)?;
        report.is_about(config)?;
        Ok(Self {
            tool_version: text("tool version", &report.trivy.version, TEXT_MAX)?,
            packages: packages(&report)?,
            vulnerabilities: vulnerabilities(&report)?,
            gaps: gaps(&report),
        })
    }
}

/// A text of 1 to `limit` bytes without control characters.
fn text(what: &'static str, value: &str, limit: usize) -> Result<String, ReportError> {
    if value.is_empty() {
        return Err(ReportError::Text { what, text: String::new() });
    }
    text_or_empty(what, value, limit)
}

fn text_or_empty(what: &'static str, value: &str, limit: usize) -> Result<String, ReportError> {
    if value.len() > limit || value.chars().any(char::is_control) {
        return Err(ReportError::Text { what, text: value.chars().take(64).collect() });
    }
    Ok(value.to_owned())
}

/// The package's own purl, or one of the type `generic` when the tool knows none.
fn purl(known: &str, name: &str, version: &str) -> Result<String, ReportError> {
    if !known.is_empty() {
        return text("purl", known, PURL_MAX);
    }
    let mut purl = format!("pkg:generic/{}", encoded(&text("package name", name, TEXT_MAX)?));
    if !version.is_empty() {
        purl.push('@');
        purl.push_str(&encoded(&text("package version", version, TEXT_MAX)?));
    }
    Ok(purl)
}

/// Percent-encoded as the purl specification asks.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A licence as stated; a whole licence text in its place is named by its digest.
fn licence(stated: &str) -> String {
    if stated.len() <= TEXT_MAX && !stated.chars().any(char::is_control) {
        return stated.to_owned();
    }
    let body = stated.strip_prefix("text://").unwrap_or(stated);
    format!("LicenseRef-sha256-{}", Sha256Digest::of(body.as_bytes()))
}

fn class(result: &ResultEntry) -> &'static str {
    if result.class == "os-pkgs" { "operating-system" } else { "library" }
}

fn packages(report: &Report) -> Result<Vec<Package>, ReportError> {
    let mut by_purl: BTreeMap<String, Package> = BTreeMap::new();
    for result in report.results() {
        // Ids hold within one group only.
        let mut by_id = HashMap::new();
        for entry in result.packages().iter().filter(|entry| !entry.id.is_empty()) {
            let purl = purl(&entry.identifier.purl, &entry.name, &entry.version)?;
            by_id.insert(entry.id.as_str(), purl);
        }
        for entry in result.packages() {
            let package = package(entry, class(result), &by_id)?;
            match by_purl.get_mut(&package.purl) {
                Some(first) => merge(first, package),
                None => {
                    by_purl.insert(package.purl.clone(), package);
                }
            }
        }
    }
    Ok(by_purl.into_values().collect())
}

fn package(
    entry: &PackageEntry,
    class: &'static str,
    by_id: &HashMap<&str, String>,
) -> Result<Package, ReportError> {
    let mut licences = Vec::new();
    for stated in entry.licenses.iter().flatten().filter(|stated| !stated.is_empty()) {
        let licence = licence(stated);
        if !licences.contains(&licence) {
            licences.push(licence);
        }
    }
    // An id that no package of the group has names one that is not installed.
    let depends_on: BTreeSet<&String> =
        entry.depends_on.iter().flatten().filter_map(|id| by_id.get(id.as_str())).collect();
    Ok(Package {
        purl: purl(&entry.identifier.purl, &entry.name, &entry.version)?,
        name: text("package name", &entry.name, TEXT_MAX)?,
        version: text_or_empty("package version", &entry.version, TEXT_MAX)?,
        class: class.to_owned(),
        licences,
        depends_on: depends_on.into_iter().cloned().collect(),
        digest: None,
        supplier: None,
        path: None,
        source: None,
    })
}

/// The same package found twice, such as in two directories.
fn merge(first: &mut Package, second: Package) {
    for licence in second.licences {
        if !first.licences.contains(&licence) {
            first.licences.push(licence);
        }
    }
    first.depends_on.extend(second.depends_on);
    first.depends_on.sort_unstable();
    first.depends_on.dedup();
}

/// Severities from worst to unknown, as Trivy spells them; the position in its own numbering is
/// the reverse.
const SCORES: [&str; 5] = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"];

fn rank(score: &str) -> usize {
    SCORES.iter().position(|known| *known == score).unwrap_or(0)
}

fn score(rank: usize) -> &'static str {
    SCORES.get(rank).copied().unwrap_or("UNKNOWN")
}

#[derive(Default)]
struct Grouped {
    /// By who rated; the worst of each.
    severity: BTreeMap<String, usize>,
    /// By purl and installed version.
    findings: BTreeMap<(String, String), String>,
}

fn vulnerabilities(report: &Report) -> Result<Vec<VulnerabilityResult>, ReportError> {
    let mut by_id: BTreeMap<String, Grouped> = BTreeMap::new();
    for entry in report.results().iter().flat_map(ResultEntry::vulnerabilities) {
        let id = text("vulnerability id", &entry.id, TEXT_MAX)?;
        add(by_id.entry(id).or_default(), entry)?;
    }
    Ok(by_id.into_iter().map(|(id, grouped)| result(id, grouped)).collect())
}

fn add(grouped: &mut Grouped, entry: &VulnerabilityEntry) -> Result<(), ReportError> {
    let mut rated = |method: String, rank: usize| {
        let worst = grouped.severity.entry(method).or_default();
        *worst = rank.max(*worst);
    };
    rated("trivy".to_owned(), rank(&entry.severity));
    for (vendor, number) in entry.vendor_severity.iter().flatten() {
        rated(text("rating vendor", vendor, TEXT_MAX)?, usize::from(*number));
    }
    let installed = text_or_empty("installed version", &entry.installed_version, TEXT_MAX)?;
    let fixed = text_or_empty("fixed version", &entry.fixed_version, TEXT_MAX)?;
    let purl = purl(&entry.identifier.purl, &entry.package, &installed)?;
    grouped.findings.insert((purl, installed), fixed);
    Ok(())
}

fn result(id: String, grouped: Grouped) -> VulnerabilityResult {
    let severity = grouped
        .severity
        .into_iter()
        .map(|(method, rank)| Severity { method, score: score(rank).to_owned(), vector: None })
        .collect();
    let annotations = grouped
        .findings
        .into_iter()
        .map(|((purl, installed), fixed)| Finding { purl, installed, fixed })
        .collect();
    VulnerabilityResult { id, severity, annotations, title: String::new(), cwes: Vec::new() }
}

/// What the report itself says was not, or not usefully, looked at.
fn gaps(report: &Report) -> Vec<String> {
    match &report.metadata.os {
        None => vec!["no operating system was recognised: its packages were not looked at".into()],
        Some(os) if os.end_of_life => {
            let clean = |part: &str| -> String {
                part.chars().filter(|c| !c.is_control()).take(64).collect()
            };
            let (family, name) = (clean(&os.family), clean(&os.name));
            vec![format!("{family} {name} gets no security updates any more")]
        }
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
