//! Facts are there, and each is marked with who says it.

mod machine;
mod materials;
mod model;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::evidence::Fixture;

/// An AIBoM with the source of every value.
pub(super) struct Marked {
    pub(super) bom: Value,
    sources: BTreeMap<String, &'static str>,
}

impl Marked {
    /// Of a fixture; the document is valid, every reference holds, and every value has one source.
    pub(super) fn of(fixture: &Fixture) -> Self {
        let bom = crate::aibom(fixture);
        assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
        crate::references::check(&bom);
        let all = crate::sources::attributed(&bom).into_iter();
        let sources = all.map(|(pointer, _, source)| (pointer, source.unwrap())).collect();
        Self { bom, sources }
    }

    /// The component of that reference, wherever it stands.
    pub(super) fn component(&self, reference: &str) -> &Value {
        self.bom.pointer(&self.place(reference)).unwrap()
    }

    /// Where the component of that reference stands.
    fn place(&self, reference: &str) -> String {
        let mut todo = vec!["/components".to_owned()];
        while let Some(list) = todo.pop() {
            for index in 0..self.bom.pointer(&list).and_then(Value::as_array).map_or(0, Vec::len) {
                let place = format!("{list}/{index}");
                if self.bom.pointer(&place).unwrap()["bom-ref"] == reference {
                    return place;
                }
                todo.push(format!("{place}/components"));
            }
        }
        String::from("nowhere")
    }

    /// Who says what stands at `pointer`: one source for all of it.
    pub(super) fn who(&self, pointer: &str) -> &'static str {
        let whole = format!("{pointer}/");
        let within = |at: &str| at == pointer || at.starts_with(&whole);
        let mut words: Vec<_> =
            self.sources.iter().filter(|(at, _)| within(at)).map(|(_, word)| *word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 1, "{pointer} is said by {words:?}");
        words[0]
    }

    /// Who says what stands at `path` below the component of that reference.
    pub(super) fn who_of(&self, reference: &str, path: &str) -> &'static str {
        self.who(&format!("{}{path}", self.place(reference)))
    }

    /// Value of a property below that component, and who says it.
    pub(super) fn property(
        &self,
        reference: &str,
        list: &str,
        name: &str,
    ) -> Option<(&str, &'static str)> {
        let all = self.component(reference).pointer(list)?.as_array()?;
        let index = all.iter().position(|p| p["name"] == format!("aibom:{name}"))?;
        Some((all[index]["value"].as_str()?, self.who_of(reference, &format!("{list}/{index}"))))
    }
}

