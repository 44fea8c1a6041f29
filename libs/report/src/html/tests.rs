//! The page holds what the document says, escaped, and asks for nothing.

use serde_json::{Value, json};

use super::{Check, Verdict, page};
use crate::Aibom;

const SAMPLE: &str = include_str!("../../tests/fixtures/wine.cdx.json");

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

fn read(value: &Value) -> Aibom {
    Aibom::parse(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn verdict(verified: bool, outcomes: &[bool]) -> Verdict {
    let check = |(index, passed): (usize, &bool)| Check {
        name: format!("check.{index}"),
        passed: *passed,
        detail: "because <b>it</b> is".to_owned(),
    };
    let checks = outcomes.iter().enumerate().map(check).collect();
    Verdict { verified, checks, against: String::new() }
}

/// Attribute names and element names of a page, by a small tokenizer of its own.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut out = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap();
        let (tag, after) = rest.split_at(end);
        rest = after;
        let name: String = tag.chars().take_while(|c| !c.is_whitespace()).collect();
        if name.starts_with('/') || name.starts_with('!') {
            continue;
        }
        if name == "style" {
            rest = &rest[rest.find("</style>").unwrap()..];
        }
        let mut attributes = Vec::new();
        let mut parts = tag[name.len()..].split('"');
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            attributes.push((key.trim().trim_end_matches('=').to_owned(), value.to_owned()));
        }
        out.push((name, attributes));
    }
    out
}

#[test]
fn loads_nothing_and_runs_nothing() {
    let page = page(&read(&sample()), None, true);
    for (name, attributes) in tags(&page) {
        assert!(
            !matches!(
                name.as_str(),
                "script" | "iframe" | "img" | "object" | "embed" | "form" | "base"
            ),
            "{name}"
        );
        for (key, value) in attributes {
            assert!(!key.starts_with("on") && key != "style" && key != "src", "{name} {key}");
            if key == "href" {
                let link = name == "a"
                    && (value.starts_with("https://")
                        || value.starts_with("http://")
                        || value.starts_with('#'));
                assert!(link || (name == "link" && value == "data:,"), "{name} {value}");
            }
        }
    }
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains("http"));
    let policy = "http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;;";
    assert!(page.contains(policy));
}

#[test]
fn elements_are_closed_in_order() {
    let page = page(&read(&sample()), Some(&verdict(false, &[true, false])), true);
    let mut open = Vec::new();
    let mut rest = page.as_str();
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let tag = &rest[..rest.find('>').unwrap()];
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if matches!(name, "!DOCTYPE" | "meta" | "link") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn anchors_and_labels_lead_somewhere() {
    let page = page(&read(&sample()), None, false);
    let tags = tags(&page);
    let all = |wanted: &str| -> Vec<String> {
        let attributes = tags.iter().flat_map(|(_, attributes)| attributes);
        attributes.filter(|(key, _)| key == wanted).map(|(_, value)| value.clone()).collect()
    };
    let mut ids = all("id");
    for target in all("href").iter().filter_map(|href| href.strip_prefix('#')) {
        assert!(ids.iter().any(|id| id == target), "{target}");
    }
    for target in all("aria-labelledby").iter().flat_map(|list| list.split(' ')) {
        assert!(ids.iter().any(|id| id == target), "{target}");
    }
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands twice");
}

/// Puts `text` in place of every text and every number of a document.
fn poison(value: &mut Value, text: &str) {
    match value {
        Value::String(old) => *old = format!("{text}{old}{text}"),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, text)),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                // The document must still be read, and its parts found.
                if !matches!(
                    name.as_str(),
                    "bomFormat" | "specVersion" | "bom-ref" | "ref" | "type" | "severity"
                ) {
                    poison(member, text);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn a_hostile_document_injects_no_markup() {
    let clean = tags(&page(&read(&sample()), None, true)).len();
    for attack in [
        "</style></title><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "]]><!--<svg/onload=alert(1)>-->",
    ] {
        let mut document = sample();
        poison(&mut document, attack);
        let page = page(&read(&document), None, true);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<!--"));
        for (name, attributes) in tags(&page) {
            assert!(
                attributes.iter().all(|(key, _)| !key.starts_with("on")),
                "{name} {attributes:?}"
            );
        }
        assert!(tags(&page).len() <= clean * 2);
    }
}

#[test]
fn only_web_addresses_become_links() {
    let mut document = sample();
    document["vulnerabilities"][0]["source"]["url"] = json!("javascript:alert(1)");
    document["vulnerabilities"][1]["source"]["url"] =
        json!("data:text/html,<script>alert(1)</script>");
    let page = page(&read(&document), None, true);
    let leads = |(name, attributes): &(String, Vec<(String, String)>)| {
        name == "a" && attributes.iter().any(|(_, value)| value.contains("alert"))
    };
    assert!(!tags(&page).iter().any(leads));
}

