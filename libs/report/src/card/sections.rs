//! The sections of the card, each a list of values with who says them.

use super::markdown::Markdown;
use super::{Card, Part, components, part};

/// A section: its title, and what writes it.
type Section = (&'static str, fn(&Card<'_>, &mut Markdown));

/// The sections, in the order of the card.
pub(super) const SECTIONS: [Section; 10] = [
    ("Model details", details),
    ("Intended use", intended),
    ("Out of scope and limitations", limits),
    ("Risks", risks),
    ("Training data", data),
    ("Training procedure", procedure),
    ("Evaluation", evaluation),
    ("Environmental impact", environment),
    ("Scans and decision", decision),
    ("Provenance and how to verify", provenance),
];

/// The task of that `bom-ref` in any workflow.
fn task<'a>(card: &Card<'a>, reference: &str) -> Option<Part<'a>> {
    let formulas = card.root().items("/formulation");
    let workflows = formulas.iter().flat_map(|formula| formula.items("/workflows"));
    workflows.flat_map(|w| w.items("/tasks")).find(|task| task.text("/bom-ref") == reference)
}

fn details(card: &Card<'_>, md: &mut Markdown) {
    let facts = [
        ("Name", "/name"),
        ("Version", "/version"),
        ("Developed by", "/supplier/name"),
        ("Task", "/modelCard/modelParameters/task"),
        ("Architecture", "/modelCard/modelParameters/modelArchitecture"),
        ("Package URL", "/purl"),
    ];
    card.tell_all(md, &card.model, &facts);
    card.tell(md, "Licence", &card.licence());
    for (label, list) in [("Input", "inputs"), ("Output", "outputs")] {
        for form in card.model.items(&format!("/modelCard/modelParameters/{list}")) {
            card.tell(md, label, &form.below("/format"));
        }
    }
    card.tell(md, "Parameters", &card.model.property("aibom:model:parameters"));
    card.tell(md, "Written by version", &card.model.property("aibom:model:frameworkVersion"));
    for base in card.model.items("/pedigree/ancestors") {
        let name = format!("{} {}", base.text("/name"), base.text("/version"));
        md.fact("Derived from", name.trim(), card.by(&base.below("/name")));
    }
}

fn intended(card: &Card<'_>, md: &mut Markdown) {
    card.considerations("useCases").iter().for_each(|one| card.tell(md, "Use", one));
    card.considerations("users").iter().for_each(|one| card.tell(md, "Users", one));
}

fn limits(card: &Card<'_>, md: &mut Markdown) {
    let limits = card.considerations("technicalLimitations");
    limits.iter().for_each(|one| card.tell(md, "Limitation", one));
    let prices = card.considerations("performanceTradeoffs");
    prices.iter().for_each(|one| card.tell(md, "Trade-off", one));
}

fn risks(card: &Card<'_>, md: &mut Markdown) {
    for risk in card.considerations("ethicalConsiderations") {
        card.tell_all(md, &risk, &[("Risk", "/name"), ("Mitigation", "/mitigationStrategy")]);
    }
    let facts = [
        ("Group at risk", "/groupAtRisk"),
        ("Benefits", "/benefits"),
        ("Harms", "/harms"),
        ("Mitigation", "/mitigationStrategy"),
    ];
    for assessment in card.considerations("fairnessAssessments") {
        card.tell_all(md, &assessment, &facts);
    }
}

fn data(card: &Card<'_>, md: &mut Markdown) {
    let dataset = part(card.aibom, "input/dataset");
    let facts = [
        ("Name", "/name"),
        ("Version", "/version"),
        ("Description", "/description"),
        ("Licence", "/licenses/0/license/id"),
        ("Provenance", "/data/0/description"),
        ("Classification", "/data/0/classification"),
        ("Source", "/data/0/contents/url"),
        ("SHA-256", "/hashes/0/content"),
    ];
    card.tell_all(md, &dataset, &facts);
    let contents = dataset.below("/data/0/contents");
    for (label, name) in [("Records", "records"), ("Columns", "columns"), ("Label", "label")] {
        card.tell(md, label, &contents.property(&format!("aibom:dataset:{name}")));
    }
    for split in components(card.aibom) {
        let Some(name) = split.text("/bom-ref").strip_prefix("split/") else { continue };
        for (what, property) in [("records", "records"), ("Merkle root", "merkle-root:sha256")] {
            let value = split.property(&format!("aibom:split:{property}"));
            card.tell(md, &format!("Split {name}, {what}"), &value);
        }
    }
}

