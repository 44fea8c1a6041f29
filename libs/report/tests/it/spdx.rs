//! The SPDX document under the JSON schema of SPDX 3.0.1, and what must survive in it.

use std::{collections::BTreeSet, sync::LazyLock};

use jsonschema::Validator;
use report::{
    Aibom,
    spdx::{SpdxError, document},
};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

use crate::{changed, sample};

type Spoil = fn(&mut Value);

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../schema/spdx-3.0.1.schema.json");
    jsonschema::options().build(&serde_json::from_str(schema).unwrap()).unwrap()
});

fn errors(document: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(document).map(|e| format!("{}: {e:.300}", e.instance_path())).collect()
}

fn written(aibom: &Aibom) -> Value {
    serde_json::from_slice(&document(aibom).unwrap()).unwrap()
}

fn elements<'a>(document: &'a Value, class: &str) -> Vec<&'a Value> {
    let all = document["@graph"].as_array().unwrap();
    all.iter().filter(|element| element["type"] == class).collect()
}

/// The element of that bom-ref, by its BOM-Link.
fn element<'a>(document: &'a Value, reference: &str) -> &'a Value {
    let all = document["@graph"].as_array().unwrap();
    let ending = format!("#{reference}");
    all.iter().find(|e| e["spdxId"].as_str().is_some_and(|id| id.ends_with(&ending))).unwrap()
}

/// Kinds of relationships with the endings of the ids that they relate.
fn related(document: &Value, from: &str, kind: &str) -> BTreeSet<String> {
    let ending = |id: &Value| id.as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let all = document["@graph"].as_array().unwrap().iter();
    all.filter(|e| e["relationshipType"] == kind && ending(&e["from"]) == from)
        .flat_map(|e| e["to"].as_array().unwrap().iter().map(ending))
        .collect()
}

#[test]
fn the_document_is_valid() {
    assert_eq!(errors(&written(&sample())), Vec::<String>::new());
    let assembled = Fixture::new().aibom();
    let assembled = Aibom::parse(assembled.as_bytes()).unwrap();
    assert_eq!(errors(&written(&assembled)), Vec::<String>::new());
}

#[test]
fn the_judge_is_strict() {
    let good = written(&sample());
    let spoiled: [(&str, &str, Spoil); 8] = [
        ("unknown member", "ai_AIPackage", |e| e["surprise"] = json!(1)),
        ("unknown class", "Tool", |e| e["type"] = json!("Hammer")),
        ("bad enum", "Relationship", |e| e["relationshipType"] = json!("likes")),
        ("no id", "software_Package", |e| drop(e.as_object_mut().unwrap().remove("spdxId"))),
        ("bad time", "CreationInfo", |e| e["created"] = json!("2026-11-20T09:56:00.000Z")),
        ("no creator", "CreationInfo", |e| drop(e.as_object_mut().unwrap().remove("createdBy"))),
        ("text for a list", "ai_AIPackage", |e| e["ai_typeOfModel"] = json!("classifier")),
        ("negative size", "dataset_DatasetPackage", |e| e["dataset_datasetSize"] = json!(-1)),
    ];
    for (what, class, spoil) in spoiled {
        let mut document = good.clone();
        let all = document["@graph"].as_array_mut().unwrap();
        spoil(all.iter_mut().find(|element| element["type"] == class).unwrap());
        assert!(!errors(&document).is_empty(), "{what} is let through");
    }
}

#[test]
fn ids_are_unique_and_every_reference_resolves() {
    let document = written(&sample());
    let all = document["@graph"].as_array().unwrap();
    let ids: Vec<&str> = all.iter().filter_map(|e| e["spdxId"].as_str()).collect();
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(known.len(), ids.len());
    for element in all {
        for member in [
            "from",
            "to",
            "subject",
            "suppliedBy",
            "originatedBy",
            "element",
            "rootElement",
            "createdBy",
            "createdUsing",
            "dataLicense",
        ] {
            let named = match &element[member] {
                Value::Array(items) => items.clone(),
                Value::Null => Vec::new(),
                one => vec![one.clone()],
            };
            for id in named {
                let known = known.contains(id.as_str().unwrap());
                assert!(known || id == "expandedlicensing_NoAssertionLicense", "{member}: {id}");
            }
        }
    }
}