#[test]
fn formulas_tell_what_was_asked_from_what_ran() {
    let marked = Marked::of(&Fixture::new());
    let [declared, observed] =
        [0, 1].map(|index| &marked.bom["formulation"][index]["workflows"][0]);
    assert_eq!(declared["trigger"]["type"], "api");
    let parameters = &declared["tasks"][0]["inputs"][4]["parameters"];
    assert!(parameters.to_string().contains(r#""name":"seed","value":"20260101""#));
    assert_eq!(marked.who("/formulation/0/workflows/0/tasks/0/inputs/4"), "Asserted");
    assert_eq!(marked.who("/formulation/0/workflows/0/tasks/0/properties"), "Asserted");
    assert_eq!(marked.who("/formulation/0/workflows/0/trigger/timeActivated"), "Asserted");
    assert_eq!(marked.who("/formulation/0/workflows/0/uid"), "Granted");

    let task = &observed["tasks"][0];
    assert_eq!(task["steps"][0]["commands"][0]["executed"], "python3 -m aibom_trainer");
    assert!(task["inputs"][4].to_string().contains(r#""name":"learning_rate","value":"0.001""#));
    let task = "/formulation/1/workflows/0/tasks/0";
    assert_eq!(marked.who(&format!("{task}/steps/0/commands")), "Observed");
    assert_eq!(marked.who(&format!("{task}/inputs/4")), "Reported");
    assert_eq!(marked.who(&format!("{task}/inputs/5/environmentVars")), "Observed");
    assert_eq!(marked.who("/formulation/1/workflows/0/tasks/1/properties"), "Scanned");
    for task in observed["taskDependencies"].as_array().unwrap() {
        assert_eq!(task["dependsOn"], Value::Null, "a scan of the image needs no training");
    }
    assert_eq!(crate::property(observed, "aibom:isolation:networkMode"), Some("none"));
    assert_eq!(crate::property(observed, "aibom:run:cpuMs"), Some("41250"));
    let energy = crate::property(observed, "aibom:run:energyMillijoules:rapl:package-0");
    assert_eq!(energy, Some("3456789"));
    assert_eq!(observed["workspaces"][0]["accessMode"], "read-only");
    assert_eq!(observed["timeStart"], "2026-11-20T09:53:00.000Z");
    let properties = observed["properties"].as_array().unwrap();
    for (index, property) in properties.iter().enumerate() {
        let granted = property["name"].as_str().unwrap().starts_with("aibom:grant:");
        let who = marked.who(&format!("/formulation/1/workflows/0/properties/{index}"));
        assert_eq!(who, if granted { "Granted" } else { "Observed" }, "{property}");
    }
}

#[test]
fn a_whole_number_is_an_integer_whoever_says_it() {
    let bom = crate::aibom(&Fixture::new().training(|training| {
        let effective = &mut training.predicate.run_details.reported.effective;
        effective.insert("epochs".to_owned(), 30.into());
        effective.insert("rate".to_owned(), 0.5.into());
    }));
    for (formula, parameters) in [(0, vec!["integer"]), (1, vec!["integer", "number"])] {
        let task = &bom["formulation"][formula]["workflows"][0]["tasks"][0];
        let all = task["inputs"][4]["parameters"].as_array().unwrap();
        for (name, kind) in ["epochs", "rate"].into_iter().zip(parameters) {
            let found = all.iter().find(|p| p["name"] == name).unwrap();
            assert_eq!(found["dataType"], kind, "{name}");
        }
    }
}

#[test]
fn an_operator_within_its_bounds_is_told_in_full() {
    let bom = crate::aibom(&Fixture::new().grant(|grant| {
        grant.operator = Some(evidence::Operator {
            name: "O".to_owned(),
            url: Some("https://o.example/%C3%A9".to_owned()),
            email: Some("a!#$b@o.example".to_owned()),
            security_policy: Some("https://o.example/%20".to_owned()),
        });
    }));
    assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
    let told = json!({"name": "O", "url": ["https://o.example/%C3%A9"],
                      "contact": [{"email": "a!#$b@o.example"}]});
    assert_eq!(bom["metadata"]["manufacturer"], told);
    assert_eq!(bom["metadata"]["authors"], json!([{"name": "O", "email": "a!#$b@o.example"}]));
    let references = bom["externalReferences"].as_array().unwrap();
    assert!(references.iter().any(|r| r["url"] == "https://o.example/%20"));
}

#[test]
fn each_kind_of_output_is_told() {
    let bom = crate::aibom(&Fixture::new());
    let outputs = bom["formulation"][1]["workflows"][0]["tasks"][0]["outputs"].as_array().unwrap();
    let kind = |reference: &str| {
        &outputs.iter().find(|o| o["resource"]["ref"] == reference).unwrap()["type"]
    };
    assert_eq!(kind("output/metrics.json"), "metrics");
    assert_eq!(kind("output/model.keras"), "artifact");
    assert_eq!(kind("log/0/training.log"), "log");
    assert_eq!(outputs.last().unwrap()["type"], "attestation");
}

#[test]
fn parameters_that_nobody_reported_move_no_claim() {
    let marked = Marked::of(&Fixture::new().training(|training| {
        training.predicate.run_details.reported.effective.clear();
    }));
    let task = "/formulation/1/workflows/0/tasks/0/inputs";
    assert_eq!(marked.who(&format!("{task}/4/environmentVars")), "Observed");
}

#[test]
fn every_document_and_every_key_is_named() {
    let fixture = Fixture::new();
    let bom = crate::aibom(&fixture);
    let references = bom["externalReferences"].as_array().unwrap();
    for (name, digest) in fixture.verified().digests() {
        let link = name.ends_with(".link");
        let folder = if link { "signatures" } else { "evidence" };
        let url = format!("{folder}/{name}");
        let named: Vec<_> = references.iter().filter(|r| r["url"] == url).collect();
        assert_eq!(named[0]["type"], "attestation", "{url}");
        for reference in named {
            let comment = reference["comment"].as_str().unwrap();
            assert_eq!(comment.starts_with("in-toto link"), link, "{comment}");
            assert_eq!(reference["hashes"][0]["content"], digest.to_hex());
        }
    }
    let keys = bom["components"].as_array().unwrap().iter();
    let keys = keys.filter(|c| c["bom-ref"].as_str().unwrap().starts_with("key/"));
    // User, scheduler, executor, scanner and policy.
    assert_eq!(keys.count(), 5);
}
