//! Facts are there, and each is marked with who says it.

use serde_json::Value;
use testkit::evidence::Fixture;

/// Texts of the annotations about `subject`.
fn about<'a>(bom: &'a Value, subject: &str) -> Vec<&'a str> {
    let all = bom["annotations"].as_array().unwrap().iter();
    all.filter(|a| a["subjects"][0] == subject).map(|a| a["text"].as_str().unwrap()).collect()
}

#[test]
fn each_source_marks_its_own_facts() {
    let bom = crate::aibom(&Fixture::new());
    let model = about(&bom, "output/model.keras");
    let has = |begin: &str, field: &str| {
        model.iter().any(|text| text.starts_with(begin) && text.contains(field))
    };
    assert!(has("Asserted by spiffe://mesh.test/user/alice", "modelCard.considerations"));
    assert!(has(
        "Observed from outside the container by spiffe://mesh.test/executor/one",
        "hashes"
    ));
    assert!(has("Reported by the trainer", "modelCard.quantitativeAnalysis"));
    assert!(about(&bom, "image/trainer").iter().any(|t| t.starts_with("Found by spiffe://")));
    let annotators: std::collections::BTreeSet<String> =
        bom["annotations"].as_array().unwrap().iter().map(|a| a["annotator"].to_string()).collect();
    assert_eq!(annotators.len(), 4, "user, executor, trainer, scanner: {annotators:?}");
}

#[test]
fn the_model_card_holds_what_is_known() {
    let bom = crate::aibom(&Fixture::new());
    let model = crate::component(&bom, "output/model.keras");
    let card = &model["modelCard"];
    let parameters = &card["modelParameters"];
    assert_eq!(parameters["approach"]["type"], "supervised");
    assert_eq!(parameters["task"], "classification");
    assert_eq!(parameters["architectureFamily"], "Sequential");
    assert_eq!(parameters["datasets"][0]["ref"], "input/dataset");
    assert_eq!(parameters["inputs"][0]["format"], "input: float32 [?, 13]");
    assert_eq!(parameters["outputs"][0]["format"], "cultivar: float32 [?, 3]");
    let metrics = card["quantitativeAnalysis"]["performanceMetrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 8);
    assert!(
        metrics
            .iter()
            .all(|m| { m["slice"].as_str().unwrap().contains("reported by the trainer") })
    );
    assert_eq!(metrics[1]["value"], "0.045612");
    assert_eq!(
        card["considerations"]["technicalLimitations"][0],
        "Any commercial grading of wine."
    );
    assert_eq!(model["pedigree"]["ancestors"].as_array().unwrap().len(), 2);
    assert_eq!(model["licenses"][0]["license"]["id"], "Apache-2.0");
    assert_eq!(model["hashes"].as_array().unwrap().len(), 2);
    assert_eq!(bom["metadata"]["component"]["name"], "wine-cultivar");
    assert_eq!(bom["metadata"]["timestamp"], "2026-11-20T09:56:00.000Z");
}

#[test]
fn formulas_tell_what_was_asked_from_what_ran() {
    let bom = crate::aibom(&Fixture::new());
    let [declared, observed] = [0, 1].map(|index| &bom["formulation"][index]["workflows"][0]);
    assert_eq!(declared["trigger"]["type"], "api");
    assert!(
        declared["tasks"][0]["inputs"].to_string().contains(r#""name":"seed","value":"20260101""#)
    );
    let task = &observed["tasks"][0];
    assert_eq!(task["steps"][0]["commands"][0]["executed"], "python3 -m aibom_trainer");
    assert!(task["inputs"].to_string().contains(r#""name":"learning_rate","value":"0.001""#));
    assert_eq!(crate::property(observed, "aibom:isolation:networkMode"), Some("none"));
    assert_eq!(observed["workspaces"][0]["accessMode"], "read-only");
    assert_eq!(observed["timeStart"], "2026-11-20T09:53:00.000Z");
}

#[test]
fn every_document_and_every_key_is_named() {
    let fixture = Fixture::new();
    let bom = crate::aibom(&fixture);
    let references = bom["externalReferences"].as_array().unwrap();
    for (reference, (name, digest)) in references.iter().zip(fixture.verified().digests()) {
        let link = name.ends_with(".link");
        let folder = if link { "signatures" } else { "evidence" };
        assert_eq!(reference["url"], format!("{folder}/{name}"));
        let comment = reference["comment"].as_str().unwrap();
        assert_eq!(comment.starts_with("in-toto link"), link, "{comment}");
        assert_eq!(reference["type"], "attestation");
        assert_eq!(reference["hashes"][0]["content"], digest.to_hex());
    }
    assert_eq!(references.len(), 5);
    let keys = bom["components"].as_array().unwrap().iter();
    let keys = keys.filter(|c| c["bom-ref"].as_str().unwrap().starts_with("key/"));
    assert_eq!(keys.count(), 4);
}
