//! The facts of data, model, parameters and metrics.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cost;
use crate::{
    Aibom,
    aibom::{list, property, text},
};

/// The longest name of a fact, in characters: what a document repeats must stay small. Facts whose
/// names begin alike up to there are one fact with all their values.
const MAX_LABEL_CHARS: usize = 120;
/// How deep into a part's members facts are looked for.
const MAX_DEPTH: usize = 8;

/// Facts by name.
#[derive(Debug, Default)]
pub(super) struct Facts(pub(super) BTreeMap<String, String>);

impl Facts {
    /// Adds a fact. What has no value is none; two values of one name stand behind each other.
    pub(super) fn add(&mut self, name: String, value: &str) {
        if value.is_empty() {
            return;
        }
        let known = self.0.entry(name).or_default();
        if !known.is_empty() {
            known.push_str("; ");
        }
        known.push_str(value);
    }

    /// Adds the properties of `of` whose name begins with `aibom:<group>`, less that.
    pub(super) fn properties(&mut self, label: &str, of: &Value, group: &str) {
        for property in list(of, "/properties") {
            let name = text(property, "/name").strip_prefix("aibom:");
            if let Some(name) = name.and_then(|name| name.strip_prefix(group)) {
                self.add(join(label, name), text(property, "/value"));
            }
        }
    }

    /// Adds the members of `of` by those names.
    fn members(&mut self, label: &str, of: &Value, names: &[&str]) {
        for name in names {
            if let Some(value) = of.get(name) {
                self.tree(&join(label, name), value, MAX_DEPTH);
            }
        }
    }

    /// Adds every leaf; the items of a list have the list's name.
    fn tree(&mut self, label: &str, value: &Value, depth: usize) {
        match value {
            Value::Null => {}
            Value::String(value) => self.add(label.to_owned(), value),
            Value::Bool(_) | Value::Number(_) => self.add(label.to_owned(), &value.to_string()),
            Value::Array(_) | Value::Object(_) if depth == 0 => {}
            Value::Array(items) => {
                items.iter().for_each(|item| self.tree(label, item, depth - 1));
            }
            Value::Object(members) => {
                for (name, member) in members.iter().filter(|(name, _)| *name != "bom-ref") {
                    self.tree(&join(label, name), member, depth - 1);
                }
            }
        }
    }

    /// Adds everything that `value` holds as one fact.
    pub(super) fn one(&mut self, label: &str, value: Option<&Value>) {
        let mut leaves = Self::default();
        leaves.tree("", value.unwrap_or(&Value::Null), MAX_DEPTH);
        for leaf in leaves.0.values() {
            self.add(label.to_owned(), leaf);
        }
    }

    /// Adds the properties of `of` whose name begins with `prefix` as one fact, `<name>=<value>`.
    pub(super) fn group(&mut self, label: &str, of: &Value, prefix: &str) {
        for property in list(of, "/properties") {
            if let Some(name) = text(property, "/name").strip_prefix(prefix) {
                self.add(label.to_owned(), &format!("{name}={}", text(property, "/value")));
            }
        }
    }

    fn hashes(&mut self, label: &str, of: &Value) {
        for hash in list(of, "/hashes") {
            self.add(join(label, text(hash, "/alg")), text(hash, "/content"));
        }
    }

    /// Adds a metric by its type and slice.
    pub(super) fn metric(&mut self, metric: &Value) {
        let kind = cut(text(metric, "/type"));
        // Which epoch was the last is a parameter, and no part of the metric's name.
        let slice = text(metric, "/slice").split(';').next().unwrap_or_default();
        let slice = slice.split(" (epoch ").next().unwrap_or_default();
        let name = if slice.is_empty() { kind } else { format!("{kind} ({})", cut(slice)) };
        self.add(name, text(metric, "/value"));
    }

    /// Adds what every component has.
    fn component(&mut self, label: &str, component: &Value) {
        const MEMBERS: [&str; 6] =
            ["name", "version", "description", "licenses", "purl", "supplier"];
        self.members(label, component, &MEMBERS);
        self.hashes(label, component);
    }
}

/// A fact's name from that of a part and its own; a purl or a name of the document among them.
pub(super) fn join(label: &str, name: &str) -> String {
    let label = label.chars();
    let blank = (!label.as_str().is_empty()).then_some(' ');
    label.chain(blank).chain(name.chars()).take(MAX_LABEL_CHARS).collect()
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(MAX_LABEL_CHARS).collect()
}

/// How a component is called in a fact: by its bom-ref, or by its name.
pub(super) fn label(component: &Value) -> String {
    let reference = text(component, "/bom-ref");
    cut(if reference.is_empty() { text(component, "/name") } else { reference })
}