#[test]
fn the_trained_model_is_all_there() {
    let document = written(&sample());
    let model = element(&document, "output/model.keras");
    assert_eq!(model["type"], "ai_AIPackage");
    assert_eq!(model["software_primaryPurpose"], "model");
    assert_eq!(model["releaseTime"], "2026-11-20T09:56:00Z");
    assert_eq!(model["software_packageVersion"], "1.0.0");
    assert_eq!(model["verifiedUsing"].as_array().unwrap().len(), 2);
    assert_eq!(model["ai_useSensitivePersonalInformation"], "no");
    let rate = json!({"type": "DictionaryEntry", "key": "learning_rate", "value": "0.001"});
    assert!(model["ai_hyperparameter"].as_array().unwrap().contains(&rate));
    assert_eq!(model["ai_metric"].as_array().unwrap().len(), 4);
    let energy = &model["ai_energyConsumption"]["ai_trainingEnergyConsumption"][0];
    assert_eq!(energy["ai_energyQuantity"], "0.0125");
    assert_eq!(model.get("ai_safetyRiskAssessment"), None);
    assert_eq!(
        related(&document, "output/model.keras", "trainedOn"),
        ["split/train".to_owned()].into()
    );
    assert_eq!(
        related(&document, "output/model.keras", "testedOn"),
        ["split/validation".to_owned()].into()
    );
    assert_eq!(
        related(&document, "base/model", "ancestorOf"),
        ["output/model.keras".to_owned()].into()
    );
}