#[test]
fn characters_that_hide_are_shown() {
    let mut document = sample();
    document["metadata"]["component"]["name"] = json!("wine\u{202e}live\u{200b}\u{0}");
    let page = page(&read(&document), None, true);
    assert!(
        page.contains("wine\u{27e8}U+202E\u{27e9}live\u{27e8}U+200B\u{27e9}\u{27e8}U+0000\u{27e9}")
    );
    assert!(!page.contains(['\u{202e}', '\u{200b}', '\u{0}']));
}

#[test]
fn long_texts_are_cut_with_a_note() {
    let mut document = sample();
    document["metadata"]["component"]["description"] = json!("ä".repeat(10_000));
    let page = page(&read(&document), None, true);
    assert!(page.contains("(cut: 4096 of 20000 bytes shown)"));
    assert!(!page.contains(&"ä".repeat(2049)));
}

#[test]
fn a_document_of_wrong_types_gives_a_page() {
    let names: Vec<String> = sample().as_object().unwrap().keys().cloned().collect();
    let wrong = [
        json!(null),
        json!(7),
        json!("text"),
        json!([[]]),
        json!({"a": {}}),
        json!([null, 1, {"name": []}]),
    ];
    for name in names.iter().filter(|name| !matches!(name.as_str(), "bomFormat" | "specVersion")) {
        for value in &wrong {
            let mut document = sample();
            document[name] = value.clone();
            assert!(page(&read(&document), None, true).ends_with("</html>"));
        }
    }
    let bare = json!({"bomFormat": "CycloneDX", "specVersion": "1.6"});
    assert!(page(&read(&bare), None, false).ends_with("</html>"));
}

#[test]
fn the_banner_says_what_the_verifier_said() {
    let sample = read(&sample());
    let says = |verdict: Option<&Verdict>, word: &str| {
        page(&sample, verdict, true).contains(&format!("<p class=\"word\">{word}</p>"))
    };
    assert!(says(None, "Not verified here"));
    assert!(says(Some(&verdict(true, &[true, true])), "Verified"));
    assert!(says(Some(&verdict(true, &[true, false])), "Refused"));
    assert!(says(Some(&verdict(false, &[true])), "Refused"));
    assert!(says(Some(&verdict(true, &[])), "Refused"));
    let refused = page(&sample, Some(&verdict(false, &[true, false])), true);
    assert!(refused.contains("1 of 2 checks failed") && refused.contains("check.1"));
    assert!(refused.contains("because &lt;b&gt;it&lt;/b&gt; is"));
}

