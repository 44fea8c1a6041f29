//! The model card in Markdown, with the front matter that Hugging Face reads.
//!
//! Texts of the document are quoted in the front matter as JSON strings, which YAML reads as it
//! reads its own, and escaped in the Markdown: a document can inject neither a key nor markup.

mod front;
mod markdown;

use crate::aibom::{list, property, text};
use crate::{Aibom, Source};
use markdown::Markdown;
use serde_json::Value;

/// The model card of the trained model.
///
/// Its figures are marked with who says them; results in `model-index` say `verified: false`,
/// because the trainer reported them and nobody measured again.
#[must_use]
pub fn markdown(aibom: &Aibom) -> String {
    let card = Card::new(aibom);
    let mut out = front::matter(&card);
    let mut md = Markdown::default();
    md.heading(1, card.release("/name"));
    md.paragraph(card.release("/description"));
    md.note("Made from an AIBoM. Values say who said them: asserted and reported values were checked by nobody.");
    for (title, write) in SECTIONS {
        let mut section = Markdown::default();
        write(&card, &mut section);
        md.heading(2, title);
        if section.is_empty() {
            md.note("Not stated in the AIBoM.");
        }
        md.append(&section);
    }
    out.push_str(&md.finish());
    out
}

type Section = (&'static str, fn(&Card<'_>, &mut Markdown));

const SECTIONS: [Section; 9] = [
    ("Model details", details),
    ("Intended use", intended),
    ("Out of scope and limitations", limits),
    ("Risks", risks),
    ("Training data", data),
    ("Training procedure", procedure),
    ("Evaluation", evaluation),
    ("Environmental impact", environment),
    ("Provenance and how to verify", provenance),
];

/// The parts of the document that the card is made of.
struct Card<'a> {
    aibom: &'a Aibom,
    sources: crate::Sources<'a>,
    /// The trained model, and where it stands.
    model: &'a Value,
    model_at: String,
}

impl<'a> Card<'a> {
    fn new(aibom: &'a Aibom) -> Self {
        let components = aibom.list("/components").iter().enumerate();
        let found =
            components.into_iter().find(|(_, c)| text(c, "/bom-ref") == "output/model.keras");
        let (model, model_at) = found.map_or((&Value::Null, String::new()), |(index, model)| {
            (model, format!("/components/{index}"))
        });
        Self { aibom, sources: aibom.sources(), model, model_at }
    }

    /// A text of the component that the document is about.
    fn release(&self, tail: &str) -> &'a str {
        self.aibom.value().pointer("/metadata/component").map_or("", |release| text(release, tail))
    }

    /// Who says what stands at `tail` below the trained model, in brackets; empty when nobody.
    fn by(&self, tail: &str) -> &'static str {
        self.said(&format!("{}{tail}", self.model_at))
    }

    /// Who says what stands at a pointer.
    fn said(&self, pointer: &str) -> &'static str {
        self.sources.of(pointer).map_or("", |found| Source::word(found.source))
    }

    /// The items of `/modelCard/considerations/<tail>`.
    fn considerations(&self, tail: &str) -> &'a [Value] {
        list(self.model, &format!("/modelCard/considerations/{tail}"))
    }

    /// The licence's SPDX id or name.
    fn licence(&self) -> &'a str {
        let licences = list(self.model, "/licenses");
        let of = |choice: &'a Value| {
            let tails = ["/license/id", "/license/name", "/expression"];
            tails.into_iter().map(|tail| text(choice, tail)).find(|text| !text.is_empty())
        };
        licences.iter().find_map(of).unwrap_or_default()
    }

    /// The task: `classification` or `regression` in ours.
    fn task(&self) -> &'a str {
        text(self.model, "/modelCard/modelParameters/task")
    }
}