#[test]
fn who_says_what_survives() {
    let document = written(&sample());
    let statements = |reference: &str| {
        let id = &element(&document, reference)["spdxId"];
        let all = elements(&document, "Annotation").into_iter().filter(|a| a["subject"] == *id);
        all.map(|a| a["statement"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of_model = statements("output/model.keras");
    let by = |word: &str| of_model.iter().find(|text| text.starts_with(word)).unwrap();
    assert!(by("Asserted by spiffe://mesh.test/user/alice: ").contains("ai_limitation"));
    assert!(by("Reported by the trainer keras").contains("ai_metric"));
    assert!(by("Observed by spiffe://mesh.test/executor/one: ").contains("verifiedUsing"));
    assert!(!by("Asserted").contains("verifiedUsing"));
    assert!(statements("input/dataset").iter().any(|t| {
        t.starts_with("Asserted") && t.contains("dataset_hasSensitivePersonalInformation")
    }));
}

#[test]
fn packages_licences_and_vulnerabilities_are_related() {
    let document = written(&sample());
    let contained = related(&document, "image/trainer", "contains");
    assert_eq!(contained.len(), 9, "{contained:?}");
    let packages = elements(&document, "software_Package");
    let ssl = packages.iter().find(|p| p["name"] == "libssl3").unwrap();
    let purl = "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12";
    assert_eq!(ssl["software_packageUrl"], purl);
    assert_eq!(ssl["externalIdentifier"][0]["identifier"], purl);
    assert_eq!(elements(&document, "security_Vulnerability").len(), 2);
    let assessment = elements(&document, "security_CvssV3VulnAssessmentRelationship");
    assert_eq!(assessment.first().unwrap()["security_score"], "9.8");
    let custom = elements(&document, "simplelicensing_SimpleLicensingText");
    assert_eq!(custom.first().unwrap()["simplelicensing_licenseText"], "A licence of its own");
}

#[test]
fn every_model_and_dataset_has_one_declared_and_one_concluded_licence() {
    let document = written(&changed(|b| {
        let model = b["components"].as_array_mut().unwrap().iter_mut();
        let model = model.into_iter().find(|c| c["bom-ref"] == "output/model.keras").unwrap();
        model["licenses"] = json!([
            {"expression": "MIT OR Apache-2.0"}, {"license": {"name": "A licence of its own"}},
            {"license": {"id": "MIT", "acknowledgement": "concluded"}}]);
    }));
    assert_eq!(errors(&document), Vec::<String>::new());
    let all = document["@graph"].as_array().unwrap();
    let models =
        [elements(&document, "ai_AIPackage"), elements(&document, "dataset_DatasetPackage")];
    for of in models.concat() {
        for kind in ["hasDeclaredLicense", "hasConcludedLicense"] {
            let mut found = all.iter().filter(|e| e["relationshipType"] == kind);
            let found: Vec<_> = found.by_ref().filter(|e| e["from"] == of["spdxId"]).collect();
            assert_eq!(found.len(), 1, "{kind} of {}", of["spdxId"]);
            assert_eq!(found.first().unwrap()["to"].as_array().unwrap().len(), 1, "{found:?}");
        }
    }
    let texts = elements(&document, "simplelicensing_LicenseExpression");
    let text = |e: &&Value| e["simplelicensing_licenseExpression"].as_str().unwrap().to_owned();
    let texts: Vec<String> = texts.iter().map(text).collect();
    assert!(
        texts.iter().any(|t| t.starts_with("(MIT OR Apache-2.0) AND LicenseRef-")),
        "{texts:?}"
    );
    let unknown = all.iter().filter(|e| e["to"] == json!(["expandedlicensing_NoAssertionLicense"]));
    assert!(unknown.count() > 0);
}

#[test]
fn a_profile_is_claimed_only_when_its_demands_are_met() {
    let claimed = |document: &Value| {
        let by = |class| elements(document, class).first().unwrap()["profileConformance"].clone();
        assert_eq!(by("SpdxDocument"), by("software_Sbom"));
        by("SpdxDocument")
    };
    // The submitted model has neither supplier nor version, a split no place to download it from.
    let document = written(&sample());
    assert_eq!(
        claimed(&document),
        json!(["core", "software", "build", "security", "simpleLicensing"])
    );
    let whole = written(&changed(|b| {
        b["metadata"]["component"]["name"] = json!("a system without parts");
        b["components"] = json!([{"type": "machine-learning-model", "bom-ref": "output/model.keras",
            "name": "m", "version": "1", "supplier": {"name": "S"}, "modelCard": {},
            "externalReferences": [{"type": "distribution", "url": "https://example.org/m"}]}]);
    }));
    let all = ["core", "software", "ai", "dataset", "build", "security", "simpleLicensing"];
    assert_eq!(claimed(&whole), json!(all));
}

#[test]
fn the_build_has_inputs_outputs_and_a_caller() {
    let document = written(&sample());
    let build = element(&document, "workflow/observed");
    assert_eq!(build["build_buildStartTime"], "2026-11-20T09:53:00Z");
    assert!(related(&document, "workflow/observed", "hasInput").contains("input/dataset"));
    assert!(related(&document, "workflow/observed", "hasOutput").contains("output/model.keras"));
    assert_eq!(related(&document, "workflow/observed", "invokedBy").len(), 1);
}

#[test]
fn the_same_aibom_gives_the_same_bytes() {
    let bytes = document(&sample()).unwrap();
    assert_eq!(bytes, document(&sample()).unwrap());
    let value: Value = ids::canonical::from_slice(&bytes, bytes.len()).unwrap();
    assert_eq!(value["@context"], report::spdx::CONTEXT);
}

#[test]
fn an_aibom_without_a_time_or_a_maker_is_refused() {
    let timeless = changed(|b| b["metadata"]["timestamp"] = json!("yesterday"));
    assert!(matches!(document(&timeless), Err(SpdxError::NoTime)));
    let nobody =
        changed(|b| b["metadata"].as_object_mut().unwrap().retain(|k, _| k == "timestamp"));
    assert!(matches!(document(&nobody), Err(SpdxError::NoCreator)));
}

#[test]
fn whatever_a_document_says_the_result_is_valid() {
    let strange = changed(|b| {
        b["components"][0]["bom-ref"] = json!("a b\"<>#spdx:document");
        b["components"][0]["purl"] = json!("no purl");
        b["components"][0]["licenses"] = json!([{"license": {"name": "\u{0}\u{1f4a9}"}}, 7]);
        b["components"][2]["data"][0]["contents"]["url"] = json!("http://a b");
        b["serialNumber"] = json!("urn:uuid:# ?");
        b["dependencies"] = json!([{"ref": "nobody", "dependsOn": ["nothing"]}, {"ref": 3}]);
        b["vulnerabilities"][0]["ratings"][0]["vector"] = json!("CVSS:3.1/AV:N");
    });
    assert_eq!(errors(&written(&strange)), Vec::<String>::new());
    let bare = Aibom::parse(br#"{"bomFormat":"CycloneDX","specVersion":"1.7","metadata":{"timestamp":"2026-11-20T09:56:00Z","manufacturer":{"name":"M"}}}"#).unwrap();
    assert_eq!(errors(&written(&bare)), Vec::<String>::new());
}
