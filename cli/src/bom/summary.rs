//! The tree of an AIBoM's main facts. It reads the document as anybody would: as CycloneDX JSON.

use std::collections::BTreeMap;

use report::{
    Aibom,
    severity::{SEVERITIES, rank},
};
use serde_json::Value;

use crate::terminal::{Style, Terminal, cut, size};

/// The most entries of one list that are shown.
const MAX_SHOWN: usize = 12;
/// The longest value that is shown, in characters.
const MAX_VALUE_CHARS: usize = 160;
/// The longest number that is shown, in characters.
const MAX_NUMBER_CHARS: usize = 24;
/// The longest name of a value, in characters.
const MAX_NAME_CHARS: usize = 48;

#[derive(Default)]
struct Tree {
    sections: Vec<Section>,
}

struct Section {
    heading: &'static str,
    facts: Vec<(String, String)>,
}

impl Tree {
    fn heading(&mut self, heading: &'static str) {
        self.sections.push(Section { heading, facts: Vec::new() });
    }

    fn fact(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Some(section) = self.sections.last_mut() {
            section.facts.push((cut(name, MAX_NAME_CHARS), cut(value, MAX_VALUE_CHARS)));
        }
    }

    /// The lines, with the values of a section below each other.
    fn lines(self, terminal: &Terminal) -> Vec<String> {
        let mut lines = Vec::new();
        for Section { heading, facts } in self.sections {
            lines.push(terminal.paint(Style::Bold, heading));
            let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
            lines.extend(facts.iter().map(|(name, value)| format!("  {name:width$}  {value}")));
        }
        lines
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The properties `aibom:<prefix>…` of a component, without that beginning.
fn properties<'a>(component: &'a Value, prefix: &str) -> BTreeMap<&'a str, &'a str> {
    let named = list(component, "/properties").iter().filter_map(|property| {
        let name = text(property, "/name").strip_prefix("aibom:")?.strip_prefix(prefix)?;
        Some((name, text(property, "/value")))
    });
    named.collect()
}

fn component<'a>(aibom: &'a Value, reference: &str) -> Option<&'a Value> {
    let top = list(aibom, "/components").iter();
    let mut all = top.flat_map(|c| std::iter::once(c).chain(list(c, "/components")));
    all.find(|c| text(c, "/bom-ref") == reference)
}

fn sha256(component: &Value) -> &str {
    let hashes = list(component, "/hashes").iter();
    hashes
        .filter(|h| text(h, "/alg") == "SHA-256")
        .map(|h| text(h, "/content"))
        .next()
        .unwrap_or("")
}

fn licences(component: &Value) -> String {
    let licences = list(component, "/licenses").iter().map(|licence| {
        let forms = ["/license/id", "/license/name", "/expression"];
        forms.map(|form| text(licence, form)).concat()
    });
    licences.collect::<Vec<_>>().join(", ")
}

/// The summary of `aibom`, line by line.
pub(super) fn lines(terminal: &Terminal, document: &Aibom) -> Vec<String> {
    let aibom = document.value();
    let mut tree = Tree::default();
    model(&mut tree, aibom);
    data(&mut tree, aibom);
    software(&mut tree, aibom);
    decision(&mut tree, document);
    vulnerabilities(&mut tree, document);
    isolation(&mut tree, aibom);
    signers(&mut tree, aibom);
    tree.lines(terminal)
}

fn model(tree: &mut Tree, aibom: &Value) {
    tree.heading("Model");
    let Some(release) = aibom.pointer("/metadata/component") else { return };
    let name = format!("{} {}", text(release, "/name"), text(release, "/version"));
    tree.fact("name", &name);
    tree.fact("description", text(release, "/description"));
    tree.fact("author", text(release, "/supplier/name"));
    tree.fact("licence", &licences(release));
    tree.fact("serial number", text(aibom, "/serialNumber"));
    tree.fact("made", text(aibom, "/metadata/timestamp"));
    let Some(model) = component(aibom, "output/model.keras") else { return };
    tree.fact("sha256", sha256(model));
    let parameters = model.pointer("/modelCard/modelParameters").unwrap_or(&Value::Null);
    tree.fact("task", text(parameters, "/task"));
    tree.fact("architecture", text(parameters, "/modelArchitecture"));
    for (name, pointer) in [("input", "/inputs"), ("output", "/outputs")] {
        for form in list(parameters, pointer).iter().take(MAX_SHOWN) {
            tree.fact(name, text(form, "/format"));
        }
    }
    tree.heading("Metrics");
    let metrics = list(model, "/modelCard/quantitativeAnalysis/performanceMetrics");
    let metrics = metrics.get(..2 * MAX_SHOWN).unwrap_or(metrics);
    let values = metrics.iter().map(|metric| cut(text(metric, "/value"), MAX_NUMBER_CHARS));
    let width = values.clone().map(|value| value.chars().count()).max().unwrap_or(0);
    for (metric, value) in metrics.iter().zip(values) {
        let value = format!("{value:width$}  {}", text(metric, "/slice"));
        tree.fact(text(metric, "/type"), &value);
    }
}

