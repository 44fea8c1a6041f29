//! The most specific field decides, in both spellings, and hostile lists are harmless.

use serde_json::{Value, json};

use super::{Attribution, Source};
use crate::Aibom;

const ALICE: &str = "spiffe://mesh.test/user/alice";
const EXECUTOR: &str = "spiffe://mesh.test/executor/one";
const TRAINER: &str =
    "the trainer keras in the container, passed on by spiffe://mesh.test/executor/one";
const RULES: &str = "the rules of profile 2";

fn parse(value: &Value) -> Aibom {
    Aibom::parse(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn annotation(number: usize, subjects: &[&str], text: impl Into<String>) -> Value {
    json!({"bom-ref": format!("source/{number}"), "subjects": subjects, "text": text.into()})
}

fn document() -> Aibom {
    let derived = "Derived by the rules of profile 2: $/bomFormat, $/metadata/lifecycles, /type, \
                   /modelCard/modelParameters/datasets";
    let observed = format!(
        "Observed by {EXECUTOR}: /hashes, /properties/aibom:model:*, /properties/a~1b~2c~0d~4, \
         $/metadata/timestamp"
    );
    let asserted = format!("Asserted by {ALICE}: everything, /properties/aibom:model:type");
    let reported = format!("Reported by {TRAINER}: /modelCard/quantitativeAnalysis");
    parse(&json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"timestamp": "2026-11-20T09:56:00.000Z", "lifecycles": [{"phase": "build"}]},
        "components": [
            {"bom-ref": "output/model.keras", "type": "machine-learning-model", "name": "m",
             "hashes": [{"alg": "SHA-256", "content": "00"}],
             "properties": [
                {"name": "aibom:model:type", "value": "t"},
                {"name": "aibom:model:class", "value": "c"},
                {"name": "a/b,c~d*", "value": "v"},
                {"name": "aibom:file:name", "value": "f"},
             ],
             "modelCard": {
                "modelParameters": {"task": "x", "datasets": [{"ref": "input/dataset"}]},
                "quantitativeAnalysis": {"performanceMetrics": [{"type": "loss", "value": "1"}]},
             },
             "components": [{"bom-ref": "inner", "type": "file", "name": "i"},
                            {"bom-ref": "silent", "name": "s"}]},
            {"bom-ref": "other", "name": "o"},
        ],
        "annotations": [
            annotation(0, &["output/model.keras"], derived),
            annotation(1, &["output/model.keras"], observed),
            annotation(2, &["output/model.keras"], asserted),
            annotation(3, &["output/model.keras"], reported),
            annotation(4, &["inner"], format!("Scanned by {EXECUTOR}: /name")),
            {"bom-ref": "not-scanned/0", "subjects": ["other"], "text": format!("Scanned by {ALICE}: everything")},
        ],
    }))
}

#[test]
fn the_most_specific_field_decides() {
    let document = document();
    let sources = document.sources();
    let of = |pointer: &str| sources.of(pointer).map(|found| (found.source, found.who));
    let model = "/components/0";
    let below = |rest: &str| of(&format!("{model}{rest}"));
    assert_eq!(of(model), Some((Source::Asserted, ALICE)));
    assert_eq!(below("/name"), Some((Source::Asserted, ALICE)));
    assert_eq!(below("/type"), Some((Source::Derived, RULES)));
    assert_eq!(below("/hashes/0/content"), Some((Source::Observed, EXECUTOR)));
    assert_eq!(below("/properties/0/value"), Some((Source::Asserted, ALICE)), "whole over open");
    assert_eq!(below("/properties/1/value"), Some((Source::Observed, EXECUTOR)));
    assert_eq!(below("/properties/2"), Some((Source::Observed, EXECUTOR)), "escaped");
    assert_eq!(below("/properties/3"), Some((Source::Asserted, ALICE)));
    assert_eq!(below("/modelCard/modelParameters/task"), Some((Source::Asserted, ALICE)));
    assert_eq!(below("/modelCard/modelParameters/datasets/0/ref"), Some((Source::Derived, RULES)));
    let metric = "/modelCard/quantitativeAnalysis/performanceMetrics/0/value";
    assert_eq!(below(metric), Some((Source::Reported, TRAINER)));
}

