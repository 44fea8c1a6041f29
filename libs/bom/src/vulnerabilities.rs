//! What the scans found, joined: each vulnerability once, with every rating and place.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Finding, Severity, VerifiedEvidence};

use crate::claims::{Claims, Source as From};
use crate::cyclonedx::property;
use crate::cyclonedx::vulnerability::{AffectedVersion, Affects, Rating, Source, Vulnerability};
use crate::{refs, text};

/// The vulnerabilities, sorted by id.
pub(crate) fn of(evidence: &VerifiedEvidence, claims: &mut Claims) -> Vec<Vulnerability> {
    let mut known: BTreeMap<&str, Vulnerability> = BTreeMap::new();
    for (index, scan) in evidence.scans().iter().enumerate() {
        for result in &scan.predicate.scanner.result {
            let entry = known.entry(&result.id).or_insert_with(|| empty(&result.id));
            entry.properties.push(property("found-by", format_args!("tool/scanner/{index}")));
            if entry.description.is_none() && !result.title.is_empty() {
                entry.description = Some(result.title.clone());
            }
            // The schema knows no CWE 0.
            entry.cwes.extend(result.cwes.iter().filter(|number| **number > 0));
            for severity in &result.severity {
                push_new(&mut entry.ratings, rating(severity));
            }
            for finding in &result.annotations {
                affect(entry, finding);
            }
        }
    }
    if !known.is_empty() {
        claims.add(From::Scanned, refs::RELEASE, &["$/vulnerabilities"]);
    }
    known.into_values().collect()
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn empty(id: &str) -> Vulnerability {
    Vulnerability {
        bom_ref: format!("vulnerability/{id}"),
        id: id.to_owned(),
        source: source(id),
        ratings: Vec::new(),
        cwes: BTreeSet::new(),
        description: None,
        recommendation: None,
        affects: Vec::new(),
        properties: Vec::new(),
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

fn affect(vulnerability: &mut Vulnerability, finding: &Finding) {
    let reference = refs::package(&finding.purl);
    let version =
        AffectedVersion { version: text::version(&finding.installed), status: "affected" };
    match vulnerability.affects.iter_mut().find(|place| place.reference == reference) {
        Some(place) => push_new(&mut place.versions, version),
        None => vulnerability.affects.push(Affects { reference, versions: vec![version] }),
    }
    if finding.fixed.is_empty() {
        push_new(&mut vulnerability.properties, property("not-fixed", &finding.purl));
    } else {
        let advice = format!("Update {} to {}.", finding.purl, finding.fixed);
        vulnerability.recommendation = Some(match vulnerability.recommendation.take() {
            Some(before) if before.contains(&advice) => before,
            Some(before) => format!("{before} {advice}"),
            None => advice,
        });
    }
}
