//! The official CycloneDX 1.6 schema, offline and with formats asserted.

use std::sync::LazyLock;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

type Spoil = fn(&mut Value);

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let registry = Registry::new()
        .add(
            "http://cyclonedx.org/schema/spdx.schema.json",
            read(include_str!("../../schema/spdx.schema.json")),
        )
        .unwrap()
        .add(
            "http://cyclonedx.org/schema/jsf-0.82.schema.json",
            read(include_str!("../../schema/jsf-0.82.schema.json")),
        )
        .unwrap()
        .prepare()
        .unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .with_registry(&registry)
        .build(&read(include_str!("../../schema/bom-1.6.schema.json")))
        .unwrap()
});

/// What the schema has against `bom`; empty when it is valid.
pub(crate) fn errors(bom: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(bom).map(|e| format!("{}: {e:.300}", e.instance_path())).collect()
}

#[test]
fn the_wine_aibom_is_valid() {
    let bom = crate::aibom(&Fixture::new());
    assert_eq!(errors(&bom), Vec::<String>::new());
}

#[test]
fn the_judge_is_strict() {
    let good = crate::aibom(&Fixture::new());
    let spoiled: [(&str, Spoil); 8] = [
        ("unknown member", |b| b["surprise"] = json!(1)),
        ("unknown nested member", |b| b["components"][0]["modelCard"]["surprise"] = json!(1)),
        ("bad enum", |b| b["components"][0]["type"] = json!("model")),
        ("bad hash", |b| b["components"][0]["hashes"][0]["content"] = json!("xyz")),
        ("bad time", |b| b["metadata"]["timestamp"] = json!("2026-11-20 10:00")),
        ("bad serial number", |b| b["serialNumber"] = json!("urn:uuid:1")),
        ("bad link", |b| b["externalReferences"][0]["url"] = json!("a b")),
        ("bad licence id", |b| b["components"][0]["licenses"] = json!([{"license": {"id": "X"}}])),
    ];
    for (what, spoil) in spoiled {
        let mut bom = good.clone();
        spoil(&mut bom);
        assert!(!errors(&bom).is_empty(), "{what} is let through");
    }
}
