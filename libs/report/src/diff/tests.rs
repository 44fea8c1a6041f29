//! Every area tells its changes, and a document has none to itself.

use serde_json::{Value, json};

use super::{Area, Change, Diff, Kind, Sense, diff, diff_only};
use crate::Aibom;

fn parse(value: &Value) -> Aibom {
    Aibom::parse(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn document() -> Value {
    let property = |name: &str, value: &str| json!({"name": name, "value": value});
    let package =
        |purl: &str, version: &str| json!({"type": "library", "purl": purl, "version": version});
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"type": "application", "name": "wine", "version": "1.0.0"},
            "tools": {"components": [
                {"bom-ref": "tool/executor/one", "name": "aibom-executor", "version": "0.1.0"},
                {"bom-ref": "tool/scanner/0", "name": "trivy", "version": "0.76.0",
                 "properties": [property("aibom:scanner:database:version", "2")]}]}},
        "components": [
            {"bom-ref": "output/model.keras", "type": "machine-learning-model", "name": "wine",
             "hashes": [{"alg": "SHA-256", "content": "aa"}],
             "modelCard": {
                "modelParameters": {"task": "classification", "inputs": [{"format": "i"}]},
                "considerations": {"useCases": ["teaching", "showing"]},
                "properties": [property("aibom:reported:epochs", "30")],
                "quantitativeAnalysis": {"performanceMetrics": [
                    {"type": "loss", "value": "0.5", "slice": "validation, final (epoch 30); reported by the trainer"},
                    {"type": "accuracy", "value": "0.9", "slice": "validation, final (epoch 30); reported by the trainer"},
                    {"type": "training time (s)", "value": "180", "slice": "operation; observed by the executor"}]}}},
            {"bom-ref": "input/dataset", "type": "data", "name": "Wine",
             "hashes": [{"alg": "SHA-256", "content": "bb"}],
             "data": [{"classification": "public", "contents": {"properties": [
                property("aibom:dataset:records", "178"),
                property("aibom:dataset:statistic:alcohol.mean", "13"),
                property("aibom:dataset:merkle-root:sha256", "cc")]}}]},
            {"bom-ref": "split/train", "type": "data", "properties": [property("aibom:split:records", "143")]},
            {"bom-ref": "image/trainer", "type": "container", "name": "keras", "version": "sha256:00",
             "components": [
                package("pkg:pypi/numpy@2.4.6", "2.4.6"),
                package("pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64", "3.0.15-1~deb12u1"),
                package("pkg:npm/%40scope/left@1.0", "1.0"),
                package("pkg:npm/@scope/right@1.0", "1.0")]},
            {"bom-ref": "host", "type": "device", "name": "machine", "components": [
                {"bom-ref": "host/engine", "type": "application", "name": "docker", "version": "20",
                 "purl": "pkg:generic/docker@20"}]},
        ],
        "formulation": [
            {"bom-ref": "formula/declared", "workflows": [{"tasks": [{
                "inputs": [{"parameters": [{"name": "epochs", "value": "30", "dataType": "integer"}]}]}]}]},
            {"bom-ref": "formula/observed", "workflows": [{
                "workspaces": [{"mountPath": "/in", "accessMode": "read-only"}],
                "properties": [property("aibom:isolation:networkMode", "none"), property("aibom:limit:pids", "256")],
                "tasks": [{"steps": [{"commands": [{"executed": "python3"}]}],
                    "inputs": [{"parameters": [{"name": "optimizer", "value": "adam", "dataType": "string"}]}]}]}]},
        ],
        "declarations": {"claims": [{"bom-ref": "claim/no-network", "predicate": "no network"}],
            "attestations": [{"map": [{"requirement": "r/no-network", "claims": ["claim/no-network"],
                                       "conformance": {"score": 1}}]}]},
        "vulnerabilities": [{"id": "CVE-1", "ratings": [{"severity": "low"}, {"severity": "high"}],
            "affects": [{"ref": "pkg:pypi/numpy@2.4.6"}]}],
    })
}

