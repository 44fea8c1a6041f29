//! Every element can be there and can be missing, and none is better than its sources.

use serde_json::{Value, json};

use super::{Cluster, ELEMENTS, Element, ROWS, Score, Status, score};
use crate::{Aibom, Source};

fn parse(value: &Value) -> Aibom {
    Aibom::parse(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn element<'s>(score: &'s Score, cluster: Cluster, name: &str) -> &'s Element {
    let found = score.of(cluster).find(|element| element.name == name);
    found.unwrap_or_else(|| panic!("{cluster:?} {name}"))
}

/// A document that holds every element.
fn full() -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "timestamp": "2026-11-20T09:56:00.000Z",
            "lifecycles": [{"phase": "build"}],
            "manufacturer": {"name": "mesh.test"},
            "tools": {"components": [{"name": "a", "version": "1"}, {"name": "b", "version": "2"}]},
            "component": {"bom-ref": "release", "type": "application", "name": "wine",
                          "version": "1.0.0", "supplier": {"name": "we"}},
        },
        "components": [
            {"bom-ref": "output/model.keras", "type": "machine-learning-model", "name": "wine",
             "version": "1.0.0", "description": "tells wines apart", "supplier": {"name": "we"},
             "purl": "pkg:generic/wine@1", "licenses": [{"license": {"id": "Apache-2.0"}}],
             "hashes": [{"alg": "SHA-256", "content": "00"}],
             "modelCard": {
                "modelParameters": {"task": "classification", "modelArchitecture": "Sequential",
                    "datasets": [{"ref": "split/train"}],
                    "inputs": [{"format": "i: float32"}], "outputs": [{"format": "o: float32"}]},
                "quantitativeAnalysis": {"performanceMetrics": [
                    {"type": "robust accuracy", "value": "0.5"},
                    {"type": "training time (s)", "value": "1", "slice": "operation; observed"}]},
                "considerations": {"useCases": ["teaching"]},
             }},
            {"bom-ref": "input/dataset", "type": "data", "name": "Wine", "description": "178 wines",
             "purl": "pkg:generic/wine-data@1", "licenses": [{"expression": "CC-BY-4.0"}],
             "hashes": [{"alg": "SHA-256", "content": "00"}],
             "data": [{"type": "dataset", "classification": "public", "sensitiveData": ["none"],
                "contents": {"url": "https://doi.org/x", "properties": [
                    {"name": "aibom:dataset:statistic:a.mean", "value": "1"}]}}]},
            {"bom-ref": "image/trainer", "type": "container", "name": "keras"},
            {"bom-ref": "host/cpu", "type": "device", "name": "cpu"},
        ],
        "dependencies": [{"ref": "x"}, {"ref": "output/model.keras", "dependsOn": ["input/dataset"]}],
        "externalReferences": [
            {"type": "security-contact", "url": "https://x/security"},
            {"type": "vulnerability-assertion", "url": "evidence/scan.json"}],
        "formulation": [{"bom-ref": "formula/observed", "workflows": [{"timeEnd": "2026-11-20T09:56:00.000Z",
            "tasks": [{"inputs": [{"environmentVars": ["HOME"]}, {"resource": {"ref": "input/dataset"}},
                                  {"parameters": [{"name": "epochs", "value": "3"}]}],
                       "outputs": [{"resource": {"ref": "output/model.keras"}}]}]}]}],
        "declarations": {"claims": [{"predicate": "no network"}],
                         "attestations": [{"map": [{"requirement": "r", "conformance": {"score": 1}}]}]},
        "definitions": {"standards": [{"name": "sandbox"}]},
    })
}

#[test]
fn there_are_fifty_in_seven_clusters() {
    let sizes =
        Cluster::ALL.map(|cluster| ROWS.iter().filter(|row| row.cluster == cluster).count());
    assert_eq!(sizes, [10, 9, 13, 10, 2, 4, 2]);
    let mut names: Vec<_> = ROWS.iter().map(|row| (row.cluster, row.name)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ELEMENTS);
}