/// Components of a type; the one that the document describes is among them.
pub(super) fn components<'a>(
    aibom: &'a Aibom,
    kind: &'a str,
) -> impl Iterator<Item = &'a Value> + 'a {
    let described = aibom.value().pointer("/metadata/component").into_iter();
    described.chain(aibom.list("/components")).filter(move |c| text(c, "/type") == kind)
}

pub(super) fn data(aibom: &Aibom) -> Facts {
    let mut facts = Facts::default();
    for component in components(aibom, "data") {
        let label = label(component);
        let label = label.strip_prefix("input/").unwrap_or(&label);
        facts.component(label, component);
        facts.properties(label, component, "split:");
        for data in list(component, "/data") {
            const MEMBERS: [&str; 4] =
                ["classification", "sensitiveData", "governance", "description"];
            facts.members(&join(label, "data"), data, &MEMBERS);
            if let Some(contents) = data.get("contents") {
                facts.members(label, contents, &["url"]);
                facts.properties(label, contents, "dataset:");
            }
        }
    }
    if let Some(definition) = aibom.component("input/definition") {
        facts.hashes("definition", definition);
    }
    facts
}

pub(super) fn model(aibom: &Aibom) -> Facts {
    let mut facts = Facts::default();
    let release = aibom.value().pointer("/metadata/component");
    if let Some(release) = release.filter(|c| text(c, "/type") != "machine-learning-model") {
        facts.members("release", release, &["name", "version", "description", "licenses"]);
        facts.one("release supplier", release.get("supplier"));
        facts.one("release authors", release.get("authors"));
    }
    for component in components(aibom, "machine-learning-model") {
        let label = label(component);
        facts.component(&label, component);
        facts.properties(&label, component, "model:");
        for base in list(component, "/pedigree/ancestors") {
            facts.component(&join(&label, "base"), base);
        }
        if let Some(card) = component.get("modelCard") {
            const PARAMETERS: [&str; 6] = [
                "approach",
                "task",
                "architectureFamily",
                "modelArchitecture",
                "inputs",
                "outputs",
            ];
            const CONSIDERATIONS: [&str; 6] = [
                "users",
                "useCases",
                "technicalLimitations",
                "performanceTradeoffs",
                "ethicalConsiderations",
                "fairnessAssessments",
            ];
            let part = |name: &str| card.get(name).unwrap_or(&Value::Null);
            facts.members(&label, part("modelParameters"), &PARAMETERS);
            facts.members(&label, part("considerations"), &CONSIDERATIONS);
            for statement in list(card, "/properties") {
                if text(statement, "/name").starts_with("aibom:compliance:") {
                    facts.add(join(&label, "compliance"), text(statement, "/value"));
                }
            }
        }
    }
    facts
}

/// Who submitted the job.
const USER: &str = "aibom:request:user";

pub(super) fn parameters(aibom: &Aibom) -> Facts {
    let mut facts = Facts::default();
    if let Some(release) = aibom.value().pointer("/metadata/component") {
        facts.add("submitting user".to_owned(), property(release, USER).unwrap_or_default());
    }
    for formula in aibom.list("/formulation") {
        let formula_label = match text(formula, "/bom-ref") {
            "formula/declared" => "declared".to_owned(),
            "formula/observed" => "in effect".to_owned(),
            other => cut(other),
        };
        let tasks = list(formula, "/workflows").iter().flat_map(|work| list(work, "/tasks"));
        for task in tasks {
            facts.properties(&join(&formula_label, "asked"), task, "requested:");
            for parameter in list(task, "/inputs").iter().flat_map(|i| list(i, "/parameters")) {
                let mut value = text(parameter, "/value").to_owned();
                if let Some(kind) = parameter.get("dataType").and_then(Value::as_str) {
                    value.push_str(&format!(" ({kind})"));
                }
                facts.add(join(&formula_label, text(parameter, "/name")), &value);
            }
            for step in list(task, "/steps").iter().flat_map(|step| list(step, "/commands")) {
                facts.add(join(&formula_label, "command"), text(step, "/executed"));
            }
        }
    }
    facts
}

pub(super) fn metrics(aibom: &Aibom) -> Facts {
    let mut facts = Facts::default();
    for model in components(aibom, "machine-learning-model") {
        for metric in list(model, "/modelCard/quantitativeAnalysis/performanceMetrics") {
            if !cost::is_cost(metric) {
                facts.metric(metric);
            }
        }
        let card = model.get("modelCard").unwrap_or(&Value::Null);
        if let Some(epochs) = property(card, "aibom:reported:epochs") {
            facts.add("epochs".to_owned(), epochs);
        }
    }
    facts
}
