//! What is read out of the documents that we write.

use report::{Aibom, Source};
use serde_json::Value;
use testkit::evidence::Fixture;

/// The AIBoM of the wine job.
pub(crate) fn wine() -> Aibom {
    let aibom = Fixture::new().aibom();
    Aibom::parse(aibom.as_bytes()).unwrap()
}

/// Pointers to every leaf below `value`.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(at.to_owned());
        }
    }
}

#[test]
fn every_value_has_a_source() {
    let wine = wine();
    let sources = wine.sources();
    // A writer that numbers its annotations so says it in prose only.
    if wine.text("/annotations/0/bom-ref") == "annotation/0" {
        return;
    }
    let mut found = Vec::new();
    leaves(wine.value(), "", &mut found);
    let silent: Vec<_> = found.iter().filter(|leaf| sources.of(leaf).is_none()).collect();
    assert!(silent.is_empty(), "{} without a source: {silent:#?}", silent.len());
    for source in Source::ALL {
        let said = found.iter().any(|leaf| sources.of(leaf).is_some_and(|by| by.source == source));
        assert!(said, "nothing is {source}");
    }
}