#[test]
fn all_are_there_or_none_but_the_format() {
    let all = score(&parse(&full()), true);
    let missing: Vec<_> = all.elements.iter().filter(|e| e.status == Status::Missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(all.present(), 50);
    let empty = score(&parse(&json!({"bomFormat": "CycloneDX", "specVersion": "1.6"})), false);
    assert_eq!((empty.present(), empty.elements.len()), (2, 50));
}

/// Takes the value at `pointer` away and says which elements are lost.
fn lost(pointer: &str, instead: Value) -> Vec<&'static str> {
    let mut document = full();
    *document.pointer_mut(pointer).unwrap() = instead;
    let score = score(&parse(&document), true);
    score.elements.iter().filter(|e| e.status == Status::Missing).map(|e| e.name).collect()
}

#[test]
fn an_empty_value_is_no_value() {
    assert_eq!(lost("/components/0/name", json!("  ")), ["components", "name"]);
    assert_eq!(lost("/components/0/licenses", json!([])), ["licence"]);
    assert_eq!(lost("/components/0/supplier/name", json!("NOASSERTION")), ["producer"]);
    assert_eq!(
        lost("/metadata/tools/components/1/version", json!("")),
        ["tool version"],
        "all tools"
    );
    assert_eq!(lost("/components/0/hashes/0/content", Value::Null), ["hash value"]);
    assert_eq!(lost("/formulation/0/workflows/0/tasks/0/outputs", json!({})), ["data flow"]);
    assert_eq!(
        lost("/components/0/modelCard/modelParameters/datasets", json!([])),
        ["training properties", "dependency relationship"]
    );
    let metric = "/components/0/modelCard/quantitativeAnalysis/performanceMetrics/0/type";
    assert_eq!(lost(metric, json!("accuracy")), ["security metrics"]);
}

#[test]
fn the_least_source_decides() {
    let mut document = full();
    let annotation = |number: usize, subject: &str, text: &str| json!({"bom-ref": format!("source/{number}"), "subjects": [subject], "text": text});
    document["annotations"] = json!([
        annotation(0, "output/model.keras", "Observed by e: /hashes, /modelCard/modelParameters"),
        annotation(1, "output/model.keras", "Asserted by a: everything"),
        annotation(2, "formula/observed", "Observed by e: everything"),
        annotation(
            3,
            "formula/observed",
            "Reported by t: $/formulation/0/workflows/0/tasks/0/inputs/2/parameters, /workflows/0/tasks/0/inputs/2/parameters"
        ),
    ]);
    let score = score(&parse(&document), false);
    let found = |cluster, name| {
        let element = element(&score, cluster, name);
        (element.status, element.source, element.pointer.as_str(), element.value.as_str())
    };
    let hash = (Status::Observed, Some(Source::Observed), "/components/0/hashes/0/content", "00");
    assert_eq!(found(Cluster::Models, "hash value"), hash);
    let licence =
        (Status::Asserted, Some(Source::Asserted), "/components/0/licenses/0", "Apache-2.0");
    assert_eq!(found(Cluster::Models, "licence"), licence);
    let parameter = "/formulation/0/workflows/0/tasks/0/inputs/2/parameters/0/value";
    let training = (Status::Asserted, Some(Source::Reported), parameter, "epochs=3 (and 1 more)");
    assert_eq!(found(Cluster::Models, "training properties"), training);
    assert_eq!(
        found(Cluster::System, "name"),
        (Status::Asserted, None, "/metadata/component/name", "wine")
    );
    assert_eq!(found(Cluster::Metadata, "author signature").0, Status::Missing);
}

#[test]
fn boms_of_others_are_judged_on_every_model() {
    let document = parse(&json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"type": "machine-learning-model", "name": "a", "version": "1",
            "modelCard": {"modelParameters": {"datasets": [
                {"type": "dataset", "name": "d", "classification": "public"}]}}}},
        "components": [{"type": "machine-learning-model", "name": "b"}],
        "signature": {"algorithm": "ES256", "value": "AA"},
    }));
    let score = score(&document, false);
    assert_eq!(element(&score, Cluster::Models, "name").value, "a (and 1 more)");
    assert_eq!(element(&score, Cluster::Models, "version").status, Status::Missing, "b has none");
    let name = element(&score, Cluster::Datasets, "name");
    let place = "/metadata/component/modelCard/modelParameters/datasets/0/name";
    assert_eq!((name.status, name.pointer.as_str()), (Status::Asserted, place));
    assert_eq!(element(&score, Cluster::Datasets, "sensitivity").value, "public");
    assert_eq!(element(&score, Cluster::Metadata, "author signature").status, Status::Asserted);
}