/// The single change after `pointer` was set, with its sense.
fn changed(pointer: &str, to: Value) -> (Area, String, Kind, Option<Sense>) {
    let before = document();
    let mut after = before.clone();
    *after.pointer_mut(pointer).unwrap() = to;
    let Diff { mut changes } = diff(&parse(&before), &parse(&after));
    assert_eq!(changes.len(), 1, "{changes:?}");
    let Change { area, name, kind, sense, .. } = changes.remove(0);
    (area, name, kind, sense)
}

fn from_to(from: &str, to: &str) -> Kind {
    Kind::Changed { from: from.to_owned(), to: to.to_owned() }
}

#[test]
fn a_document_is_the_same_as_itself() {
    let document = parse(&document());
    assert!(diff(&document, &document).is_empty());
    assert_eq!(Area::ALL.map(|area| area.facts(&document).0.is_empty()), [false; 9]);
}

#[test]
fn data_and_model_changes_name_what_moved() {
    let of = |area, name: &str, kind| (area, name.to_owned(), kind, None);
    let hash = changed("/components/1/hashes/0/content", json!("dd"));
    assert_eq!(hash, of(Area::Data, "dataset SHA-256", from_to("bb", "dd")));
    let base = "/components/1/data/0/contents/properties";
    let mean = changed(&format!("{base}/1/value"), json!("13.5"));
    assert_eq!(mean, of(Area::Data, "dataset statistic:alcohol.mean", from_to("13", "13.5")));
    let split = changed("/components/2/properties/0/value", json!("150"));
    assert_eq!(split, of(Area::Data, "split/train records", from_to("143", "150")));
    let model = changed("/components/0/hashes/0/content", json!("ee"));
    assert_eq!(model, of(Area::Model, "output/model.keras SHA-256", from_to("aa", "ee")));
    let uses = changed("/components/0/modelCard/considerations/useCases", json!(["teaching"]));
    let name = "output/model.keras useCases";
    assert_eq!(uses, of(Area::Model, name, from_to("teaching; showing", "teaching")));
}

#[test]
fn parameters_are_told_by_formula_with_their_types() {
    let declared = "/formulation/0/workflows/0/tasks/0/inputs/0/parameters/0/value";
    let kind = from_to("30 (integer)", "31 (integer)");
    assert_eq!(
        changed(declared, json!("31")),
        (Area::Parameters, "declared epochs".into(), kind, None)
    );
    let used = "/formulation/1/workflows/0/tasks/0/inputs/0/parameters";
    let (_, name, kind, _) = changed(used, json!([]));
    assert_eq!(name, "in effect optimizer");
    assert_eq!(kind, Kind::Removed { from: "adam (string)".into() });
}

#[test]
fn metrics_have_a_direction_and_a_difference() {
    let metrics = "/components/0/modelCard/quantitativeAnalysis/performanceMetrics";
    let (area, name, _, sense) = changed(&format!("{metrics}/0/value"), json!("0.25"));
    assert_eq!((area, name.as_str()), (Area::Metrics, "loss (validation, final)"));
    assert_eq!(sense, Some(Sense::Better));
    let epoch = "validation, final (epoch 10); reported by the trainer";
    let mut after = document();
    *after.pointer_mut(&format!("{metrics}/0/slice")).unwrap() = json!(epoch);
    *after.pointer_mut(&format!("{metrics}/1/value")).unwrap() = json!("0.5");
    let diff = diff_only(&parse(&document()), &parse(&after), &[Area::Metrics]);
    let [change] = diff.changes.as_slice() else { panic!("{diff:?}") };
    assert_eq!((change.delta, change.sense), (Some(-0.4), Some(Sense::Worse)));
}