fn details(card: &Card<'_>, md: &mut Markdown) {
    let model = card.model;
    for (label, tail) in [
        ("Name", "/name"),
        ("Version", "/version"),
        ("Developed by", "/supplier/name"),
        ("Task", "/modelCard/modelParameters/task"),
        ("Architecture", "/modelCard/modelParameters/modelArchitecture"),
        ("Package URL", "/purl"),
    ] {
        md.fact(label, text(model, tail), card.by(tail));
    }
    md.fact("Licence", card.licence(), card.by("/licenses/0/license/id"));
    for (label, tail) in [("Input", "inputs"), ("Output", "outputs")] {
        let tail = format!("/modelCard/modelParameters/{tail}");
        for form in list(model, &tail) {
            md.fact(label, text(form, "/format"), card.by(&format!("{tail}/0/format")));
        }
    }
    for (label, name) in [("Parameters", "parameters"), ("Written by", "frameworkVersion")] {
        let value = property(model, &format!("aibom:model:{name}")).unwrap_or_default();
        md.fact(label, value, "observed");
    }
    for base in list(model, "/pedigree/ancestors") {
        let name = format!("{} {}", text(base, "/name"), text(base, "/version"));
        md.fact("Derived from", name.trim(), card.by("/pedigree/ancestors/0/name"));
    }
}

fn texts(card: &Card<'_>, md: &mut Markdown, label: &str, list: &str) {
    for (index, item) in card.considerations(list).iter().enumerate() {
        let pointer = format!("/modelCard/considerations/{list}/{index}");
        md.fact(label, item.as_str().unwrap_or_default(), card.by(&pointer));
    }
}

fn intended(card: &Card<'_>, md: &mut Markdown) {
    texts(card, md, "Use", "useCases");
    texts(card, md, "Users", "users");
}

fn limits(card: &Card<'_>, md: &mut Markdown) {
    texts(card, md, "Limitation", "technicalLimitations");
    texts(card, md, "Trade-off", "performanceTradeoffs");
}

fn risks(card: &Card<'_>, md: &mut Markdown) {
    for (index, risk) in card.considerations("ethicalConsiderations").iter().enumerate() {
        let by = card.by(&format!("/modelCard/considerations/ethicalConsiderations/{index}/name"));
        md.fact("Risk", text(risk, "/name"), by);
        md.fact("Mitigation", text(risk, "/mitigationStrategy"), by);
    }
    for assessment in card.considerations("fairnessAssessments") {
        for (label, tail) in [
            ("Group at risk", "/groupAtRisk"),
            ("Benefits", "/benefits"),
            ("Harms", "/harms"),
            ("Mitigation", "/mitigationStrategy"),
        ] {
            md.fact(label, text(assessment, tail), "asserted");
        }
    }
}

fn data(card: &Card<'_>, md: &mut Markdown) {
    let components = card.aibom.list("/components").iter().enumerate();
    for (index, component) in components {
        match text(component, "/bom-ref") {
            "input/dataset" => dataset(card, md, component, &format!("/components/{index}")),
            split if split.starts_with("split/") => {
                let records = property(component, "aibom:split:records").unwrap_or_default();
                let root =
                    property(component, "aibom:split:merkle-root:sha256").unwrap_or_default();
                let label = format!("Split {}", split.trim_start_matches("split/"));
                md.fact(&label, &format!("{records} records, Merkle root {root}"), "observed");
            }
            _ => {}
        }
    }
}

fn dataset(card: &Card<'_>, md: &mut Markdown, dataset: &Value, at: &str) {
    for (label, tail) in [
        ("Name", "/name"),
        ("Version", "/version"),
        ("Description", "/description"),
        ("Licence", "/licenses/0/license/id"),
        ("Provenance", "/data/0/description"),
        ("Classification", "/data/0/classification"),
        ("Source", "/data/0/contents/url"),
        ("Digest", "/hashes/0/content"),
    ] {
        md.fact(label, text(dataset, tail), card.said(&format!("{at}{tail}")));
    }
    let contents = dataset.pointer("/data/0/contents").unwrap_or(&Value::Null);
    for (label, name) in [("Records", "records"), ("Columns", "columns"), ("Label", "label")] {
        let value = property(contents, &format!("aibom:dataset:{name}")).unwrap_or_default();
        md.fact(label, value, "observed");
    }
}

