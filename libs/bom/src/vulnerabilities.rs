//! What the scans found, joined: each vulnerability once, with every rating and place.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{ScanTarget, Severity, VerifiedEvidence, VulnerabilityResult};
use policy::{Decision, Kind};

use crate::claims::{Claims, Source as From};
use crate::cyclonedx::property;
use crate::cyclonedx::vulnerability::{
    AffectedVersion, Affects, Analysis, Rating, Source, Vulnerability,
};
use crate::findings::Findings;
use crate::{notes, refs, text};

/// A vulnerability as all scans together describe it. Everything is a set: an image decides how often
/// it holds a package, and each finding must cost the same.
#[derive(Debug, Default)]
struct Known<'a> {
    title: &'a str,
    cwes: BTreeSet<u32>,
    ratings: Vec<Rating>,
    /// Scans that found it.
    scans: BTreeSet<usize>,
    /// Installed versions by package of the image.
    places: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Programs of the mesh, and the packages in them.
    programs: BTreeSet<&'a str>,
    within: BTreeSet<&'a str>,
    /// Package and version that mends it.
    fixes: BTreeSet<(&'a str, &'a str)>,
    not_fixed: BTreeSet<&'a str>,
}

/// What follows from the id and from which scan it was.
const DERIVED: [&str; 3] = ["/bom-ref", "/properties/aibom:found-by", "/source"];

/// The vulnerabilities, sorted by id.
pub(crate) fn of<'a>(
    evidence: &'a VerifiedEvidence,
    decision: &'a Decision,
    findings: &'a Findings<'a>,
    claims: &mut Claims,
) -> Vec<Vulnerability> {
    let mut known: BTreeMap<&str, Known<'_>> = BTreeMap::new();
    for (index, scan) in evidence.scans().iter().enumerate() {
        for result in &scan.predicate.scanner.result {
            let known = known.entry(&result.id).or_default();
            known.join(index, result);
            if scan.predicate.aibom.target == ScanTarget::Mesh {
                known.in_programs(index, result, findings);
            } else {
                known.in_packages(result);
            }
        }
    }
    if !known.is_empty() {
        claims.add(From::Scanned, refs::RELEASE, &["$/vulnerabilities"]);
    }
    let mut all: BTreeMap<&str, Vulnerability> =
        known.into_iter().map(|(id, known)| (id, known.described(id))).collect();
    for vulnerability in all.values() {
        claims.add(From::Derived, &vulnerability.bom_ref, &DERIVED);
    }
    ignored(decision, &mut all, claims);
    accepted(evidence, decision, &mut all, claims);
    all.into_values().collect()
}

impl<'a> Known<'a> {
    fn join(&mut self, scan: usize, result: &'a VulnerabilityResult) {
        self.scans.insert(scan);
        if self.title.is_empty() {
            self.title = &result.title;
        }
        // The schema knows no CWE 0.
        self.cwes.extend(result.cwes.iter().filter(|number| **number > 0));
        for rating in result.severity.iter().map(rating) {
            if !self.ratings.contains(&rating) {
                self.ratings.push(rating);
            }
        }
        for finding in &result.annotations {
            if finding.fixed.is_empty() {
                self.not_fixed.insert(&finding.purl);
            } else {
                self.fixes.insert((&finding.purl, &finding.fixed));
            }
        }
    }

    fn in_packages(&mut self, result: &'a VulnerabilityResult) {
        for finding in &result.annotations {
            self.places.entry(&finding.purl).or_default().insert(&finding.installed);
        }
    }

    /// The packages of the mesh's programs are no components: the programs are.
    fn in_programs(
        &mut self,
        scan: usize,
        result: &'a VulnerabilityResult,
        findings: &'a Findings<'a>,
    ) {
        for finding in &result.annotations {
            self.within.insert(&finding.purl);
            self.programs.extend(findings.programs_with(scan, &finding.purl));
        }
    }

