//! Data: the dataset and its splits.

use serde_json::json;

use super::{
    agents::organisation,
    element::{Element, Located},
    graph::Graph,
    licence,
    software::{common, versioned},
};

/// Adds every dataset; a split is contained in the dataset that it was taken from.
pub(super) fn add(graph: &mut Graph<'_>) {
    let mut splits = Vec::new();
    for component in graph.components() {
        if component.text("/type") != "data" {
            continue;
        }
        if component.text("/bom-ref").starts_with("split/") {
            splits.push(graph.id(component.text("/bom-ref")));
        }
        dataset(graph, &component);
    }
    graph.relate(&graph.id("input/dataset"), "contains", splits);
}

fn dataset(graph: &mut Graph<'_>, of: &Located<'_>) {
    let mut element = Element::new("dataset_DatasetPackage", graph.id(of.text("/bom-ref")));
    element.put("software_primaryPurpose", "data");
    common(graph, &mut element, of);
    versioned(&mut element, of);
    licence::declare_both(graph, of, &element.id);
    let owners =
        of.items("/data/0/governance/owners").filter_map(|owner| owner.below("/organization"));
    let owners: Vec<String> = owners.filter_map(|owner| organisation(graph, &owner)).collect();
    if !element.members.contains_key("originatedBy") {
        element.take("originatedBy", owners, format!("{}/data/0/governance/owners", of.at));
    }
    element
        .copy("dataset_dataCollectionProcess", of, "/data/0/description")
        .put("dataset_intendedUse", intended(of.text("/bom-ref")));
    let records = of
        .below("/data/0/contents")
        .and_then(|contents| contents.property("aibom:dataset:records"));
    if let Some((count, at)) = records.or_else(|| of.property("aibom:split:records")) {
        element.take("dataset_datasetSize", count.parse::<u32>().ok(), at);
        element.put("comment", "dataset_datasetSize counts records, not bytes.");
    }
    kinds(&mut element, of);
    let level = match of.text("/data/0/classification").to_ascii_lowercase().as_str() {
        "public" | "clear" | "tlp:clear" => Some("clear"),
        "green" | "tlp:green" => Some("green"),
        "amber" | "tlp:amber" => Some("amber"),
        "red" | "tlp:red" => Some("red"),
        _ => None,
    };
    element.take("dataset_confidentialityLevel", level, format!("{}/data/0/classification", of.at));
    let (answer, at) = personal(of);
    match at {
        Some(at) => element.take("dataset_hasSensitivePersonalInformation", answer, at),
        None => element.put("dataset_hasSensitivePersonalInformation", answer),
    };
    let url = super::element::uri(of.text("/data/0/contents/url"));
    if !element.members.contains_key("software_downloadLocation") {
        element.take("software_downloadLocation", url, format!("{}/data/0/contents/url", of.at));
    }
    graph.add(element);
}

fn intended(reference: &str) -> Option<&'static str> {
    match reference {
        "split/train" => Some("training"),
        "split/validation" => Some("validation"),
        "split/test" => Some("test"),
        _ => None,
    }
}

/// The kinds of data, from what the executor counted: its columns are numbers or categories.
fn kinds(element: &mut Element, of: &Located<'_>) {
    let Some(contents) = of.below("/data/0/contents") else {
        element.put("dataset_datasetType", json!(["noAssertion"]));
        return;
    };
    let mut found = Vec::new();
    let mut first = None;
    for (name, value, at) in contents.properties("aibom:dataset:statistic:") {
        let kind = match (name.ends_with(".kind"), value) {
            (true, "number" | "numeric" | "integer" | "float") => "numeric",
            (true, "text" | "string" | "category" | "categorical") => "categorical",
            _ => continue,
        };
        first.get_or_insert(at);
        if !found.contains(&kind) {
            found.push(kind);
        }
    }
    if let Some((_, at)) = contents.property("aibom:dataset:columns") {
        found.push("structured");
        first.get_or_insert(at);
    }
    match first {
        Some(at) => element.take("dataset_datasetType", found, at),
        None => element.put("dataset_datasetType", json!(["noAssertion"])),
    };
}

/// Whether a dataset holds sensitive personal data, and where that was said: `no` when it is said to
/// hold nothing sensitive, `yes` when something personal is named, else nobody knows.
pub(super) fn personal(of: &Located<'_>) -> (&'static str, Option<String>) {
    let said = of.texts("/data/0/sensitiveData");
    let at = Some(format!("{}/data/0/sensitiveData", of.at));
    let mut lower = said.iter().map(|text| text.to_ascii_lowercase());
    match said.as_slice() {
        [] => ("noAssertion", None),
        [one] if one.eq_ignore_ascii_case("none") => ("no", at),
        _ if lower.any(|text| text.contains("personal") || text.contains("pii")) => ("yes", at),
        _ => ("noAssertion", at),
    }
}
