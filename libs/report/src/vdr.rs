//! What is known of an image today, as a vulnerability disclosure report in CycloneDX 1.6.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Completeness, ScanStatement, ScanTarget, Severity, VulnerabilityResult};
use ids::canonical;
use serde_json::{Value, json};

use crate::{
    Aibom,
    aibom::{list, text},
    bsi,
    spdx::escaped,
};

/// The bom-ref of the image in a report.
const IMAGE: &str = "image/trainer";
/// The longest version that the schema takes, in characters.
const MAX_VERSION_CHARS: usize = 1024;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum VdrError {
    /// The scan is of a run, of files or of programs.
    #[error("the scan is not of an image for its own sake: it is evidence of a run")]
    NotAnImage,
    /// The AIBoM is about another image.
    #[error("the AIBoM names another image than the one that was scanned")]
    OtherImage,
    /// A BOM-Link has no other way to name the AIBoM.
    #[error("the AIBoM's serialNumber is no urn:uuid: of small hexadecimal digits")]
    NoSerialNumber,
    /// It cannot be written.
    #[error("cannot be written: {0}")]
    Write(#[from] canonical::Error),
}

/// The report of the newest scan of an image, RFC 8785 canonical; `revision` counts the reports on
/// it, from 1. With an AIBoM, packages are named by BOM-Link into it.
///
/// # Errors
/// When the scan is of something else, or the AIBoM is not about its image.
pub fn vdr(
    scan: &ScanStatement,
    revision: u32,
    aibom: Option<&Aibom>,
) -> Result<Vec<u8>, VdrError> {
    let extension = &scan.predicate.aibom;
    let [image] = scan.subject.as_slice() else { return Err(VdrError::NotAnImage) };
    let digest = image.sha256_digest().ok_or(VdrError::NotAnImage)?.to_hex();
    if extension.target != ScanTarget::Image || extension.run.is_some() {
        return Err(VdrError::NotAnImage);
    }
    let into = aibom.map(|aibom| into(aibom, &digest)).transpose()?;
    let known: BTreeSet<&str> = match aibom {
        Some(aibom) => aibom.list("/components").iter().map(|c| text(c, "/bom-ref")).collect(),
        None => BTreeSet::new(),
    };
    let place = |purl: &str| match &into {
        Some(link) if known.contains(purl) => format!("{link}#{}", escaped(purl)),
        Some(_) | None => reference(purl),
    };
    let found: Vec<Value> =
        joined(scan).into_values().map(|same| vulnerability(&same, aibom, &place)).collect();
    let mut report = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": bsi::serial_number("advisory", digest.as_bytes()),
        "version": revision.max(1),
        "metadata": metadata(scan, revision, &digest),
        "vulnerabilities": found,
    });
    if let Some(members) = report.as_object_mut() {
        let components = components(scan, &known);
        if !components.is_empty() {
            members.insert("components".to_owned(), components.into());
        }
        if let Some(link) = into {
            let comment = "the AIBoM that names the image";
            let bom = json!([{"type": "bom", "url": link, "comment": comment}]);
            members.insert("externalReferences".to_owned(), bom);
        }
        if extension.completeness == Completeness::Incomplete {
            members.insert("annotations".to_owned(), json!([not_scanned(scan)]));
        }
    }
    Ok(canonical::to_vec(&report)?)
}

/// The AIBoM's BOM-Link, when it names the image.
fn into(aibom: &Aibom, digest: &str) -> Result<String, VdrError> {
    let image = aibom.component(IMAGE).ok_or(VdrError::OtherImage)?;
    let same = list(image, "/hashes").iter().any(|hash| text(hash, "/content") == digest);
    if !same {
        return Err(VdrError::OtherImage);
    }
    bsi::link(aibom).ok_or(VdrError::NoSerialNumber)
}

/// How a package is called in a report that names it itself; as in an AIBoM.
fn reference(purl: &str) -> String {
    if purl.starts_with("pkg:") { purl.to_owned() } else { format!("package/{purl}") }
}

/// The results of one id stand together: ids are each once in a report.
fn joined(scan: &ScanStatement) -> BTreeMap<&str, Vec<&VulnerabilityResult>> {
    let mut all: BTreeMap<&str, Vec<&VulnerabilityResult>> = BTreeMap::new();
    for result in &scan.predicate.scanner.result {
        all.entry(&result.id).or_default().push(result);
    }
    all
}