    fn described(self, id: &str) -> Vulnerability {
        let found =
            self.scans.iter().map(|n| property("found-by", format_args!("tool/scanner/{n}")));
        let not_fixed = self.not_fixed.iter().map(|purl| property("not-fixed", purl));
        let advice: Vec<String> =
            self.fixes.iter().map(|(purl, fixed)| format!("Update {purl} to {fixed}.")).collect();
        let within = self.within.iter().map(|purl| property("in-package", purl));
        let programs = self
            .programs
            .into_iter()
            .map(|program| Affects { reference: program.to_owned(), versions: Vec::new() });
        Vulnerability {
            affects: self.places.into_iter().map(affects).chain(programs).collect(),
            analysis: None,
            bom_ref: refs::vulnerability(id),
            cwes: self.cwes,
            description: (!self.title.is_empty()).then(|| self.title.to_owned()),
            id: id.to_owned(),
            properties: found.chain(not_fixed).chain(within).collect(),
            ratings: self.ratings,
            recommendation: (!advice.is_empty()).then(|| advice.join(" ")),
            source: source(id),
        }
    }
}

/// What the policy's list ignores, and in the policy's words why. Where the ids and places come from
/// is another matter: a scan found them.
fn ignored(decision: &Decision, all: &mut BTreeMap<&str, Vulnerability>, claims: &mut Claims) {
    let mut told = BTreeSet::new();
    for ignored in decision.ignored().iter().filter(|i| i.violation.kind == Kind::Vulnerability) {
        let Some(found) = all.get_mut(ignored.violation.id.as_str()) else { continue };
        found.properties.push(property("ignored", &ignored.violation.subject));
        let why = notes::ignored(&ignored.by);
        if told.insert((found.bom_ref.clone(), why.clone())) {
            found.properties.push(property("ignored:by", &why));
            let detail = found.analysis.take().map(|known| known.detail + " ");
            let detail = detail.unwrap_or_default() + &why;
            found.analysis = Some(Analysis { detail });
        }
        let fields = ["/analysis", "/properties/aibom:ignored:by"];
        claims.add(From::Decided, &found.bom_ref, &fields);
    }
}

/// What an approver let pass: the analysis is in the approver's words, for they came last.
fn accepted(
    evidence: &VerifiedEvidence,
    decision: &Decision,
    all: &mut BTreeMap<&str, Vulnerability>,
    claims: &mut Claims,
) {
    let Some(detail) = notes::accepted(evidence) else { return };
    for accepted in decision.accepted().iter().filter(|v| v.kind == Kind::Vulnerability) {
        let Some(found) = all.get_mut(accepted.id.as_str()) else { continue };
        found.properties.push(property("accepted", &accepted.subject));
        found.analysis = Some(Analysis { detail: detail.clone() });
        claims.add(From::Released, &found.bom_ref, &["/analysis/detail"]);
    }
}

fn affects((purl, versions): (&str, BTreeSet<&str>)) -> Affects {
    let version = |text: &str| AffectedVersion { status: "affected", version: text::version(text) };
    Affects {
        reference: refs::package(purl).into_owned(),
        versions: versions.into_iter().map(version).collect(),
    }
}

/// Who gives out ids of this form.
fn source(id: &str) -> Source {
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let (name, url) = match id.split_once('-') {
        Some(("CVE", _)) if plain => ("NVD", format!("https://nvd.nist.gov/vuln/detail/{id}")),
        Some(("GHSA", _)) if plain => ("GitHub", format!("https://github.com/advisories/{id}")),
        _ => {
            return Source { name: Some("unknown".to_owned()), url: None };
        }
    };
    Source { name: Some(name.to_owned()), url: Some(url) }
}

fn rating(severity: &Severity) -> Rating {
    let level = match severity.score.as_str() {
        "CRITICAL" => "critical",
        "HIGH" => "high",
        "MEDIUM" => "medium",
        "LOW" => "low",
        _ => "unknown",
    };
    Rating {
        source: Source { name: Some(severity.method.clone()), url: None },
        severity: level,
        method: severity.vector.as_deref().map(method),
        vector: severity.vector.clone(),
    }
}

/// The method of a vector, by how it begins; version 2 has vectors without a name.
fn method(vector: &str) -> &'static str {
    match vector.split_once('/').map_or(vector, |(begin, _)| begin) {
        "CVSS:4.0" => "CVSSv4",
        "CVSS:3.1" => "CVSSv31",
        "CVSS:3.0" => "CVSSv3",
        begin if begin.starts_with("AV:") => "CVSSv2",
        _ => "other",
    }
}