#[test]
fn packages_go_up_and_down() {
    let package = |index: usize, purl: &str, version: &str| {
        let place = format!("/components/3/components/{index}");
        let (area, name, kind, sense) =
            changed(&place, json!({"type": "library", "purl": purl, "version": version}));
        assert_eq!(area, Area::Packages);
        (name, kind, sense)
    };
    let numpy = ("pkg:pypi/numpy".into(), from_to("2.4.6", "2.4.10"), Some(Sense::Upgraded));
    assert_eq!(package(0, "pkg:pypi/numpy@2.4.10", "2.4.10"), numpy);
    let ssl = package(1, "pkg:deb/debian/libssl3@3.0.14?arch=arm64", "3.0.14");
    assert_eq!((ssl.0.as_str(), ssl.2), ("pkg:deb/debian/libssl3", Some(Sense::Downgraded)));
    assert_eq!(package(2, "pkg:npm/%40scope/left@2", "2").0, "pkg:npm/%40scope/left");
    assert_eq!(package(3, "pkg:npm/@scope/right@2", "2").0, "pkg:npm/@scope/right");
    let (_, name, kind, _) = changed("/components/3/components/0", Value::Null);
    assert_eq!((name.as_str(), kind), ("pkg:pypi/numpy", Kind::Removed { from: "2.4.6".into() }));
}

#[test]
fn the_platform_is_compared_too() {
    let (area, name, kind, sense) = changed("/vulnerabilities", json!([]));
    assert_eq!((area, name.as_str(), sense), (Area::Vulnerabilities, "CVE-1", Some(Sense::Better)));
    assert_eq!(kind, Kind::Removed { from: "high pkg:pypi/numpy".into() });
    let database = "/metadata/tools/components/1/properties/0/value";
    assert_eq!(changed(database, json!("3")).1, "scanner trivy database version");
    let engine = changed("/components/4/components/0/version", json!("21"));
    assert_eq!(engine.1, "host/engine");
    assert_eq!(engine.2, from_to("docker 20", "docker 21"));
    let network = "/formulation/1/workflows/0/properties/0/value";
    let network = changed(network, json!("bridge"));
    assert_eq!((network.0, network.1.as_str()), (Area::Isolation, "networkMode"));
    let mount = changed("/formulation/1/workflows/0/workspaces/0/accessMode", json!("read-write"));
    assert_eq!(mount.1, "mount /in");
    let claim = changed("/declarations/claims", json!([]));
    assert_eq!((claim.1.as_str(), claim.3), ("claim no-network", Some(Sense::Worse)));
}

#[test]
fn our_own_documents_are_compared() {
    use testkit::evidence::Fixture;

    let aibom = |fixture: &Fixture| Aibom::parse(fixture.aibom().as_bytes()).unwrap();
    let wine = aibom(&Fixture::new());
    for area in Area::ALL {
        assert!(!area.facts(&wine).0.is_empty(), "{area:?} has no facts");
    }
    let other = aibom(&Fixture::new().request(|request| request.spec.parameters.epochs = 31));
    let found = diff_only(&wine, &other, &[Area::Parameters]);
    let change = found.changes.iter().find(|change| change.name == "declared epochs").unwrap();
    assert_eq!(change.kind, from_to("30 (integer)", "31 (integer)"));
}

#[test]
fn a_change_as_programs_see_it() {
    let mut after = document();
    *after.pointer_mut("/components/1/name").unwrap() = json!("Wein");
    let diff = diff(&parse(&document()), &parse(&after));
    let wanted = json!({"changes": [{"area": "data", "name": "dataset name", "change": "changed",
        "from": "Wine", "to": "Wein"}]});
    assert_eq!(serde_json::to_value(&diff).unwrap(), wanted);
}

#[test]
fn a_declaration_that_fails_is_worse() {
    let (area, name, kind, sense) =
        changed("/declarations/attestations/0/map/0/conformance/score", json!(0));
    assert_eq!((area, name.as_str()), (Area::Isolation, "claim no-network"));
    assert_eq!(kind, from_to("holds: no network", "does not hold: no network"));
    assert_eq!(sense, Some(Sense::Worse));
    let counter = json!({
        "claims": [{"bom-ref": "counter-claim/no-network", "predicate": "a network"}],
        "attestations": [{"map": [{"requirement": "r/no-network",
            "counterClaims": ["counter-claim/no-network"], "conformance": {"score": 0}}]}]});
    let (_, name, kind, sense) = changed("/declarations", counter);
    assert_eq!(name, "claim no-network", "the same claim, and one change");
    assert_eq!(kind, from_to("holds: no network", "does not hold: a network"));
    assert_eq!(sense, Some(Sense::Worse));
    let bare = json!({"attestations": [{"map": [
        {"requirement": "r/no-network", "conformance": {"score": 1}}]}]});
    assert_eq!(changed("/declarations", bare).2, from_to("holds: no network", "holds"));
}

