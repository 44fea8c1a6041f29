//! The statement: subjects, predicate, signing time.

use bom::{SignedAtError, assemble, signed_at, statement};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

#[test]
fn the_statement_holds_the_aibom_and_names_every_output() {
    let fixture = Fixture::new();
    let evidence = fixture.verified();
    let aibom = assemble(&evidence, &fixture.decision()).unwrap();
    let bytes = statement(&aibom, &evidence, fixture.at()).unwrap();
    assert_eq!(bytes, statement(&aibom, &evidence, fixture.at()).unwrap());
    assert_eq!(signed_at(&bytes).unwrap(), fixture.at());
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(ids::canonical::to_vec(&value).unwrap(), bytes);
    assert_eq!(value["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(value["predicateType"], "https://cyclonedx.org/bom");
    assert_eq!(ids::canonical::to_vec(&value["predicate"]).unwrap(), aibom.as_bytes());
    let subjects = value["subject"].as_array().unwrap();
    assert_eq!(subjects[0]["digest"]["sha512"], aibom.digests().sha512.to_hex());
    assert_eq!(subjects[0]["annotations"], json!({"signedAt": "2026-11-20T10:00:00.000Z"}));
    let names: Vec<&str> = subjects.iter().map(|s| s["name"].as_str().unwrap()).collect();
    let outputs = ["metrics.json", "model.keras", "preprocessing.json", "split.json"];
    assert_eq!(names[0], "aibom.cdx.json");
    assert_eq!(names[1..], outputs);
    assert!(subjects.iter().all(|s| s["digest"].as_object().unwrap().len() == 2));
}

#[test]
fn the_signing_time_is_read_strictly() {
    let fixture = Fixture::new();
    let evidence = fixture.verified();
    let good =
        statement(&assemble(&evidence, &fixture.decision()).unwrap(), &evidence, fixture.at())
            .unwrap();
    let cases: [fn(&mut Value); 7] = [
        |s| s["predicateType"] = json!("https://cyclonedx.org/bom/v1.6"),
        |s| s["subject"] = json!([]),
        |s| s["subject"][0]["name"] = json!("other.json"),
        |s| s["subject"][0]["annotations"] = json!({}),
        |s| s["subject"][0]["annotations"]["more"] = json!("x"),
        |s| s["subject"][0]["annotations"]["signedAt"] = json!("2026-11-20T10:00:00Z"),
        |s| s["surprise"] = json!(1),
    ];
    for (index, spoil) in cases.into_iter().enumerate() {
        let mut value: Value = serde_json::from_slice(&good).unwrap();
        spoil(&mut value);
        let bytes = ids::canonical::to_vec(&value).unwrap();
        assert!(signed_at(&bytes).is_err(), "case {index}");
    }
    let spaced = [&good[..], b"\n"].concat();
    assert!(matches!(signed_at(&spaced), Err(SignedAtError::Malformed(_))));
}
