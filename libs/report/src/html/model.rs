//! The trained model: architecture, inputs and outputs, and what its submitter says of its use.

use super::badge;
use super::facts::{address, code, fact, facts, texts, told};
use super::table::{Column, Row, details, table};
use super::view::{Place, View};
use super::write::Html;
use super::{metrics, overview};

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let Some(model) = view.component("output/model.keras") else {
        h.leaf("p", "none", "The document holds no trained model.");
        return;
    };
    facts(h, |h| overview::described(h, &model));
    architecture(h, &model);
    layers(h, &model);
    metrics::reported(h, &model);
    considerations(h, &model);
    if let Some(submitted) = view.component("input/model") {
        let title = format!("The submitted model: {}", submitted.text("/name"));
        details(h, &title, |h| {
            facts(h, |h| {
                overview::described(h, &submitted);
                for (name, value) in submitted.properties("aibom:") {
                    fact(h, &words(name), Some(value));
                }
            });
        });
    }
}

/// `model:frameworkVersion` as `Model: framework version`.
pub(super) fn words(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for character in name.chars() {
        match character {
            first if out.is_empty() => out.extend(first.to_uppercase()),
            ':' => out.push_str(": "),
            upper if upper.is_ascii_uppercase() && before.is_ascii_lowercase() => {
                out.push(' ');
                out.push(upper.to_ascii_lowercase());
            }
            '-' | '_' => out.push(' '),
            other => out.push(other),
        }
        before = character;
    }
    out
}

fn architecture(h: &mut Html, model: &Place<'_>) {
    h.leaf("h3", "", "Architecture");
    facts(h, |h| {
        let parameters = model.at("/modelCard/modelParameters");
        if let Some(parameters) = &parameters {
            fact(h, "Task", parameters.at("/task"));
            fact(h, "Approach", parameters.at("/approach/type"));
            fact(h, "Family", parameters.at("/architectureFamily"));
            fact(h, "Architecture", parameters.at("/modelArchitecture"));
            let formats = |tail| {
                parameters.items(tail).iter().filter_map(|io| io.at("/format")).collect::<Vec<_>>()
            };
            texts(h, "Inputs", &formats("/inputs"));
            texts(h, "Outputs", &formats("/outputs"));
        }
        for (name, value) in model.properties("aibom:model:") {
            if !name.starts_with("layer:") {
                fact(h, &words(name), Some(value));
            }
        }
    });
}

fn layers(h: &mut Html, model: &Place<'_>) {
    let layers = model.properties("aibom:model:layer:");
    let row = |(number, layer): &(&str, Place<'_>)| {
        let text = layer.show();
        let (name, class) = text.rsplit_once(" (").unwrap_or((&text, ""));
        let cells = [number, name, class.trim_end_matches(')')].map(str::to_owned).to_vec();
        Row::new(cells, badge::from([layer]))
    };
    let rows: Vec<Row> = layers.iter().map(row).collect();
    let columns = [Column::Code("Place"), Column::Text("Layer"), Column::Text("Class")];
    let caption = format!("Layers ({})", rows.len());
    if rows.len() > 12 {
        details(h, &caption, |h| table(h, &caption, &columns, &rows));
    } else {
        table(h, &caption, &columns, &rows);
    }
}

fn considerations(h: &mut Html, model: &Place<'_>) {
    let Some(card) = model.at("/modelCard") else { return };
    let said = |tail: &str| card.items(&format!("/considerations/{tail}"));
    h.leaf("h3", "", "Intended use and its limits");
    facts(h, |h| {
        texts(h, "Users", &said("users"));
        texts(h, "Use cases", &said("useCases"));
        texts(h, "Limitations, out of scope", &said("technicalLimitations"));
        texts(h, "Trade-offs", &said("performanceTradeoffs"));
        for risk in said("ethicalConsiderations") {
            let text = match risk.text("/mitigationStrategy") {
                "" => risk.text("/name").to_owned(),
                mitigation => format!("{} Mitigation: {mitigation}", ended(risk.text("/name"))),
            };
            told(
                h,
                "Risk",
                &text,
                &risk
                    .at("/name")
                    .into_iter()
                    .chain(risk.at("/mitigationStrategy"))
                    .collect::<Vec<_>>(),
            );
        }
        for assessment in said("fairnessAssessments") {
            fact(h, "Fairness: group at risk", assessment.at("/groupAtRisk"));
            fact(h, "Fairness: benefits", assessment.at("/benefits"));
            fact(h, "Fairness: harms", assessment.at("/harms"));
            fact(h, "Fairness: mitigation", assessment.at("/mitigationStrategy"));
        }
        for (_, statement) in card.properties("aibom:compliance:") {
            fact(h, "Compliance", Some(statement));
        }
    });
}

/// The text with a full stop.
fn ended(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// What a file's properties say besides.
pub(super) fn file(h: &mut Html, component: &Place<'_>) {
    fact(h, "Media type", component.at("/mime-type"));
    fact(h, "Size in bytes", component.property("aibom:file:size"));
    code(h, "File name", component.property("aibom:file:name"));
    address(h, "Source", component.property("aibom:source"));
}