#[test]
fn the_nearest_subject_comes_first_and_the_document_last() {
    let document = document();
    let sources = document.sources();
    let of = |pointer| sources.of(pointer).map(|found| found.source);
    assert_eq!(of("/components/0/components/0/name"), Some(Source::Scanned));
    assert_eq!(of("/components/0/components/0/type"), Some(Source::Asserted), "by the outer");
    assert_eq!(of("/components/0/components/1"), Some(Source::Asserted));
    assert_eq!(of("/bomFormat"), Some(Source::Derived));
    assert_eq!(of("/metadata/lifecycles/0/phase"), Some(Source::Derived));
    assert_eq!(of("/metadata/timestamp"), Some(Source::Observed));
}

#[test]
fn nobody_is_named_for_the_rest() {
    let document = document();
    let sources = document.sources();
    let silent = [
        "",
        "/version",
        "/components/1/name",
        "/components/0/none",
        "/components/00",
        "/components/+0",
        "/components/9",
        "metadata",
        "/bomFormat/x",
        "/components/0/name/0",
    ];
    for pointer in silent {
        assert_eq!(sources.of(pointer), None, "{pointer}");
    }
    let foreign = parse(&json!({"bomFormat": "CycloneDX", "specVersion": "1.6",
        "annotations": [{"subjects": ["a"], "text": "Looks good: everything"}]}));
    assert!(foreign.sources().is_empty());
    assert_eq!(foreign.sources().of("/bomFormat"), None);
}

#[test]
fn citations_say_the_same() {
    let cited = |pointers: &[&str], note: String| json!({"pointers": pointers, "note": note});
    let document = parse(&json!({
        "bomFormat": "CycloneDX", "specVersion": "1.7",
        "components": [{"name": "m", "version": "1", "hashes": [{"content": "00"}]}],
        "citations": [
            cited(&["/components/0"], format!("Asserted by {ALICE}: everything")),
            cited(&["/components/0/hashes"], format!("Observed by {EXECUTOR}")),
            {"pointers": ["/bomFormat"], "attributedTo": "key/1"},
        ],
    }));
    let sources = document.sources();
    let of = |pointer| sources.of(pointer);
    let asserted = Some(Attribution { source: Source::Asserted, who: ALICE });
    assert_eq!(of("/components/0/name"), asserted);
    let observed = Some(Attribution { source: Source::Observed, who: EXECUTOR });
    assert_eq!(of("/components/0/hashes/0/content"), observed);
    assert_eq!(of("/components/0/none"), None);
    assert_eq!(of("/bomFormat"), None);
}

#[test]
fn only_the_six_words_are_sources() {
    for (text, wanted) in [
        ("Observed by x: everything", Some(Source::Observed)),
        ("observed by x: everything", None),
        ("OBSERVED by x: everything", None),
        ("Seen by x: everything", None),
        ("Öbserved by x", None),
        (" by x", None),
        ("", None),
    ] {
        assert_eq!(Attribution::read(text).map(|(found, _)| found.source), wanted, "{text}");
    }
}

#[test]
fn hostile_lists_are_harmless() {
    let long = format!("Observed by x: /{}*, /é*, *, $*", "a".repeat(10_000));
    let many: Vec<_> = (0..2000).map(|n| annotation(n, &["m", "m"], long.clone())).collect();
    let mut document = json!({"bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [{"bom-ref": "m", "name": "é".repeat(5_000), "é": {"bom-ref": 3}}],
        "citations": [3, {"pointers": 3, "note": "Observed by x"}, {"pointers": [3], "note": 4}]});
    document["annotations"] = many.into();
    let document = parse(&document);
    let sources = document.sources();
    assert_eq!(sources.of("/components/0/é").map(|found| found.who), Some("x"));
    assert_eq!(
        sources.of("/components/0/name").map(|found| found.who),
        Some("x"),
        "by the document"
    );
    for annotations in [json!(3), json!([3, [], null]), json!([{"bom-ref": "source/0", "text": 1}])]
    {
        let document = parse(&json!({"bomFormat": "CycloneDX", "specVersion": "1.6",
            "annotations": annotations}));
        assert_eq!(document.sources().of("/specVersion"), None);
    }
}