fn procedure(card: &Card<'_>, md: &mut Markdown) {
    let image = part(card.aibom, "image/trainer");
    card.tell_all(md, &image, &[("Trainer", "/name"), ("Image", "/hashes/0/content")]);
    let pairs = [("asked for", "task/declared/train"), ("in effect", "task/observed/train")];
    let mut rows = Vec::new();
    for (when, reference) in pairs {
        let inputs = task(card, reference).map(|task| task.items("/inputs")).unwrap_or_default();
        for parameter in inputs.iter().flat_map(|input| input.items("/parameters")) {
            let by = card.by(&parameter.below("/value"));
            rows.push([parameter.text("/name"), parameter.text("/value"), when, by]);
        }
    }
    rows.sort_unstable();
    md.table(["Parameter", "Value", "When", "Said by"], &rows);
}

fn evaluation(card: &Card<'_>, md: &mut Markdown) {
    let metrics = card.model.items("/modelCard/quantitativeAnalysis/performanceMetrics");
    let row = |metric: &Part<'_>| {
        let by = card.by(&metric.below("/value"));
        [metric.text("/type"), metric.text("/value"), metric.text("/slice"), by].map(str::to_owned)
    };
    let rows: Vec<[String; 4]> = metrics.iter().map(row).collect();
    md.table(["Metric", "Value", "Of what", "Said by"], &rows);
}

fn environment(card: &Card<'_>, md: &mut Markdown) {
    for usage in card.considerations("environmentalConsiderations/energyConsumptions") {
        let value = usage.below("/activityEnergyCost/value");
        if value.value.is_number() {
            let told = format!("{} {}", value.value, usage.text("/activityEnergyCost/unit"));
            md.fact(&format!("Energy, {}", usage.text("/activity")), &told, card.by(&value));
        }
    }
    for part in components(card.aibom) {
        let reference = part.text("/bom-ref");
        let is_gpu = reference.starts_with("host/gpu/") && part.text("/type") == "device";
        if reference == "host/cpu" || is_gpu {
            card.tell(md, "Hardware", &part.below("/name"));
        }
    }
}

fn decision(card: &Card<'_>, md: &mut Markdown) {
    const NAMES: [(&str, &str); 8] = [
        ("Decision", "decision"),
        ("Policy", "policy:name"),
        ("Version of the policy", "policy:version"),
        ("Released by", "decision:approver"),
        ("Released at", "decision:decidedAt"),
        ("Reason", "decision:reason"),
        ("Held, and accepted", "decision:accepted"),
        ("Ignored by the policy", "decision:ignored"),
    ];
    if let Some(warning) = card.aibom.decision().warning() {
        md.fact("Warning", &warning, "");
    }
    let properties = card.root().below("/metadata").items("/properties");
    for (label, name) in NAMES {
        let named = properties.iter().filter(|p| p.text("/name") == format!("aibom:{name}"));
        named.for_each(|property| card.tell(md, label, &property.below("/value")));
    }
    for property in &properties {
        let name = property.text("/name").strip_prefix("aibom:");
        let findings = name.and_then(|name| name.strip_prefix("findings:"));
        let scan = name.filter(|name| name.starts_with("scan:"));
        if let Some(label) = findings.or(scan) {
            card.tell(md, label, &property.below("/value"));
        }
    }
}

fn provenance(card: &Card<'_>, md: &mut Markdown) {
    let root = card.root();
    card.tell(md, "AIBoM", &root.below("/serialNumber"));
    let metadata = root.below("/metadata");
    card.tell(md, "Job", &metadata.property("aibom:job"));
    card.tell(md, "Trained until", &metadata.below("/timestamp"));
    card.tell(md, "SHA-256 of all evidence", &metadata.property("aibom:evidence:set:sha256"));
    let parts =
        ["output/model.keras", "input/model", "input/dataset", "input/definition", "image/trainer"];
    let mut rows = Vec::new();
    for part in parts.map(|reference| part(card.aibom, reference)) {
        for hash in part.items("/hashes") {
            let by = card.by(&hash.below("/content"));
            let (name, algorithm) = (part.text("/bom-ref"), hash.text("/alg"));
            rows.push([name, algorithm, hash.text("/content"), by]);
        }
    }
    md.table(["Part", "Algorithm", "Digest", "Said by"], &rows);
    md.note(
        "The bundle is verified offline, against a trust root that came another way than the bundle:",
    );
    md.code(
        "aibom verify bundle.aibom.json --trust-root <the one you pinned> --artifact model.keras",
    );
}