/// An AIBoM of ours, as far as it goes today.
#[test]
fn ours_lacks_little() {
    let aibom = testkit::evidence::Fixture::new().aibom();
    let score = score(&Aibom::parse(aibom.as_bytes()).unwrap(), true);
    let missing: Vec<_> =
        score.elements.iter().filter(|e| e.status == Status::Missing).map(|e| e.name).collect();
    // Profile 1 had no compliance, no policy and no sensitivity.
    assert!(score.present() >= 45, "{} present; missing: {missing:?}", score.present());
    assert!(missing.contains(&"security metrics"), "nobody measures them: {missing:?}");
}

/// Whether an element is there, and what is shown of it.
fn shown(document: &Value, cluster: Cluster, name: &str) -> (Status, String) {
    let score = score(&parse(document), false);
    let element = element(&score, cluster, name);
    (element.status, element.value.clone())
}

#[test]
fn that_there_was_a_machine_is_no_hardware() {
    let mut document = full();
    document["components"][3] = json!({"bom-ref": "host", "type": "device", "name": "machine"});
    let hardware = |document: &Value| shown(document, Cluster::Infrastructure, "hardware");
    assert_eq!(hardware(&document).0, Status::Missing);
    document["components"][3]["components"] =
        json!([{"bom-ref": "host/cpu", "type": "device", "name": "a cpu"}]);
    assert_eq!(hardware(&document), (Status::Asserted, "a cpu".to_owned()));
}

#[test]
fn controls_need_a_requirement_that_is_met() {
    let mut document = full();
    let map = |scores: [i32; 2]| {
        json!(scores.map(|score| json!({"requirement": "r", "conformance": {"score": score}})))
    };
    document["declarations"]["attestations"][0]["map"] = map([1, 0]);
    for name in ["controls", "compliance"] {
        let value = "1 of 2 requirements met".to_owned();
        assert_eq!(shown(&document, Cluster::Security, name), (Status::Asserted, value));
    }
    document["declarations"]["attestations"][0]["map"] = map([0, 0]);
    for name in ["controls", "compliance"] {
        let value = "no requirement is met".to_owned();
        assert_eq!(shown(&document, Cluster::Security, name), (Status::Missing, value));
    }
}

#[test]
fn an_incomplete_scan_is_no_reference_to_vulnerabilities() {
    let mut document = full();
    let status = |status: [&str; 2]| {
        let names = ["aibom:scan:0:status", "aibom:scan:1:status"];
        json!([0, 1].map(|n| json!({"name": names[n], "value": status[n]})))
    };
    let referenced =
        |document: &Value| shown(document, Cluster::Security, "vulnerability referencing");
    document["metadata"]["properties"] = status(["not scanned: x", "complete"]);
    assert_eq!(referenced(&document).0, Status::Asserted);
    document["metadata"]["properties"] = status(["not scanned: x", "not scanned: y"]);
    assert_eq!(referenced(&document), (Status::Missing, "scan incomplete".to_owned()));
}

#[test]
fn a_signature_has_an_algorithm_and_a_value() {
    let mut document = full();
    for signature in [json!({"algorithm": "ES256"}), json!("signed"), json!({"x": 1}), json!([1])] {
        document["signature"] = signature;
        assert_eq!(shown(&document, Cluster::Metadata, "author signature").0, Status::Missing);
    }
}

#[test]
fn an_identifier_is_no_better_than_the_name_in_it() {
    let mut document = full();
    let annotation = |number: usize, text: &str| {
        json!({"bom-ref": format!("source/{number}"),
        "subjects": ["output/model.keras"], "text": text})
    };
    document["annotations"] = json!([
        annotation(0, "Derived by the rules of profile 2: /purl"),
        annotation(1, "Asserted by a: /name, /version"),
    ]);
    let score = score(&parse(&document), false);
    let identifier = element(&score, Cluster::Models, "identifier");
    assert_eq!((identifier.status, identifier.source), (Status::Asserted, Some(Source::Asserted)));
}

#[test]
fn what_a_dataset_holds_is_not_that_it_is_one() {
    assert_eq!(
        lost("/components/1/data/0/contents", json!({})),
        ["content", "provenance", "statistical properties"]
    );
}
