//! The AIBoM without vulnerabilities and these beside it, under the official schemas.

use jsonschema::{Registry, Validator};
use report::{
    Aibom,
    bsi::{SplitError, VDR, split},
};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

use crate::{SAMPLE, changed, sample};

fn validator(schema: &str) -> Validator {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let parts = [
        ("spdx", include_str!("../../../bom/schema/spdx.schema.json")),
        ("jsf-0.82", include_str!("../../../bom/schema/jsf-0.82.schema.json")),
        ("cryptography-defs", include_str!("../../../bom/schema/cryptography-defs.schema.json")),
    ];
    let registry = parts.into_iter().fold(Registry::new(), |registry, (name, text)| {
        let id = format!("http://cyclonedx.org/schema/{name}.schema.json");
        registry.add(id, read(text)).unwrap()
    });
    let registry = registry.prepare().unwrap();
    let options = jsonschema::options().should_validate_formats(true);
    options.with_registry(&registry).build(&read(schema)).unwrap()
}

/// What the schema of its own version has against a document.
pub(crate) fn errors(bom: &Value) -> Vec<String> {
    let schema = match bom["specVersion"].as_str() {
        Some("1.6") => include_str!("../../../bom/schema/bom-1.6.schema.json"),
        _ => include_str!("../../../bom/schema/bom-1.7.schema.json"),
    };
    let all = validator(schema);
    all.iter_errors(bom).map(|e| format!("{}: {e:.300}", e.instance_path())).collect()
}

fn parts(aibom: &Aibom, exact: &[u8]) -> (Value, Value, Vec<u8>) {
    let parts = split(aibom, exact).unwrap();
    let read = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap();
    (read(&parts.sbom), read(&parts.vdr), parts.vdr)
}

fn sha256(reference: &Value) -> &str {
    reference["hashes"][0]["content"].as_str().unwrap()
}

/// The external reference to that address.
fn named<'a>(bom: &'a Value, url: &str) -> &'a Value {
    let all = bom["externalReferences"].as_array().unwrap();
    all.iter().find(|reference| reference["url"] == url).unwrap()
}

#[test]
fn both_are_valid_in_each_version() {
    for version in [job::CycloneDx::V1_6, job::CycloneDx::V1_7] {
        let fixture = Fixture::new().request(move |r| r.spec.aibom.cyclone_dx = version);
        let exact = fixture.aibom();
        let aibom = Aibom::parse(exact.as_bytes()).unwrap();
        assert!(!aibom.list("/vulnerabilities").is_empty());
        let (sbom, vdr, bytes) = parts(&aibom, exact.as_bytes());
        assert_eq!((errors(&sbom), errors(&vdr)), (Vec::new(), Vec::new()));
        let text = sbom.to_string();
        assert!(
            !text.contains("$/vulnerabilities") && !text.contains("\"/vulnerabilities"),
            "{text}"
        );
        assert!(!text.contains("vulnerability/"), "{text}");
        assert_eq!(sha256(named(&sbom, VDR)), ids::Sha256Digest::of(&bytes).to_hex());
        let said = |at: usize| vdr["annotations"][at]["text"].as_str().unwrap();
        assert!(said(0).starts_with("The policy ignores CVE-"), "{}", said(0));
        assert!(said(1).starts_with("Scanned by spiffe://"), "{}", said(1));
        assert!(!text.contains("CVE-"), "what is let pass is of the report");
    }
}

#[test]
fn what_is_affected_is_in_the_aibom_that_both_name() {
    let aibom = sample();
    let (sbom, vdr, _) = parts(&aibom, SAMPLE.as_bytes());
    assert_eq!((errors(&sbom), errors(&vdr)), (Vec::new(), Vec::new()));
    assert_eq!(sbom.get("vulnerabilities"), None);
    let serial = aibom.text("/serialNumber").replace("urn:uuid:", "urn:cdx:");
    let link = format!("{serial}/1");
    let digest = ids::Sha256Digest::of(SAMPLE.as_bytes()).to_hex();
    for document in [&sbom, &vdr] {
        assert_eq!(sha256(named(document, &link)), digest);
    }
    let found = vdr["vulnerabilities"].as_array().unwrap();
    assert_eq!(found.len(), aibom.list("/vulnerabilities").len());
    for affected in found.iter().flat_map(|found| found["affects"].as_array().unwrap()) {
        assert!(
            affected["ref"].as_str().unwrap().starts_with(&format!("{link}#pkg")),
            "{affected}"
        );
    }
    let serials = [&sbom, &vdr, aibom.value()].map(|of| of["serialNumber"].as_str().unwrap());
    assert!(serials[0] != serials[1] && serials[1] != serials[2] && serials[0] != serials[2]);
    assert_eq!(
        split(&aibom, SAMPLE.as_bytes()).unwrap(),
        split(&sample(), SAMPLE.as_bytes()).unwrap()
    );
}

#[test]
fn an_aibom_that_no_link_can_name_is_refused() {
    for serial in ["", "urn:uuid:", "urn:uuid:3E671687-395B-41F5-A30F-A58921A69B79", "urn:uuid:é"]
    {
        let aibom = changed(|b| b["serialNumber"] = json!(serial));
        assert!(matches!(split(&aibom, b""), Err(SplitError::NoSerialNumber)), "{serial}");
    }
}
