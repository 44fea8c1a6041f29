//! The card holds what the document says, and nothing in it can become a key or markup.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::markdown;
use crate::Aibom;

const SAMPLE: &str = include_str!("../../tests/fixtures/wine.cdx.json");

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

fn card(value: &Value) -> String {
    markdown(&Aibom::parse(&serde_json::to_vec(value).unwrap()).unwrap())
}

fn model(document: &mut Value) -> &mut Value {
    let components = document["components"].as_array_mut().unwrap();
    components.iter_mut().find(|c| c["bom-ref"] == "output/model.keras").unwrap()
}

/// Top-level keys of the front matter and how often they stand.
fn keys(card: &str) -> BTreeMap<&str, usize> {
    let front = card.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap().0;
    let top = front.lines().filter(|line| !line.starts_with([' ', '-']));
    let mut out = BTreeMap::new();
    for line in top {
        *out.entry(line.split_once(':').unwrap().0).or_default() += 1;
    }
    out
}

#[test]
fn the_front_matter_is_what_hugging_face_reads() {
    let card = card(&sample());
    let expected = ["library_name", "license", "metrics", "model-index", "pipeline_tag", "tags"];
    assert!(keys(&card).keys().eq(expected.iter()), "{:?}", keys(&card));
    for line in [
        "license: \"apache-2.0\"",
        "library_name: keras",
        "pipeline_tag: tabular-classification",
        "- name: wine-cultivar",
        "      value: 0.97142857",
        "      verified: false",
    ] {
        assert!(card.lines().any(|is| is == line), "{line}\n{card}");
    }
    assert!(!card.contains("verified: true"));
}

#[test]
fn every_section_is_there_with_its_values() {
    let card = card(&sample());
    for text in [
        "## Model details",
        "## Intended use",
        "## Out of scope and limitations",
        "## Risks",
        "## Training data",
        "## Training procedure",
        "## Evaluation",
        "## Environmental impact",
        "## Provenance and how to verify",
        "Showing the way from a training job",
        "Any commercial grading",
        "**Mitigation:** Say what it is for.",
        "**Records:** 178",
        "batch\\_size",
        "0.0021 kWh",
        "ad4654c8f3ca6b8d54507b25f131d802a241e597c2169be7f79fe7b98b48ddee",
        "aibom verify bundle.aibom.json",
        "*(observed)*",
        "*(asserted)*",
    ] {
        assert!(card.contains(text), "{text}\n{card}");
    }
}

#[test]
fn a_hostile_name_injects_no_key_and_no_markup() {
    let clean = keys(&card(&sample())).len();
    for attack in [
        "x\nlicense: mit\n",
        "x\"\nverified: true",
        "---\n# hi",
        "x\u{85}extra: 1",
        "x\u{2028}extra: 1",
        "*a*: &b",
        "<script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "![a](https://x.example/)",
        "| a |\n| b |",
    ] {
        let mut document = sample();
        document["metadata"]["component"]["name"] = json!(attack);
        let model = model(&mut document);
        model["name"] = json!(attack);
        model["licenses"] = json!([{"license": {"name": attack}}]);
        model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["type"] = json!(attack);
        model["modelCard"]["considerations"]["useCases"] = json!([attack]);
        let card = card(&document);
        // `license_name` is the one key more of a licence without an id.
        let keys = keys(&card);
        assert_eq!(keys.len(), clean + 1, "{keys:?}");
        assert!(keys.values().all(|count| *count == 1));
        let body = card.split_once("\n---\n").unwrap().1;
        assert!(!body.contains("<script") && !body.contains("](") && !body.contains("\n# hi"));
        assert!(!card.contains("\n      verified: true"));
        assert!(!body.contains("https://x.example"));
    }
}

#[test]
fn a_document_of_others_has_no_marks() {
    let mut document = sample();
    document["annotations"] = json!([]);
    let card = card(&document);
    for word in ["*(observed)*", "*(asserted)*", "*(granted)*", "*(derived)*", "| observed |"] {
        assert!(!card.contains(word), "{word}");
    }
}

#[test]
fn a_description_begins_no_list() {
    for (text, shown) in
        [("- a", "\\- a"), ("12. a", "12\\. a"), ("---", "\\---"), ("a - b", "a - b")]
    {
        let mut document = sample();
        document["metadata"]["component"]["description"] = json!(text);
        assert!(card(&document).contains(&format!("\n\n{shown}\n\n")), "{text}");
    }
}

#[test]
fn a_document_of_wrong_types_gives_a_card() {
    for name in ["components", "metadata", "formulation", "annotations"] {
        for value in [json!(null), json!(7), json!([[1]]), json!({"component": 3})] {
            let mut document = sample();
            document[name] = value;
            assert!(card(&document).starts_with("---\n"));
        }
    }
}

proptest! {
    #[test]
    fn any_text_stays_on_its_line(name in any::<String>()) {
        let mut document = sample();
        document["metadata"]["component"]["name"] = json!(name);
        model(&mut document)["name"] = json!(name);
        let card = card(&document);
        prop_assert_eq!(keys(&card).len(), 6);
        prop_assert_eq!(card.matches("\n## ").count(), 10);
    }
}

#[test]
fn the_library_is_that_of_the_format() {
    for (format, library) in [("keras-v3", Some("keras")), ("safetensors", None)] {
        let mut document = sample();
        let properties = model(&mut document)["properties"].as_array_mut().unwrap();
        let found = properties.iter_mut().find(|p| p["name"] == "aibom:model:format").unwrap();
        found["value"] = json!(format);
        let card = card(&document);
        let line = card.lines().find_map(|line| line.strip_prefix("library_name: "));
        assert_eq!(line, library, "{format}");
    }
}

#[test]
fn a_card_without_a_name_has_a_heading() {
    let mut document = sample();
    document["metadata"]["component"]["name"] = json!(" ");
    model(&mut document)["name"] = json!("");
    let card = card(&document);
    assert!(card.contains("\n# Model card\n"), "{card}");
    assert!(card.lines().all(|line| line.is_empty() || !line.trim_matches(['#', ' ']).is_empty()));
}

#[test]
fn the_verify_line_pins_its_own_trust_root() {
    assert!(card(&sample()).contains("--trust-root <the one you pinned>"));
}
