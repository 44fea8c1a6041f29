//! A document with the wrong thing anywhere is read without a panic, and never counts as more.

use proptest::prelude::*;
use report::{Aibom, card, diff::diff, html, score::score, spdx};
use serde_json::{Value, json};

use crate::{changed, ours::wine};

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

/// A vulnerability with so many of everything.
fn vulnerability(references: usize, ratings: usize, reference: &str) -> Value {
    json!({
        "bom-ref": "vulnerability/CVE-2026-1", "id": "CVE-2026-1",
        "ratings": vec![json!({
            "source": {"name": "x"}, "severity": "high",
            "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        }); ratings],
        "affects": vec![json!({"ref": reference}); references],
    })
}

#[test]
fn ratings_times_packages_do_not_multiply_in_spdx() {
    let same =
        changed(|b| b["vulnerabilities"] = json!([vulnerability(20_000, 10_000, "release")]));
    assert!(spdx::document(&same).unwrap().len() < 2_000_000);
    // As many packages as there are, and each vulnerability affects all of them.
    let many = changed(|b| {
        let packages = (0..2_000).map(|n| json!({"ref": format!("{n}-{}", "x".repeat(100))}));
        let packages: Vec<Value> = packages.collect();
        let found = (0..30).map(|n| {
            let mut found = vulnerability(0, 16, "");
            found["bom-ref"] = json!(format!("vulnerability/{n}"));
            found["affects"] = json!(packages);
            found
        });
        b["vulnerabilities"] = found.collect();
    });
    assert!(matches!(spdx::document(&many), Err(spdx::SpdxError::TooLarge)));
}

#[test]
fn a_long_name_that_everything_refers_to_is_not_repeated_in_spdx() {
    let long = "x".repeat(1_000_000);
    let affects = changed(|b| {
        b["components"][0]["bom-ref"] = json!(long);
        // Each of these names it 17 times in SPDX.
        b["vulnerabilities"] = vec![vulnerability(1, 16, &long); 5].into();
    });
    assert!(matches!(spdx::document(&affects), Err(spdx::SpdxError::TooLarge)));
    let serial = changed(|b| b["serialNumber"] = json!(long));
    assert!(matches!(spdx::document(&serial), Err(spdx::SpdxError::TooLarge)));
    let who = changed(|b| {
        for note in b["annotations"].as_array_mut().unwrap() {
            let text = note["text"].as_str().unwrap_or_default().replacen(
                " by ",
                &format!(" by {long}"),
                1,
            );
            note["text"] = json!(text);
        }
    });
    assert!(spdx::document(&who).is_err());
    assert!(html::page(&who, None, false).len() < 2_000_000);
    assert!(card::markdown(&who).len() < 2_000_000);
}

#[test]
fn a_long_name_that_everything_affects_is_cut_on_the_page() {
    let aibom = changed(|b| {
        b["components"][0]["name"] = json!("x".repeat(1_000_000));
        let reference = b["components"][0]["bom-ref"].clone();
        b["vulnerabilities"] = json!([vulnerability(20_000, 1, reference.as_str().unwrap())]);
        let others: Vec<Value> = (0..20_000).map(|n| json!({"ref": format!("p{n:05}")})).collect();
        let mut many = vulnerability(0, 1, "");
        many["affects"] = json!(others);
        b["vulnerabilities"].as_array_mut().unwrap().push(many);
    });
    let page = html::page(&aibom, None, false);
    assert!(page.len() < 1_000_000, "{}", page.len());
    assert!(page.contains("p00019 and 19980 more"));
}
