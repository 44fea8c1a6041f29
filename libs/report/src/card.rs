//! The model card in Markdown, with the front matter that Hugging Face reads.
//!
//! Texts of the document are quoted in the front matter as JSON strings, which YAML reads as it
//! reads its own, and escaped in the Markdown: a document can inject neither a key nor markup.

mod front;
mod markdown;

use markdown::Markdown;
use serde_json::Value;

use crate::aibom::{list, text};
use crate::{Aibom, Sources};

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
    sources: Sources<'a>,
    /// The trained model.
    model: Part<'a>,
}

/// A value and the pointer to it.
#[derive(Clone)]
struct Part<'a> {
    value: &'a Value,
    at: String,
}

impl<'a> Part<'a> {
    /// What stands at a pointer below; null when nothing does.
    fn below(&self, tail: &str) -> Self {
        let value = self.value.pointer(tail).unwrap_or(&Value::Null);
        Self { value, at: format!("{}{tail}", self.at) }
    }

    fn items(&self, tail: &str) -> Vec<Self> {
        let items = list(self.value, tail).iter().enumerate();
        items.map(|(n, value)| Self { value, at: format!("{}{tail}/{n}", self.at) }).collect()
    }

    fn text(&self, tail: &str) -> &'a str {
        text(self.value, tail)
    }

    /// The value of the property of that name.
    fn property(&self, name: &str) -> Self {
        let found = self.items("/properties").into_iter().find(|p| p.text("/name") == name);
        found.unwrap_or_else(|| self.below("/properties/-")).below("/value")
    }
}

impl<'a> Card<'a> {
    fn new(aibom: &'a Aibom) -> Self {
        let model = part(aibom, "output/model.keras");
        Self { aibom, sources: aibom.sources(), model }
    }

    fn root(&self) -> Part<'a> {
        Part { value: self.aibom.value(), at: String::new() }
    }

    /// A text of the component that the document is about.
    fn release(&self, tail: &str) -> &'a str {
        self.root().below("/metadata/component").text(tail)
    }

    /// Who says `part`; empty when the document does not tell.
    fn by(&self, part: &Part<'_>) -> &'static str {
        self.sources.of(&part.at).map_or("", |found| found.source.word())
    }

    /// A line with `part` and who says it; nothing when it holds no text.
    fn tell(&self, md: &mut Markdown, label: &str, part: &Part<'_>) {
        md.fact(label, part.text(""), self.by(part));
    }

    /// A line for each of `tails` below `part`.
    fn tell_all(&self, md: &mut Markdown, part: &Part<'_>, tails: &[(&str, &str)]) {
        for (label, tail) in tails {
            self.tell(md, label, &part.below(tail));
        }
    }

    /// The licence's SPDX id, name or expression.
    fn licence(&self) -> Part<'a> {
        let choices = self.model.items("/licenses").into_iter();
        let tails = ["/license/id", "/license/name", "/expression"];
        let texts = choices.flat_map(|choice| tails.map(|tail| choice.below(tail)));
        texts
            .into_iter()
            .find(|one| one.value.is_string())
            .unwrap_or_else(|| self.model.below("/licenses/-"))
    }

    /// The task: `classification` or `regression` in ours.
    fn task(&self) -> &'a str {
        self.model.text("/modelCard/modelParameters/task")
    }

    fn considerations(&self, list: &str) -> Vec<Part<'a>> {
        self.model.items(&format!("/modelCard/considerations/{list}"))
    }
}

/// Components at the top level and nested in one there.
fn components(aibom: &Aibom) -> Vec<Part<'_>> {
    let root = Part { value: aibom.value(), at: String::new() };
    let top = root.items("/components");
    let nested: Vec<_> = top.iter().flat_map(|component| component.items("/components")).collect();
    top.into_iter().chain(nested).collect()
}

/// The component of that `bom-ref`; null when there is none.
fn part<'a>(aibom: &'a Aibom, reference: &str) -> Part<'a> {
    let found = components(aibom).into_iter().find(|c| c.text("/bom-ref") == reference);
    found.unwrap_or_else(|| Part { value: &Value::Null, at: "/components/-".to_owned() })
}

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
    md.code("aibom verify bundle.aibom.json --trust-root trust-root.json --artifact model.keras");
}

#[cfg(test)]
mod tests;