fn data(tree: &mut Tree, aibom: &Value) {
    tree.heading("Data");
    let Some(dataset) = component(aibom, "input/dataset") else { return };
    tree.fact("name", text(dataset, "/name"));
    tree.fact("licence", &licences(dataset));
    tree.fact("sha256", sha256(dataset));
    let parts = list(dataset, "/data").iter().filter_map(|part| part.pointer("/contents"));
    for part in std::iter::once(dataset).chain(parts) {
        for (name, value) in properties(part, "dataset:") {
            if !name.starts_with("statistic:") {
                tree.fact(name, value);
            }
        }
    }
}

fn software(tree: &mut Tree, aibom: &Value) {
    tree.heading("Software");
    let Some(image) = component(aibom, "image/trainer") else { return };
    tree.fact("trainer", text(image, "/name"));
    tree.fact("image", properties(image, "image:").get("id").copied().unwrap_or_default());
    let packages = list(image, "/components").len();
    let beside =
        list(aibom, "/components").iter().filter(|c| text(c, "/type") == "library").count();
    tree.fact("packages", &(packages + beside).to_string());
    for (reference, name) in [("host/engine", "engine"), ("host/os", "host"), ("host/cpu", "cpu")] {
        if let Some(part) = component(aibom, reference) {
            tree.fact(name, &format!("{} {}", text(part, "/name"), text(part, "/version")));
        }
    }
}

fn severity(vulnerability: &Value) -> usize {
    let ratings = list(vulnerability, "/ratings").iter();
    ratings.map(|rating| rank(text(rating, "/severity"))).min().unwrap_or_else(|| rank(""))
}

fn vulnerabilities(tree: &mut Tree, document: &Aibom) {
    let aibom = document.value();
    tree.heading("Vulnerabilities");
    let mut found: Vec<_> =
        list(aibom, "/vulnerabilities").iter().map(|v| (severity(v), text(v, "/id"))).collect();
    found.sort_unstable();
    for (rank, severity) in SEVERITIES.iter().enumerate() {
        let ids: Vec<_> = found.iter().filter(|(r, _)| *r == rank).map(|(_, id)| *id).collect();
        if !ids.is_empty() {
            let more = ids.len().saturating_sub(MAX_SHOWN);
            let shown = ids.iter().take(MAX_SHOWN).copied().collect::<Vec<_>>().join(" ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            tree.fact(severity, &format!("{:4}  {shown}{more}", ids.len()));
        }
    }
    let scans = document.scans();
    match (found.is_empty(), scans.total(), scans.incomplete) {
        (true, 0, _) => tree.fact("known", "not scanned"),
        (false, 0, _) => tree.fact("warning", "no scan is named"),
        (true, _, 0) => tree.fact("known", "none in what was scanned"),
        (_, _, 0) => {}
        (_, total, incomplete) => {
            tree.fact("warning", &format!("{incomplete} of {total} scans are incomplete"));
        }
    }
    for annotation in list(aibom, "/annotations") {
        if text(annotation, "/bom-ref").starts_with("not-scanned/") {
            tree.fact("warning", text(annotation, "/text"));
        }
    }
}

/// By which policy it was released, and in spite of what.
fn decision(tree: &mut Tree, document: &Aibom) {
    tree.heading("Scans and decision");
    let decision = document.decision();
    tree.fact("decision", decision.word);
    tree.fact("policy", &decision.policy);
    if let Some(warning) = decision.warning() {
        tree.fact("warning", &warning);
        tree.fact("reason", decision.reason);
    }
    for (name, keys) in [("accepted", &decision.accepted), ("ignored", &decision.ignored)] {
        keys.iter().take(MAX_SHOWN).for_each(|key| tree.fact(name, key));
        let more = keys.len().saturating_sub(MAX_SHOWN);
        if more > 0 {
            tree.fact(name, &format!("and {more} more"));
        }
    }
    for (kind, count) in &decision.findings {
        tree.fact(&format!("found {}", kind.replace(':', ", ")), count);
    }
    for (scan, value) in
        document.value().pointer("/metadata").map(|m| properties(m, "scan:")).unwrap_or_default()
    {
        tree.fact(&format!("scan {}", scan.replace(':', ", ")), value);
    }
}

fn isolation(tree: &mut Tree, aibom: &Value) {
    tree.heading("Isolation (as the executor observed it)");
    let formulas = list(aibom, "/formulation").iter();
    let workflows = formulas.flat_map(|formula| list(formula, "/workflows"));
    for workflow in workflows {
        let tasks = list(workflow, "/tasks").iter();
        for part in std::iter::once(workflow).chain(tasks) {
            for prefix in ["isolation:", "limit:"] {
                for (name, value) in properties(part, prefix) {
                    let bytes = value.parse().ok().filter(|_| name.ends_with("Bytes"));
                    tree.fact(name, &bytes.map_or_else(|| value.to_owned(), size));
                }
            }
        }
    }
}

fn signers(tree: &mut Tree, aibom: &Value) {
    tree.heading("Signed by");
    for part in list(aibom, "/components") {
        let is_key = text(part, "/cryptoProperties/assetType") == "related-crypto-material";
        if text(part, "/type") == "cryptographic-asset" && is_key {
            // A map would keep one of several documents of one key.
            let signed: Vec<_> = list(part, "/properties")
                .iter()
                .filter(|property| text(property, "/name") == "aibom:key:signed")
                .map(|property| text(property, "/value"))
                .collect();
            tree.fact("evidence", &format!("{}: {}", text(part, "/name"), signed.join(", ")));
        }
    }
}
