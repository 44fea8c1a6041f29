//! The JSON Schema of the bundle: it takes what the reader takes, and no other shape.

use jsonschema::Validator;
use serde_json::{Value, json};
use testkit::evidence::Fixture;

fn validator() -> Validator {
    let schema = include_str!("../../../../docs/formats/bundle.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::options().build(&schema).unwrap()
}

fn released() -> Fixture {
    Fixture::new().policy(|policy| policy.ignore.clear()).released(|_| {})
}

fn value(fixture: &Fixture) -> Value {
    let bundle = testkit::bundle::bundle(fixture).to_bytes().unwrap();
    serde_json::from_slice(&bundle).unwrap()
}

/// Every place in `value` that is an object, as a pointer.
fn objects(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(path.to_owned());
            members.iter().for_each(|(name, member)| {
                objects(member, &format!("{path}/{name}"), found);
            });
        }
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(n, item)| objects(item, &format!("{path}/{n}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn real_bundles_are_valid() {
    for fixture in [Fixture::new(), released()] {
        let errors: Vec<_> =
            validator().iter_errors(&value(&fixture)).map(|e| e.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn each_missing_extra_or_mistyped_member_is_refused_by_schema_and_reader_alike() {
    let (validator, good) = (validator(), value(&released()));
    let mut places = Vec::new();
    objects(&good, "", &mut places);
    // The bundle, signatures, evidence with six or more documents, and the inclusion.
    assert!(places.len() >= 10, "{places:?}");
    let mut spoilt = 0;
    let mut refused = |bundle: Value, what: &str| {
        assert!(!validator.is_valid(&bundle), "{what}: the schema takes it");
        let bytes = ids::canonical::to_vec(&bundle).unwrap();
        assert!(bundle::Bundle::parse(&bytes).is_err(), "{what}: the reader takes it");
        spoilt += 1;
    };
    for place in &places {
        let members = good.pointer(place).and_then(Value::as_object).unwrap();
        for name in members.keys() {
            let optional = name == "release";
            let edit = |put: Option<Value>| {
                let mut bundle = good.clone();
                let object = bundle.pointer_mut(place).unwrap().as_object_mut().unwrap();
                match put {
                    Some(value) => drop(object.insert(name.clone(), value)),
                    None => drop(object.remove(name)),
                }
                bundle
            };
            let at = format!("{place}/{name}");
            if !optional {
                refused(edit(None), &format!("without {at}"));
                refused(edit(Some(Value::Null)), &format!("{at} null"));
            }
            for other in [json!(1), json!(true), json!({"a": 1})] {
                refused(edit(Some(other)), &format!("{at} of another type"));
            }
        }
        let mut bundle = good.clone();
        let object = bundle.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert("extra".to_owned(), json!("e30="));
        refused(bundle, &format!("more in {place:?}"));
    }
    assert!(spoilt > 100, "{spoilt}");
}

#[test]
fn bounds_and_spellings_are_in_the_schema() {
    let (validator, good) = (validator(), value(&Fixture::new()));
    let scan = good["evidence"]["scans"][0].clone();
    let proof = good["inclusion"]["proof"].as_str().unwrap().to_owned();
    let cases: [(&str, Value); 15] = [
        ("/schema", json!("aibom.bundle.v2")),
        ("/aibom", json!("e30")),
        ("/aibom", json!("e31=")),
        ("/aibom", json!("e3-=")),
        ("/attestation", json!("e30=\n")),
        ("/evidence/scans", json!([])),
        ("/evidence/scans", json!(vec![scan; 17])),
        ("/evidence/request/certificates", json!([])),
        ("/evidence/request/certificates", json!(vec!["MAA="; 5])),
        ("/inclusion/salt", json!("e30=")),
        ("/inclusion/entry", json!("A".repeat(1372))),
        ("/inclusion/proof", json!(proof.replace("index 2", "index 02"))),
        ("/inclusion/proof", json!(proof.replace("index 2", "extra e30=\nindex 2"))),
        ("/inclusion/proof", json!(proof.trim_end())),
        ("/inclusion/proof", json!(proof.replace('\u{2014}', "-"))),
    ];
    for (at, put) in cases {
        let mut bundle = good.clone();
        *bundle.pointer_mut(at).unwrap() = put.clone();
        assert!(!validator.is_valid(&bundle), "{at}: {put}");
    }
}