fn metadata(scan: &ScanStatement, revision: u32, digest: &str) -> Value {
    let (scanner, extension) = (&scan.predicate.scanner, &scan.predicate.aibom);
    let status = match extension.completeness {
        Completeness::Complete => "complete".to_owned(),
        Completeness::Incomplete => format!("not scanned: {}", extension.reason),
    };
    let property =
        |name: &str, value: &str| json!({"name": format!("aibom:{name}"), "value": value});
    let mut properties = vec![
        property("advisory:revision", &revision.to_string()),
        property("scan:0:target", "image"),
        property("scan:0:status", &status),
    ];
    if let Some(database) = &scanner.db {
        properties.push(property("scanner:database:uri", &database.uri));
        properties.push(property("scanner:database:version", &database.version));
        let updated = database.last_update.to_string();
        properties.push(property("scanner:database:lastUpdate", &updated));
    }
    let sha256 = |digest: &str| json!([{"alg": "SHA-256", "content": digest}]);
    let path = scanner.uri.split(['@', '?', '#']).next().unwrap_or_default();
    let name = path.rsplit(['/', ':']).next().filter(|name| !name.is_empty());
    json!({
        "timestamp": scan.predicate.metadata.scan_finished_on.to_string(),
        "component": {
            "type": "container", "bom-ref": IMAGE, "name": format!("sha256:{digest}"),
            "hashes": sha256(digest),
        },
        "tools": {"components": [{
            "type": "application", "bom-ref": "tool/scanner/0",
            "name": name.unwrap_or("scanner"), "version": version(&scanner.version),
            "hashes": sha256(&extension.tool_sha256.to_hex()),
        }]},
        "properties": properties,
    })
}

fn version(text: &str) -> String {
    text.chars().take(MAX_VERSION_CHARS).collect()
}

/// The affected packages that no AIBoM names, by their purls.
fn components(scan: &ScanStatement, known: &BTreeSet<&str>) -> Vec<Value> {
    let places = scan.predicate.scanner.result.iter().flat_map(|result| &result.annotations);
    let own = places.filter(|place| !known.contains(place.purl.as_str()));
    let own: BTreeMap<String, (&str, &str)> =
        own.map(|p| (reference(&p.purl), (p.purl.as_str(), p.installed.as_str()))).collect();
    let component = |(reference, (purl, installed)): (String, (&str, &str))| {
        let plain = purl.split(['?', '#', '@']).next().unwrap_or_default();
        let name = plain.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("unnamed");
        let mut out = json!({
            "type": "library", "bom-ref": reference, "name": name, "version": version(installed),
        });
        if let (true, Some(members)) = (purl.starts_with("pkg:"), out.as_object_mut()) {
            members.insert("purl".to_owned(), json!(purl));
        }
        out
    };
    own.into_iter().map(component).collect()
}

fn vulnerability(
    same: &[&VulnerabilityResult],
    aibom: Option<&Aibom>,
    place: &impl Fn(&str) -> String,
) -> Value {
    let id = same.first().map_or("", |result| result.id.as_str());
    let mut ratings: Vec<Value> = Vec::new();
    for rating in same.iter().flat_map(|result| &result.severity).map(rating) {
        if !ratings.contains(&rating) {
            ratings.push(rating);
        }
    }
    let found = || same.iter().flat_map(|result| &result.annotations);
    let affected: BTreeSet<String> = found().map(|finding| place(&finding.purl)).collect();
    let affects: Vec<Value> = affected.into_iter().map(|at| json!({"ref": at})).collect();
    let mut out = json!({
        "bom-ref": format!("vulnerability/{id}"), "id": id, "ratings": ratings, "affects": affects,
    });
    let Some(members) = out.as_object_mut() else { return out };
    let cwes: BTreeSet<u32> = same.iter().flat_map(|result| result.cwes.iter().copied()).collect();
    let cwes: Vec<u32> = cwes.into_iter().filter(|cwe| *cwe > 0).collect();
    if !cwes.is_empty() {
        members.insert("cwes".to_owned(), json!(cwes));
    }
    if let Some(title) = same.iter().map(|result| &result.title).find(|title| !title.is_empty()) {
        members.insert("description".to_owned(), json!(title));
    }
    let fixed: BTreeSet<String> = found()
        .filter(|finding| !finding.fixed.is_empty())
        .map(|finding| format!("Update {} to {}.", finding.purl, finding.fixed))
        .collect();
    if !fixed.is_empty() {
        let advice = fixed.into_iter().collect::<Vec<_>>().join(" ");
        members.insert("recommendation".to_owned(), json!(advice));
    }
    if let Some(aibom) = aibom {
        let known = aibom.list("/vulnerabilities").iter().any(|old| text(old, "/id") == id);
        let since = if known { "known when it was signed" } else { "became known since" };
        members.insert(
            "properties".to_owned(),
            json!([{"name": "aibom:advisory:since", "value": since}]),
        );
    }
    out
}

fn rating(severity: &Severity) -> Value {
    let level = evidence::Level::of(&severity.score).as_str().to_ascii_lowercase();
    let mut out = json!({"source": {"name": severity.method}, "severity": level});
    if let (Some(vector), Some(members)) = (&severity.vector, out.as_object_mut()) {
        members.insert("vector".to_owned(), json!(vector));
    }
    out
}

/// That the scan was not complete, for whoever opens the report.
fn not_scanned(scan: &ScanStatement) -> Value {
    let reason = &scan.predicate.aibom.reason;
    json!({
        "bom-ref": "not-scanned/0", "subjects": [IMAGE],
        "timestamp": scan.predicate.metadata.scan_finished_on.to_string(),
        "annotator": {"component": {"type": "application", "name": "aibom"}},
        "text": format!("not scanned: {reason}. An absent vulnerability means nothing."),
    })
}