#[test]
fn every_part_of_the_document_is_there() {
    let page = page(&read(&sample()), None, true);
    for text in [
        "wine-cultivar",
        "loss by epoch",
        "train: from 0.983",
        "Records by class of",
        "71 · 39.9 %",
        "malic_acid",
        "sha256-rank.v1",
        "hidden",
        "python3 -m aibom_trainer",
        "left to the trainer",
        "The training container had no network.",
        "libssl3",
        "CVE-2026-1669",
        "CWE-22",
        "Example CPU @ 2.40GHz",
        "Example BIOS Maker",
        "evidence/training.dsse.json",
        "origin-of-inputs",
        "public",
        "UC Irvine",
        "Over-trust in a demonstration. Mitigation: Say what it is for.",
        "EU AI Act",
        "wine-base",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_value_carries_the_mark_of_who_says_it() {
    let page = page(&read(&sample()), None, true);
    let after = |text: &str| page.split_once(text).unwrap().1;
    assert!(after("<dt>SHA-256</dt>").split_once("</dd>").unwrap().0.contains("by observed"));
    assert!(after("<dt>Use cases</dt>").split_once("</dd>").unwrap().0.contains("by asserted"));
    assert!(after("Learning curves").split_once("</h3>").unwrap().0.contains("by reported"));
    assert!(
        after("<caption>Vulnerabilities, the worst first")
            .split_once("</caption>")
            .unwrap()
            .0
            .contains("by scanned")
    );
}

#[test]
fn the_worst_vulnerability_comes_first_and_a_difference_is_stressed() {
    let mut document = sample();
    let parameters =
        document.pointer_mut("/formulation/1/workflows/0/tasks/0/inputs/5/parameters/0/value");
    *parameters.unwrap() = json!("32");
    let page = page(&read(&document), None, true);
    let table = page.split_once("<caption>Vulnerabilities, the worst first").unwrap().1;
    assert!(table.find("CVE-2026-1669").unwrap() < table.find("CVE-2026-0001").unwrap());
    assert!(page.contains("1 value differs"));
    assert!(
        page.contains("<tr class=\"differs\"><th scope=\"row\" class=\"text\">batch_size</th>")
    );
}

#[test]
fn score_and_drawing_follow_the_verdict() {
    let sample = read(&sample());
    let of = |verdict: Option<&Verdict>, signed| page(&sample, verdict, signed);
    let (good, bad) = (verdict(true, &[true]), verdict(true, &[false]));
    let signed = of(None, true);
    let refused = of(Some(&bad), true);
    let count = |page: &str| {
        let all = page.split_once("<p class=\"lead\"><strong>").unwrap().1;
        all.split_once(" of ").unwrap().0.parse::<usize>().unwrap()
    };
    assert_eq!(count(&of(Some(&good), false)), count(&signed));
    assert_eq!(count(&refused), count(&signed) - 1);
    assert!(refused.contains("its signature does not count here"));
    for (page, role) in [
        (of(Some(&good), true), "Verified document"),
        (refused, "Refused document"),
        (signed, "Signed, not verified here"),
        (of(None, false), "Unsigned document"),
    ] {
        assert!(page.contains(&format!("{role}</text>")), "{role}");
    }
    let against = Verdict { against: "the trust root of SHA-256 abc".to_owned(), ..good };
    assert!(of(Some(&against), true).contains("Checked against the trust root of SHA-256 abc."));
}

#[test]
fn what_was_not_reported_is_not_called_the_same() {
    let of = |document: &Value| {
        let page = page(&read(document), None, true);
        let rest = page.split_once("<caption>Parameters: ").unwrap().1;
        rest.split_once("</caption>").unwrap().0.to_owned()
    };
    let parameters = "/formulation/1/workflows/0/tasks/0/inputs/5/parameters";
    let mut document = sample();
    *document.pointer_mut(parameters).unwrap() = json!([]);
    assert_eq!(of(&document), "those in effect were not reported, so nothing is compared");
    let mut document = sample();
    let list = document.pointer_mut(parameters).unwrap().as_array_mut().unwrap();
    list.retain(|parameter| parameter["name"] != "batch_size");
    let silent = |text: String| {
        let text =
            text.strip_suffix(" not reported").unwrap().rsplit_once(", ").unwrap().1.to_owned();
        text.parse::<usize>().unwrap()
    };
    assert_eq!(silent(of(&document)), silent(of(&sample())) + 1);
}

#[test]
fn splits_parameters_and_compositions_say_who_says_them() {
    let page = page(&read(&sample()), None, true);
    let table = |caption: &str| {
        let rest = page.split_once(&format!("<caption>{caption}")).unwrap().1;
        rest.split_once("</table>").unwrap().0
    };
    assert!(table("Splits").contains("Records <span class=\"by observed\""), "{}", table("Splits"));
    let parameters = table("Parameters: ");
    assert!(parameters.contains("Asked for <span class=\"by asserted\""), "{parameters}");
    assert!(parameters.contains("as reported <span class=\"by reported\""), "{parameters}");
    assert!(table("How completely it is known").contains("by derived"));
}

#[test]
fn cells_of_several_sources_carry_their_own_marks() {
    use super::table::{Column, Row, table};
    use crate::Source;
    let from = |source| super::badge::From::from([(source, String::new())]);
    let row = |source| {
        Row::marked(vec!["a".into(), "b".into()], vec![from(Source::Derived), from(source)])
    };
    let mut h = super::Html::default();
    let rows = [row(Source::Observed), row(Source::Asserted)];
    table(&mut h, "T", &[Column::Text("A"), Column::Text("B")], &rows);
    let out = h.finish();
    assert!(out.contains("A <span class=\"by derived\""), "{out}");
    assert!(out.contains("b <span class=\"by observed\""), "{out}");
    assert!(out.contains("b <span class=\"by asserted\""), "{out}");
    assert_eq!(out.matches("by derived").count(), 1, "{out}");
}

#[test]
fn quantities_have_words_and_units() {
    let page = page(&read(&sample()), None, true);
    for text in ["Processor limit", " GiB<", " of the distribution"] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(
        super::units::metric("peak memory (bytes)", "276586496"),
        ("peak memory".to_owned(), "263.77 MiB".to_owned())
    );
    assert_eq!(super::units::metric("loss", "0.1"), ("loss".to_owned(), "0.1".to_owned()));
    assert!(!page.contains("Cpu millis") && !page.contains("Memory bytes"));
    let description = page.split_once("<desc id=\"graph-description\">").unwrap().1;
    let description = description.split_once("</desc>").unwrap().0;
    assert!(!description.contains("()"), "{description}");
}
