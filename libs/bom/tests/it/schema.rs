//! The official CycloneDX schemas, 1.6 and 1.7, offline and with formats asserted.

use std::sync::LazyLock;

use job::CycloneDx;
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

type Spoil = fn(&mut Value);

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn validator(schema: &str) -> Validator {
    let parts = [
        ("spdx", include_str!("../../schema/spdx.schema.json")),
        ("jsf-0.82", include_str!("../../schema/jsf-0.82.schema.json")),
        ("cryptography-defs", include_str!("../../schema/cryptography-defs.schema.json")),
    ];
    let registry = parts.into_iter().fold(Registry::new(), |registry, (name, text)| {
        let id = format!("http://cyclonedx.org/schema/{name}.schema.json");
        registry.add(id, read(text)).unwrap()
    });
    let registry = registry.prepare().unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .with_registry(&registry)
        .build(&read(schema))
        .unwrap()
}

static V1_6: LazyLock<Validator> =
    LazyLock::new(|| validator(include_str!("../../schema/bom-1.6.schema.json")));
static V1_7: LazyLock<Validator> =
    LazyLock::new(|| validator(include_str!("../../schema/bom-1.7.schema.json")));

/// What the schema of its own version has against `bom`; empty when it is valid.
pub(crate) fn errors(bom: &Value) -> Vec<String> {
    let validator = match bom["specVersion"].as_str() {
        Some("1.6") => &V1_6,
        Some("1.7") => &V1_7,
        other => return vec![format!("an unknown version: {other:?}")],
    };
    validator.iter_errors(bom).map(|e| format!("{}: {e:.300}", e.instance_path())).collect()
}

/// A fixture whose request wants that version.
pub(crate) fn of_version(version: CycloneDx) -> Fixture {
    Fixture::new().request(move |request| request.spec.aibom.cyclone_dx = version)
}

#[test]
fn the_wine_aibom_is_valid_in_both_versions() {
    for (version, text) in [(CycloneDx::V1_6, "1.6"), (CycloneDx::V1_7, "1.7")] {
        let bom = crate::aibom(&of_version(version));
        assert_eq!(errors(&bom), Vec::<String>::new());
        assert_eq!(bom["specVersion"], text);
        assert_eq!(bom["$schema"], format!("http://cyclonedx.org/schema/bom-{text}.schema.json"));
        let sources = if text == "1.6" { "annotations" } else { "citations" };
        assert!(bom[sources].as_array().unwrap().len() > 5);
        assert_eq!(bom["citations"].is_null(), text == "1.6");
        let tlp = &bom["metadata"]["distributionConstraints"]["tlp"];
        assert_eq!(tlp.as_str(), (text == "1.7").then_some("CLEAR"));
    }
}

#[test]
fn the_judge_is_strict() {
    let spoiled: [(&str, Spoil); 9] = [
        ("unknown member", |b| b["surprise"] = json!(1)),
        ("unknown nested member", |b| b["components"][0]["modelCard"]["surprise"] = json!(1)),
        ("bad enum", |b| b["components"][0]["type"] = json!("model")),
        ("bad hash", |b| b["components"][0]["hashes"][0]["content"] = json!("xyz")),
        ("bad time", |b| b["metadata"]["timestamp"] = json!("2026-11-20 10:00")),
        ("bad serial number", |b| b["serialNumber"] = json!("urn:uuid:1")),
        ("bad link", |b| b["externalReferences"][0]["url"] = json!("a b")),
        ("bad licence id", |b| b["components"][0]["licenses"] = json!([{"license": {"id": "X"}}])),
        ("bad conformance", |b| {
            b["declarations"]["attestations"][0]["map"][0]["conformance"]["score"] = json!(2);
        }),
    ];
    for version in [CycloneDx::V1_6, CycloneDx::V1_7] {
        let good = crate::aibom(&of_version(version));
        for (what, spoil) in spoiled {
            let mut bom = good.clone();
            spoil(&mut bom);
            assert!(!errors(&bom).is_empty(), "{what} is let through");
        }
    }
}
