//! A scan as a vulnerability disclosure report, CycloneDX 1.6.
//!
//! A small stand-in for `report::vdr`, which is to take its place at the one call in `advisory.rs`.

use std::collections::BTreeSet;

use evidence::{Level, ScanStatement, VulnerabilityResult};
use ids::{Sha256Digest, canonical};
use serde_json::{Value, json};

const IMAGE: &str = "image/trainer";

/// The report; the same scan and revision give the same bytes.
pub(super) fn vdr(scan: &ScanStatement, revision: u32) -> Result<Vec<u8>, canonical::Error> {
    let predicate = &scan.predicate;
    let image = scan.subject.first().and_then(|subject| subject.sha256_digest());
    let image = image.map(|digest| digest.to_hex()).unwrap_or_default();
    let results = &predicate.scanner.result;
    let affected: BTreeSet<(&str, &str)> = results
        .iter()
        .flat_map(|result| &result.annotations)
        .map(|finding| (finding.purl.as_str(), finding.installed.as_str()))
        .collect();
    let mut seen = BTreeSet::new();
    let packages = affected.into_iter().filter(|(purl, _)| seen.insert(*purl));
    let packages: Vec<Value> = packages
        .map(|(purl, version)| json!({"type": "library", "bom-ref": purl, "name": purl, "version": version}))
        .collect();
    canonical::to_vec(&json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(&image),
        "version": revision,
        "metadata": {
            "timestamp": predicate.metadata.scan_finished_on,
            "tools": {"components": [{
                "type": "application", "name": "trivy", "version": predicate.scanner.version,
                "hashes": [{"alg": "SHA-256", "content": predicate.aibom.tool_sha256}],
            }]},
            "component": {
                "type": "container", "bom-ref": IMAGE, "name": "trainer",
                "version": format!("sha256:{image}"),
                "hashes": [{"alg": "SHA-256", "content": image}],
            },
        },
        "components": packages,
        "vulnerabilities": results.iter().map(vulnerability).collect::<Vec<_>>(),
    }))
}

/// A UUIDv8 (RFC 9562 section 5.8) of the image: its reports are versions of one document.
fn serial_number(image: &str) -> String {
    let hex = Sha256Digest::of(format!("aibom.vdr.v1\0{image}").as_bytes()).to_hex();
    let mut digits = hex.chars();
    let mut take = |count: usize| digits.by_ref().take(count).collect::<String>();
    format!("urn:uuid:{}-{}-8{}-a{}-{}", take(8), take(4), take(3), take(3), take(12))
}

fn vulnerability(result: &VulnerabilityResult) -> Value {
    let ratings = result.severity.iter().map(|rating| {
        let severity = Level::of(&rating.score).as_str().to_ascii_lowercase();
        json!({"source": {"name": rating.method}, "severity": severity})
    });
    let affects = result.annotations.iter().map(|finding| {
        json!({"ref": finding.purl, "versions": [
            {"version": finding.installed, "status": "affected"},
        ]})
    });
    let fixes: BTreeSet<String> = result
        .annotations
        .iter()
        .filter(|finding| !finding.fixed.is_empty())
        .map(|finding| format!("Update {} to {}.", finding.purl, finding.fixed))
        .collect();
    let mut found = json!({
        "bom-ref": format!("vulnerability/{}", result.id),
        "id": result.id,
        "ratings": ratings.collect::<Vec<_>>(),
        "affects": affects.collect::<Vec<_>>(),
    });
    let texts = [
        ("description", result.title.clone()),
        ("recommendation", fixes.into_iter().collect::<Vec<_>>().join(" ")),
    ];
    if let Some(members) = found.as_object_mut() {
        let said = texts.into_iter().filter(|(_, text)| !text.is_empty());
        members.extend(said.map(|(name, text)| (name.to_owned(), text.into())));
        let cwes: Vec<u32> = result.cwes.iter().copied().filter(|number| *number > 0).collect();
        if !cwes.is_empty() {
            members.insert("cwes".to_owned(), json!(cwes));
        }
    }
    found
}
