//! The facts of packages, vulnerabilities, hardware and isolation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    claims,
    facts::{Facts, components, cut, join, label},
};
use crate::{
    Aibom,
    aibom::{list, text},
    scans, severity,
};

/// How the name of a scan's fact begins.
pub(super) const SCAN: &str = "scan";

/// The names of what was decided, or how they begin.
pub(super) const DECISION: &str = "decision";
pub(super) const POLICY: &str = "policy";
pub(super) const ACCEPTED: &str = "accepted";
pub(super) const IGNORED: &str = "ignored";
/// How the name of a number of findings begins.
pub(super) const FINDINGS: &str = "findings";

/// The most packages that are named for one vulnerability.
const MAX_AFFECTED: usize = 8;

pub(super) fn packages(aibom: &Aibom) -> Facts {
    const KINDS: [&str; 4] = ["library", "framework", "operating-system", "application"];
    let mut versions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut waiting: Vec<&Value> = aibom.list("/components").iter().collect();
    while let Some(component) = waiting.pop() {
        if is_host(component) {
            continue;
        }
        waiting.extend(list(component, "/components"));
        let (kind, purl) = (text(component, "/type"), text(component, "/purl"));
        if KINDS.contains(&kind) && !purl.is_empty() {
            let (name, version) = without_version(purl);
            let stated = text(component, "/version");
            let version = if stated.is_empty() { version } else { stated };
            versions.entry(cut(name)).or_default().insert(version);
        }
    }
    let mut facts = Facts::default();
    for (name, versions) in versions {
        for version in versions {
            let version = if version.is_empty() { "without version" } else { version };
            facts.add(name.clone(), version);
        }
    }
    for image in components(aibom, "container") {
        let name = join("image", text(image, "/name"));
        facts.add(name.clone(), text(image, "/version"));
        facts.group(&join(&name, "labels"), image, "aibom:image:label:");
        layers(&mut facts, join(&name, "layers"), image);
    }
    frameworks(&mut facts, aibom);
    if let Some(system) = aibom.component("image/os") {
        named(&mut facts, "image/os", system);
    }
    facts
}

/// An image's layers as one fact: how many, and what they come to.
fn layers(facts: &mut Facts, name: String, image: &Value) {
    let properties = list(image, "/properties").iter();
    let layers: Vec<_> = properties
        .filter(|property| text(property, "/name").starts_with("aibom:image:layer:"))
        .map(|property| text(property, "/value"))
        .collect();
    if !layers.is_empty() {
        let digest = ids::Sha256Digest::of(layers.join("\n").as_bytes());
        facts.add(name, &format!("{} layers, together sha256:{digest}", layers.len()));
    }
}

/// The frameworks that the trainer says it ran, beside the packages that the scanner found.
fn frameworks(facts: &mut Facts, aibom: &Aibom) {
    for model in components(aibom, "machine-learning-model") {
        if let Some(card) = model.get("modelCard") {
            facts.properties("reported", card, "reported:framework:");
        }
    }
}

/// A purl's name, and its version; qualifiers and subpath belong to neither.
fn without_version(purl: &str) -> (&str, &str) {
    let plain = purl.split(['?', '#']).next().unwrap_or_default();
    let name_start = plain.rfind('/').map_or(0, |slash| slash + 1);
    // The '@' of a npm scope is in the namespace and not in the name.
    let at = plain.get(name_start..).and_then(|name| name.find('@')).map(|at| at + name_start);
    match at.and_then(|at| plain.split_at_checked(at)) {
        Some((name, version)) => (name, version.trim_start_matches('@')),
        None => (plain, ""),
    }
}

pub(super) fn vulnerabilities(aibom: &Aibom) -> Facts {
    let mut facts = Facts::default();
    for vulnerability in aibom.list("/vulnerabilities") {
        let ratings = list(vulnerability, "/ratings").iter();
        let worst =
            ratings.map(|rating| text(rating, "/severity")).min_by_key(|s| severity::rank(s));
        let severity = worst.filter(|word| !word.is_empty()).unwrap_or("unknown");
        let affected = list(vulnerability, "/affects").iter();
        let names: BTreeSet<_> = affected.map(|a| without_version(text(a, "/ref")).0).collect();
        let names: Vec<_> = names.into_iter().take(MAX_AFFECTED).map(cut).collect();
        let value = format!("{severity} {}", names.join(" "));
        facts.add(cut(text(vulnerability, "/id")), value.trim_end());
    }
    for property in aibom.list("/metadata/properties") {
        if let Some(scan) = scans::scan(text(property, "/name")) {
            facts.add(join(SCAN, &format!("{} status", cut(scan))), text(property, "/value"));
        }
    }
    decision(&mut facts, aibom);
    for tool in aibom.list("/metadata/tools/components") {
        let reference = text(tool, "/bom-ref");
        if reference.starts_with("tool/scanner/") {
            let name = join("scanner", text(tool, "/name"));
            facts.add(name.clone(), text(tool, "/version"));
            facts.properties(&join(&name, "database"), tool, "scanner:database:");
        }
    }
    facts
}

/// By which policy it was released, and what was let pass.
fn decision(facts: &mut Facts, aibom: &Aibom) {
    let decision = aibom.decision();
    facts.add(DECISION.to_owned(), decision.word);
    facts.add(POLICY.to_owned(), &decision.policy);
    facts.add(join(POLICY, "sha256"), decision.policy_sha256);
    for (name, keys) in [(ACCEPTED, &decision.accepted), (IGNORED, &decision.ignored)] {
        keys.iter().for_each(|key| facts.add(join(name, key), "yes"));
    }
    for (kind, count) in &decision.findings {
        facts.add(join(FINDINGS, kind), count);
    }
}

pub(super) fn hardware(aibom: &Aibom) -> Facts {
    const KINDS: [&str; 3] = ["device", "device-driver", "firmware"];
    let mut facts = Facts::default();
    facts.one("manufacturer", aibom.value().pointer("/metadata/manufacturer"));
    let top = aibom.list("/components").iter();
    for component in top.flat_map(|c| std::iter::once(c).chain(list(c, "/components"))) {
        if is_host(component) || KINDS.contains(&text(component, "/type")) {
            let label = label(component);
            named(&mut facts, &label, component);
            facts.properties(&label, component, "");
        }
    }
    for tool in aibom.list("/metadata/tools/components") {
        if !text(tool, "/bom-ref").starts_with("tool/scanner/") {
            named(&mut facts, &label(tool), tool);
        }
    }
    facts
}

fn is_host(component: &Value) -> bool {
    let reference = text(component, "/bom-ref");
    reference == "host" || reference.starts_with("host/")
}

fn named(facts: &mut Facts, label: &str, component: &Value) {
    let version = text(component, "/version");
    facts.add(label.to_owned(), format!("{} {version}", text(component, "/name")).trim());
}

pub(super) fn isolation(aibom: &Aibom) -> Facts {
    let mut facts = Facts::default();
    for formula in aibom.list("/formulation") {
        for workflow in list(formula, "/workflows") {
            for part in std::iter::once(workflow).chain(list(workflow, "/tasks")) {
                facts.properties("", part, "isolation:");
                facts.properties("limit", part, "limit:");
                for space in list(part, "/workspaces") {
                    let name = join("mount", text(space, "/mountPath"));
                    facts.add(name, text(space, "/accessMode"));
                }
            }
        }
    }
    claims::add(&mut facts, aibom);
    facts
}
