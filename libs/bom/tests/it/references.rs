//! Every reference points at something, every component has its dependencies entry, no name twice.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::evidence::Fixture;

/// Every `bom-ref` below `value`, in order.
pub(crate) fn names(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, out)),
        Value::Object(members) => {
            out.extend(members.get("bom-ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| names(member, out));
        }
        _ => {}
    }
}

/// Every `bom-ref` of a component below `value`.
fn parts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| parts(item, out)),
        Value::Object(members) => {
            if members.contains_key("type") && members.contains_key("name") {
                out.extend(members.get("bom-ref").and_then(Value::as_str).map(str::to_owned));
            }
            members.values().for_each(|member| parts(member, out));
        }
        _ => {}
    }
}

/// Every reference below `value`: the values of `ref`, `dependsOn`, `subjects`, `algorithmRef` ….
fn uses(value: &Value, out: &mut BTreeSet<String>) {
    const ONE: [&str; 6] =
        ["ref", "algorithmRef", "attributedTo", "assessor", "requirement", "target"];
    const LISTS: [&str; 8] = [
        "dependsOn",
        "subjects",
        "assemblies",
        "dependencies",
        "vulnerabilities",
        "claims",
        "counterClaims",
        "evidence",
    ];
    match value {
        Value::Array(items) => items.iter().for_each(|item| uses(item, out)),
        Value::Object(members) => {
            for (name, member) in members {
                if ONE.contains(&name.as_str()) {
                    out.extend(member.as_str().map(str::to_owned));
                }
                if LISTS.contains(&name.as_str()) {
                    let texts = member.as_array().into_iter().flatten().filter_map(Value::as_str);
                    out.extend(texts.map(str::to_owned));
                }
                uses(member, out);
            }
        }
        _ => {}
    }
}

/// Checks all of it.
pub(crate) fn check(bom: &Value) {
    let mut all = Vec::new();
    names(bom, &mut all);
    let known: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(known.len(), all.len(), "a bom-ref stands twice");
    let mut used = BTreeSet::new();
    uses(bom, &mut used);
    let dangling: Vec<_> = used.difference(&known).collect();
    assert!(dangling.is_empty(), "references to nothing: {dangling:?}");

    let mut components = Vec::new();
    parts(&bom["components"], &mut components);
    parts(&bom["metadata"], &mut components);
    let wanted: BTreeSet<&String> = components.iter().collect();
    let listed: Vec<&str> = bom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["ref"].as_str().unwrap())
        .collect();
    let listed_once: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(listed.len(), listed_once.len(), "a component has two dependencies entries");
    assert_eq!(wanted, listed_once.iter().collect(), "dependencies entries and components");
}

#[test]
fn what_lies_beside_the_aibom_has_a_digest() {
    for bom in [crate::aibom(&Fixture::new()), crate::aibom(&Fixture::new().packages(0))] {
        let all = bom["externalReferences"].as_array().unwrap();
        for reference in all {
            let url = reference["url"].as_str().unwrap();
            let digested = reference["hashes"].as_array().is_some_and(|hashes| !hashes.is_empty());
            // What stands under a name changes: it is asked of the mesh.
            let beside = !url.contains("://") && !url.starts_with("urn:");
            assert_eq!(digested, beside, "{url}");
        }
        let kinds: BTreeSet<&str> = all.iter().map(|r| r["type"].as_str().unwrap()).collect();
        let wanted = [
            "attestation",
            "build-meta",
            "evidence",
            "log",
            "security-contact",
            "vulnerability-assertion",
        ];
        assert_eq!(kinds, wanted.into());
    }
}

#[test]
fn all_references_hold() {
    check(&crate::aibom(&Fixture::new()));
    check(&crate::aibom(&Fixture::new().packages(0)));
    check(&crate::aibom(&Fixture::new().packages(300)));
}

#[test]
fn the_model_depends_on_all_that_went_in() {
    let bom = crate::aibom(&Fixture::new());
    let entry = |name: &str| {
        let all = bom["dependencies"].as_array().unwrap();
        all.iter().find(|d| d["ref"] == name).unwrap()["dependsOn"].to_string()
    };
    assert_eq!(entry("release"), r#"["output/model.keras"]"#);
    let model = entry("output/model.keras");
    for part in [
        "input/model",
        "input/dataset",
        "input/definition",
        "image/trainer",
        "host/cpu",
        "host/runtime",
    ] {
        assert!(model.contains(part), "{part} is not among {model}");
    }
    assert!(entry("image/trainer").contains("pkg:pypi/keras@3.15.1"));
    assert!(entry("pkg:pypi/keras@3.15.1").contains("pkg:pypi/numpy@2.4.6"));
}

#[test]
fn a_package_cannot_take_the_place_of_another_part() {
    let fixture = Fixture::new().scans(|scans| {
        let packages = &mut scans[0].predicate.aibom.packages;
        for purl in ["output/model.keras", "release", "", "pkg:pypi/keras@3.15.1"] {
            let mut package = packages[0].clone();
            purl.clone_into(&mut package.purl);
            package.depends_on = vec![purl.to_owned(), "input/model".to_owned()];
            packages.push(package);
        }
    });
    let bom = crate::aibom(&fixture);
    check(&bom);
    assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
    assert_eq!(crate::component(&bom, "output/model.keras")["name"], "wine-cultivar");
}
