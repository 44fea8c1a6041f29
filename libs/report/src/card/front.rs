//! The front matter: YAML that Hugging Face reads.

use std::fmt::Write as _;

use super::Card;

/// Licences that Hugging Face knows under another id than SPDX in lower case.
const OTHER: &str = "other";

/// The front matter with its two lines of `---`.
pub(super) fn matter(card: &Card<'_>) -> String {
    let mut out = String::from("---\n");
    let licence = card.licence().text("");
    if !licence.is_empty() {
        line(&mut out, "", "license", &known(licence).unwrap_or_else(|| OTHER.to_owned()));
        if known(licence).is_none() {
            line(&mut out, "", "license_name", licence);
        }
    }
    if let Some(library) = library(card) {
        line(&mut out, "", "library_name", library);
    }
    let pipeline = pipeline(card.task());
    if let Some(pipeline) = pipeline {
        line(&mut out, "", "pipeline_tag", pipeline);
    }
    out.push_str("tags:\n");
    let family = card.model.text("/modelCard/modelParameters/architectureFamily");
    for tag in ["aibom", "cyclonedx", card.task(), family] {
        item(&mut out, tag);
    }
    let names: Vec<&str> = results(card).into_iter().map(|(kind, ..)| kind).collect();
    let mut metrics = names.clone();
    metrics.sort_unstable();
    metrics.dedup();
    if !metrics.is_empty() {
        out.push_str("metrics:\n");
        metrics.into_iter().for_each(|metric| item(&mut out, metric));
    }
    if !names.is_empty() {
        index(card, &mut out, pipeline);
    }
    out.push_str("---\n\n");
    out
}

/// The library that loads the model, as Hugging Face calls it, by the format of the file.
fn library(card: &Card<'_>) -> Option<&'static str> {
    match card.model.property("aibom:model:format").text("") {
        "keras-v3" => Some("keras"),
        _ => None,
    }
}

/// The tag of Hugging Face for a task on tables.
fn pipeline(task: &str) -> Option<&'static str> {
    match task {
        "classification" => Some("tabular-classification"),
        "regression" => Some("tabular-regression"),
        _ => None,
    }
}

/// The licence's id as Hugging Face writes it, when it has the form of an SPDX id.
fn known(licence: &str) -> Option<String> {
    let is_id = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    (licence.len() <= 64 && licence.bytes().all(is_id)).then(|| licence.to_ascii_lowercase())
}

/// Type, value and split of each final metric that is a finite number.
fn results<'a>(card: &Card<'a>) -> Vec<(&'a str, f64, &'a str)> {
    let all = card.model.items("/modelCard/quantitativeAnalysis/performanceMetrics");
    all.iter()
        .filter_map(|metric| {
            let (split, when) = metric.text("/slice").split_once(", ")?;
            let is_final = matches!(split, "train" | "validation") && when.starts_with("final");
            let value = metric.text("/value").parse::<f64>().ok().filter(|v| v.is_finite())?;
            let kind = metric.text("/type");
            (is_final && !kind.is_empty()).then_some((kind, value, split))
        })
        .collect()
}

/// `model-index`: a result for each split, with its metrics.
fn index(card: &Card<'_>, out: &mut String, pipeline: Option<&'static str>) {
    let dataset = super::part(card.aibom, "input/dataset").text("/name");
    let dataset = if dataset.is_empty() { "not stated" } else { dataset };
    let name = card.release("/name");
    out.push_str("model-index:\n");
    line(out, "- ", "name", if name.is_empty() { "not stated" } else { name });
    out.push_str("  results:\n");
    let results = results(card);
    for split in ["train", "validation"] {
        let of_split = || results.iter().filter(|(_, _, of)| *of == split);
        if of_split().next().is_none() {
            continue;
        }
        out.push_str("  - task:\n");
        line(out, "      ", "type", pipeline.unwrap_or(OTHER));
        out.push_str("    dataset:\n");
        line(out, "      ", "name", dataset);
        // The type is an id on the hub, and this dataset has none.
        line(out, "      ", "type", "private");
        line(out, "      ", "split", split);
        out.push_str("    metrics:\n");
        for (kind, value, _) in of_split() {
            line(out, "    - ", "type", kind);
            let _ = writeln!(out, "      value: {}", number(*value));
            line(out, "      ", "name", &format!("{kind} ({split}, reported by the trainer)"));
            out.push_str("      verified: false\n");
        }
    }
}

/// A number in the form that YAML 1.1 and JSON read alike.
fn number(value: f64) -> String {
    serde_json::Number::from_f64(value).map_or_else(
        || "0".to_owned(),
        |n| {
            let text = n.to_string();
            // YAML 1.1 wants a point before an exponent and a sign behind it.
            match text.split_once('e') {
                Some((digits, exponent)) => {
                    let point = if digits.contains('.') { "" } else { ".0" };
                    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
                    format!("{digits}{point}e{sign}{exponent}")
                }
                None => text,
            }
        },
    )
}

fn line(out: &mut String, indent: &str, key: &'static str, value: &str) {
    let _ = writeln!(out, "{indent}{key}: {}", quoted(value));
}

fn item(out: &mut String, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(out, "- {}", quoted(value));
    }
}

/// A double-quoted YAML scalar; plain where it is a lower-case word that YAML reads as nothing else.
///
/// All but printable ASCII is written as `\uXXXX`, so no line end of YAML's own (U+0085, U+2028)
/// and no hidden character can be in it.
fn quoted(value: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
    let starts = value.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let reserved =
        matches!(value, "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    if starts && !reserved && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for character in value.chars().take(1024) {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            other => {
                let code = u32::from(other);
                let _ = if code > 0xffff {
                    write!(out, "\\U{code:08x}")
                } else {
                    write!(out, "\\u{code:04x}")
                };
            }
        }
    }
    out.push('"');
    out
}
