//! A document with the wrong thing anywhere is read without a panic, and never counts as more.

use proptest::prelude::*;
use report::{Aibom, diff::diff, score::score};
use serde_json::{Value, json};

use crate::ours::wine;

/// Pointers to every value of a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn wrong() -> [Value; 8] {
    [
        Value::Null,
        json!(-1),
        json!(1e300),
        json!(""),
        json!("$/~2*, : by  \u{202e}é"),
        json!([]),
        json!([[{"name": {}, "bom-ref": [], "type": "data"}], null]),
        json!({"name": 7, "bom-ref": "output/model.keras", "hashes": {"alg": 1}, "": {}}),
    ]
}

/// Reads everything out of a document that can be read.
fn read(document: &Value, places: &[String]) {
    let Ok(aibom) = Aibom::parse(&serde_json::to_vec(document).unwrap()) else { return };
    let sources = aibom.sources();
    for place in places {
        let _ = sources.of(place);
    }
    for element in score(&aibom, false).elements {
        assert!(aibom.value().pointer(&element.pointer).is_some(), "{element:?}");
    }
    assert!(diff(&aibom, &aibom).is_empty());
    let _ = diff(&wine(), &aibom);
}

#[test]
fn no_member_of_the_document_is_trusted() {
    let original = wine();
    for name in original.value().as_object().unwrap().keys() {
        for wrong in wrong() {
            let mut document = original.value().clone();
            document[name] = wrong;
            read(&document, &["/components/0/name".to_owned(), format!("/{name}/0")]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn anything_can_stand_anywhere(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..8), 1..20),
    ) {
        let mut document = wine().value().clone();
        for (place, instead) in changes {
            let mut places = Vec::new();
            pointers(&document, "", &mut places);
            // The whole document is left alone: what is none is not read at all.
            places.remove(0);
            if places.is_empty() {
                break;
            }
            let place = place.get(&places);
            *document.pointer_mut(place).unwrap() = wrong()[instead].clone();
        }
        document["bomFormat"] = json!("CycloneDX");
        document["specVersion"] = json!("1.7");
        let mut places = Vec::new();
        pointers(&document, "", &mut places);
        places.truncate(2_000);
        read(&document, &places);
    }
}
