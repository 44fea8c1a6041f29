//! Dataset, splits and the other files.

use envelope::ResourceDescriptor;
use ids::Digests;
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
    let file = |name| marked.property(DATASET, "/properties", name);
    assert_eq!(file("file:name"), Some(("wine.csv", "Asserted")));
}

#[test]
fn a_name_with_signs_of_its_own_hides_no_source() {
    for name in ["a/b, c~d", "data*", "everything", "0", ": /name, /data"] {
        let marked =
            Marked::of(&Fixture::new().request(|r| name.clone_into(&mut r.spec.dataset.name)));
        assert_eq!(marked.who_of(DATASET, "/data/0/contents/properties"), "Observed", "{name}");
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
fn without_splits_the_model_was_made_from_the_dataset() {
    let marked = Marked::of(&Fixture::new().training(|training| {
        training.predicate.run_details.observed.dataset.splits.clear();
    }));
    let model = marked.component("output/model.keras");
    let datasets = &model["modelCard"]["modelParameters"]["datasets"];
    assert_eq!(datasets, &json!([{"ref": "input/dataset"}]));
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