#[test]
fn a_scan_that_was_lost_makes_nothing_better() {
    let status = |status: &str| json!([{"name": "aibom:scan:0:status", "value": status}]);
    let mut before = document();
    before["metadata"]["properties"] = status("complete");
    let mut after = before.clone();
    after["vulnerabilities"] = json!([]);
    let senses = |after: &Value| {
        let diff = diff_only(&parse(&before), &parse(after), &[Area::Vulnerabilities]);
        let changes = diff.changes.into_iter().map(|change| (change.name, change.sense));
        changes.collect::<Vec<_>>()
    };
    assert_eq!(senses(&after), [("CVE-1".to_owned(), Some(Sense::Better))]);
    let lost = [("CVE-1".to_owned(), None), ("scan 0 status".to_owned(), Some(Sense::Worse))];
    after["metadata"]["properties"] = status("not scanned: the tool failed");
    assert_eq!(senses(&after), lost);
    after["metadata"]["properties"] = json!([]);
    assert_eq!(senses(&after), lost);
    after["metadata"]["properties"] = status("complete");
    after["annotations"] = json!([{"bom-ref": "not-scanned/0", "text": "not scanned: x"}]);
    assert_eq!(senses(&after), [("CVE-1".to_owned(), None)]);
}

#[test]
fn what_a_run_took_is_told_and_not_counted() {
    let place = "/components/0/modelCard/quantitativeAnalysis/performanceMetrics/2/value";
    let mut after = document();
    *after.pointer_mut(place).unwrap() = json!("200");
    let diff = diff(&parse(&document()), &parse(&after));
    let [change] = diff.changes.as_slice() else { panic!("{diff:?}") };
    assert_eq!((change.area, change.sense), (Area::Cost, Some(Sense::Worse)));
    assert_eq!(change.name, "training time (s) (operation)");
    assert!(!diff.is_counted() && !diff.is_empty());
}

#[test]
fn who_and_what_stood_behind_it_is_compared() {
    let property = |name: &str, value: &str| json!({"name": name, "value": value});
    for (place, value, area, name) in [
        (
            "/metadata/manufacturer",
            json!({"name": "a", "url": ["b"]}),
            Area::Hardware,
            "manufacturer",
        ),
        (
            "/metadata/component/supplier",
            json!({"name": "a", "url": ["b"]}),
            Area::Model,
            "release supplier",
        ),
        (
            "/metadata/component/properties",
            json!([property("aibom:request:user", "u")]),
            Area::Parameters,
            "submitting user",
        ),
        (
            "/components/3/properties",
            json!([property("aibom:image:layer:0", "x"), property("aibom:image:layer:1", "y")]),
            Area::Packages,
            "image keras layers",
        ),
        (
            "/components/3/properties",
            json!([property("aibom:image:label:a", "x"), property("aibom:image:label:b", "y")]),
            Area::Packages,
            "image keras labels",
        ),
        (
            "/components/0/modelCard/properties",
            json!([
                property("aibom:reported:epochs", "30"),
                property("aibom:reported:framework:keras", "3")
            ]),
            Area::Packages,
            "reported keras",
        ),
        (
            "/components/0/modelCard/properties",
            json!([
                property("aibom:reported:epochs", "30"),
                property("aibom:compliance:0", "x"),
                property("aibom:compliance:1", "y")
            ]),
            Area::Model,
            "output/model.keras compliance",
        ),
    ] {
        let mut after = document();
        let (parent, member) = place.rsplit_once('/').unwrap();
        after.pointer_mut(parent).unwrap()[member] = value;
        let diff = diff(&parse(&document()), &parse(&after));
        let [change] = diff.changes.as_slice() else { panic!("{place}: {diff:?}") };
        assert_eq!((change.area, change.name.as_str()), (area, name));
    }
}
