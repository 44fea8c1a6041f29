//! Dataset, splits and the other files.

use envelope::ResourceDescriptor;
use ids::Digests;
use job::CycloneDx;
use serde_json::json;
use testkit::evidence::{Fixture, inputs};

use super::Marked;

const DATASET: &str = "input/dataset";

#[test]
fn the_dataset_is_described_by_the_submitter_and_read_by_the_executor() {
    let marked = Marked::of(&Fixture::new());
    let dataset = marked.component(DATASET);
    assert_eq!(dataset["version"], "1991-06-30");
    assert_eq!(dataset["supplier"]["name"], "M. Forina");
    let data = &dataset["data"][0];
    assert_eq!(data["classification"], "public");
    assert_eq!(data["sensitiveData"], json!(["none"]));
    let steward = &data["governance"]["stewards"][0]["organization"]["name"];
    assert_eq!(steward, "S. Aeberhard");
    let before = "Measured in a laboratory; donated to a public repository.";
    assert_eq!(data["description"], before);
    assert_eq!(data["contents"]["url"], "https://doi.org/10.24432/C5PC7J");
    for member in ["name", "classification", "governance", "description", "contents/url"] {
        assert_eq!(marked.who_of(DATASET, &format!("/data/0/{member}")), "Asserted");
    }
    let fact = |name| marked.property(DATASET, "/data/0/contents/properties", name);
    assert_eq!(fact("dataset:records"), Some(("178", "Observed")));
    assert_eq!(fact("dataset:statistic:target.count.1"), Some(("71", "Observed")));
    assert_eq!(fact("dataset:split:agrees"), Some(("true", "Observed")));
    assert_eq!(fact("dataset:merkle-root:sha256").unwrap().0.len(), 64);
    let tree = "RFC 6962, SHA-256, leaf = record without line end";
    assert_eq!(fact("dataset:merkle-tree"), Some((tree, "Derived")));
    assert_eq!(marked.who_of(DATASET, "/data/0/type"), "Derived");
    let file = |name| marked.property(DATASET, "/properties", name);
    assert_eq!(file("file:name"), Some(("wine.csv", "Asserted")));
}

#[test]
fn a_name_with_signs_of_its_own_hides_no_source() {
    let names = ["a/b, c~d", "data*", "d*ta*~4", "*", "everything", "0", ": /name, /data"];
    for (name, version) in names
        .into_iter()
        .flat_map(|name| [CycloneDx::V1_6, CycloneDx::V1_7].map(|version| (name, version)))
    {
        let marked = Marked::of(&Fixture::new().request(move |r| {
            r.spec.aibom.cyclone_dx = version;
            name.clone_into(&mut r.spec.dataset.name);
        }));
        let properties = "/data/0/contents/properties/0";
        assert_eq!(marked.who_of(DATASET, properties), "Observed", "{name}");
        assert_eq!(marked.who_of(DATASET, "/data/0/type"), "Derived", "{name}");
        assert_eq!(marked.who_of(DATASET, "/data/0/name"), "Asserted", "{name}");
    }
}

#[test]
fn each_split_stands_by_its_records() {
    let marked = Marked::of(&Fixture::new());
    for (split, records) in [("split/train", "143"), ("split/validation", "35")] {
        let fact = |name| marked.property(split, "/properties", name);
        assert_eq!(fact("split:records"), Some((records, "Observed")));
        assert_eq!(fact("split:merkle-root:sha256").unwrap().1, "Observed");
        assert_eq!(fact("split:algorithm"), Some(("sha256-rank.v1", "Derived")));
        assert_eq!(fact("split:seed"), Some(("20260101", "Asserted")));
    }
}

#[test]
fn splits_are_training_data_only_where_the_trainer_used_them() {
    let none: [Option<bool>; 2] = [None, Some(false)];
    let cases = none.map(|agrees| (agrees, true, false));
    for (agrees, there, wanted) in
        cases.into_iter().chain([(Some(true), false, false), (Some(true), true, true)])
    {
        let marked = Marked::of(&Fixture::new().training(move |training| {
            let dataset = &mut training.predicate.run_details.observed.dataset;
            dataset.split_agrees = agrees;
            if !there {
                dataset.splits.clear();
            }
        }));
        let model = marked.component("output/model.keras");
        let datasets = &model["modelCard"]["modelParameters"]["datasets"];
        let whole = json!([{"ref": "input/dataset"}]);
        let splits = json!([{"ref": "split/train"}, {"ref": "split/validation"}]);
        assert_eq!(datasets, if wanted { &splits } else { &whole }, "{agrees:?}");
        for entry in marked.bom["dependencies"].as_array().unwrap() {
            if entry["ref"].as_str().unwrap().starts_with("output/") {
                let on = entry["dependsOn"].to_string();
                assert!(on.contains("input/dataset"), "{on}");
                assert_eq!(on.contains("split/"), wanted, "{agrees:?}: {on}");
            }
        }
        let all = marked.bom["components"].as_array().unwrap().iter();
        let known = all.filter(|c| c["bom-ref"].as_str().unwrap().starts_with("split/")).count();
        assert_eq!(known, if there { 2 } else { 0 }, "what the seed gives stays");
    }
}

#[test]
fn a_purl_of_a_package_is_no_purl_of_data() {
    for (source, purl) in [
        ("pkg:deb/debian/openssl@3", None),
        ("pkg:doi/10.24432/C5PC7J", Some("pkg:doi/10.24432/C5PC7J")),
    ] {
        let marked = Marked::of(
            &Fixture::new().request(|r| r.spec.dataset.source = Some(source.to_owned())),
        );
        assert_eq!(marked.component(DATASET)["purl"].as_str(), purl);
        assert_eq!(marked.property(DATASET, "/properties", "source"), Some((source, "Asserted")));
    }
}

#[test]
fn an_encoded_address_is_a_link() {
    let source = "https://data.example/%C3%A9?a=%20#b";
    let marked =
        Marked::of(&Fixture::new().request(|r| r.spec.dataset.source = Some(source.to_owned())));
    let dataset = marked.component(DATASET);
    assert_eq!(dataset["externalReferences"][0]["url"], source);
    assert_eq!(dataset["data"][0]["contents"]["url"], source);
}

#[test]
fn every_input_has_each_digest_that_the_executor_took() {
    let marked = Marked::of(&Fixture::new().training(|training| {
        let dependencies = &mut training.predicate.build_definition.resolved_dependencies;
        for ((role, _, bytes), file) in inputs().into_iter().zip(dependencies) {
            *file = ResourceDescriptor::both(role, &Digests::of(bytes));
        }
    }));
    for (role, _, bytes) in inputs() {
        let digests = Digests::of(bytes);
        let reference = format!("input/{role}");
        let hashes = &marked.component(&reference)["hashes"];
        assert_eq!(hashes[0]["content"], digests.sha256.to_hex());
        assert_eq!(hashes[1]["content"], digests.sha512.to_hex());
        assert_eq!(marked.who_of(&reference, "/hashes"), "Observed");
        assert_eq!(marked.who_of(&reference, "/name"), "Asserted");
    }
}