fn procedure(card: &Card<'_>, md: &mut Markdown) {
    let image = card.aibom.component("image/trainer").unwrap_or(&Value::Null);
    md.fact("Trainer", text(image, "/name"), "");
    let digest = list(image, "/hashes").first().map_or("", |hash| text(hash, "/content"));
    md.fact("Image", digest, "observed");
    let pairs = [
        ("Asked for", "task/declared/train", "asserted"),
        ("In effect", "task/observed/train", "reported"),
    ];
    let mut rows = Vec::new();
    for (when, reference, by) in pairs {
        let inputs = task(card.aibom, reference).map_or(&[][..], |task| list(task, "/inputs"));
        for parameter in inputs.iter().flat_map(|input| list(input, "/parameters")) {
            rows.push([text(parameter, "/name"), text(parameter, "/value"), when, by]);
        }
    }
    rows.sort_unstable();
    md.table(["Parameter", "Value", "When", "Said by"], &rows);
}

fn task<'a>(aibom: &'a Aibom, reference: &str) -> Option<&'a Value> {
    let workflows = aibom.list("/formulation").iter().flat_map(|f| list(f, "/workflows"));
    workflows.flat_map(|w| list(w, "/tasks")).find(|task| text(task, "/bom-ref") == reference)
}

fn evaluation(card: &Card<'_>, md: &mut Markdown) {
    let tail = "/modelCard/quantitativeAnalysis/performanceMetrics";
    let rows: Vec<[&str; 4]> = list(card.model, tail)
        .iter()
        .enumerate()
        .map(|(index, metric)| {
            let by = card.by(&format!("{tail}/{index}/value"));
            [text(metric, "/type"), text(metric, "/value"), text(metric, "/slice"), by]
        })
        .collect();
    md.table(["Metric", "Value", "Of what", "Said by"], &rows);
}

fn environment(card: &Card<'_>, md: &mut Markdown) {
    for usage in card.considerations("environmentalConsiderations/energyConsumptions") {
        let cost = usage.pointer("/activityEnergyCost").unwrap_or(&Value::Null);
        let Some(value) = cost.get("value") else { continue };
        md.fact(text(usage, "/activity"), &format!("{value} {}", text(cost, "/unit")), "observed");
    }
    for component in card.aibom.list("/components") {
        let reference = text(component, "/bom-ref");
        if reference == "host/cpu"
            || (reference.starts_with("host/gpu/") && text(component, "/type") == "device")
        {
            md.fact("Hardware", text(component, "/name"), "observed");
        }
    }
}

fn provenance(card: &Card<'_>, md: &mut Markdown) {
    let metadata = card.aibom.value().pointer("/metadata").unwrap_or(&Value::Null);
    md.fact("AIBoM", card.aibom.text("/serialNumber"), "derived");
    md.fact("Job", property(metadata, "aibom:job").unwrap_or_default(), "granted");
    md.fact("Trained until", text(metadata, "/timestamp"), "observed");
    md.fact(
        "Evidence",
        property(metadata, "aibom:evidence:set:sha256").unwrap_or_default(),
        "derived",
    );
    let rows: Vec<[&str; 4]> =
        ["output/model.keras", "input/model", "input/dataset", "input/definition", "image/trainer"]
            .into_iter()
            .filter_map(|reference| card.aibom.component(reference))
            .flat_map(|component| {
                let of = text(component, "/bom-ref");
                list(component, "/hashes").iter().map(move |hash| {
                    [of, text(component, "/name"), text(hash, "/alg"), text(hash, "/content")]
                })
            })
            .collect();
    md.table(["Part", "Name", "Algorithm", "Digest"], &rows);
    md.note("The bundle is verified offline, against a trust root that came another way than the bundle:");
    md.code("aibom verify bundle.aibom.json --trust-root trust-root.json --artifact model.keras");
}

#[cfg(test)]
mod tests;
