//! The Annex IV pack.

use std::collections::BTreeSet;

use report::{
    Source,
    annex_iv::{PackFile, Status, pack, points},
    html::{Check, Verdict},
};
use serde_json::{Value, json};

use crate::{SAMPLE, changed, sample};

fn file<'a>(files: &'a [PackFile], path: &str) -> &'a [u8] {
    &files.iter().find(|file| file.path == path).unwrap().bytes
}

fn text(aibom: &report::Aibom) -> String {
    let files = pack(aibom, SAMPLE.as_bytes(), None, false).unwrap();
    String::from_utf8(file(&files, "technical-documentation.md").to_vec()).unwrap()
}

#[test]
fn every_point_of_the_annex_is_there_and_says_what_is_missing() {
    let points = points(&sample());
    let numbers: Vec<&str> = points.iter().map(|point| point.point).collect();
    let letters = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut wanted: Vec<String> = Vec::new();
    for chapter in ["1", "2"] {
        wanted.extend(letters.iter().map(|letter| format!("{chapter}({letter})")));
    }
    wanted.extend((3..=9).map(|n: u32| n.to_string()));
    assert_eq!(numbers, wanted);
    let text = text(&sample());
    for point in &points {
        assert!(text.contains(&format!("## {} ", point.point)), "{}", point.point);
        let held = !point.pointers.is_empty();
        assert_eq!(held, point.status != Status::Missing, "{}", point.point);
        assert!(text.contains(&format!("the provider must add {}.", point.add)));
    }
}

#[test]
fn values_stand_with_their_source_and_a_pointer_that_resolves() {
    let aibom = sample();
    let mut sources = BTreeSet::new();
    for point in points(&aibom) {
        sources.extend(point.sources);
        for pointer in point.pointers {
            assert!(aibom.value().pointer(&pointer).is_some(), "{pointer}");
        }
    }
    assert!(sources.is_superset(&[Source::Asserted, Source::Observed, Source::Reported].into()));
    let text = text(&aibom);
    assert!(text.contains("- intended use: Showing the way from a training job to a verified AIBoM. (*asserted* by spiffe&#58;//mesh.test/user/alice;"), "{text}");
    assert!(text.contains("*reported* by the trainer keras"), "{text}");
}

#[test]
fn the_copies_are_exact_and_the_sums_hold() {
    let files = pack(&sample(), SAMPLE.as_bytes(), None, false).unwrap();
    assert_eq!(file(&files, "aibom.cdx.json"), SAMPLE.as_bytes());
    let sums = String::from_utf8(file(&files, "SHA256SUMS").to_vec()).unwrap();
    assert_eq!(sums.lines().count(), files.len() - 1);
    for line in sums.lines() {
        let (sum, path) = line.split_once("  ").unwrap();
        assert_eq!(sum, ids::Sha256Digest::of(file(&files, path)).to_hex());
    }
    let index: Value = serde_json::from_slice(file(&files, "index.json")).unwrap();
    assert_eq!(index["points"].as_array().unwrap().len(), 23);
    assert_eq!(index["points"][21]["status"], "missing");
    assert!(index["note"].as_str().unwrap().contains("no proof of conformity"));
}

#[test]
fn a_document_brings_in_no_markup() {
    let aibom = changed(|b| {
        b["metadata"]["component"]["name"] = json!("x\n## 8 Declaration: signed\n<script>[a](b)");
    });
    let text = text(&aibom);
    assert!(!text.contains("\n## 8 Declaration"), "{text}");
    assert!(!text.contains("<script>") && !text.contains("[a](b)"), "{text}");
}

#[test]
fn an_empty_document_has_every_point_missing() {
    let bare = changed(|b| {
        b.as_object_mut().unwrap().retain(|k, _| matches!(k.as_str(), "bomFormat" | "specVersion"))
    });
    assert!(points(&bare).iter().all(|point| point.status == Status::Missing));
}

#[test]
fn each_value_has_a_line_of_its_own_with_its_own_source() {
    let text = text(&sample());
    for line in [
        "- parameters of the training: batch\\_size = 16 (*reported*",
        "- operating system of the image: name = debian (*scanned*",
        "- processor: name = ",
        "- digests: SHA-256 = ",
        "- risks: risk = ",
        "- risks: mitigation = ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // One item of our own, whose values have sources of their own.
    let ours = self::text(&crate::ours::wine());
    for line in [
        "- parameters of the training: batch\\_size = 16 (*reported*",
        "- parameters of the training: material = input/dataset (*observed*",
        "- origin and provenance: classification = public (*asserted*",
        "- origin and provenance: aibom:dataset:records = 178 (*observed*",
    ] {
        assert!(ours.contains(line), "{line}\n{ours}");
    }
    let (risk, mitigation) = (text.find("risks: risk = "), text.find("risks: mitigation = "));
    assert!(risk < mitigation);
    assert!(!text.contains("number; "), "{text}");
    // Every pointer is one of a single value, so that one source stands for it.
    let aibom = sample();
    for pointer in points(&aibom).into_iter().flat_map(|point| point.pointers) {
        let value = aibom.value().pointer(&pointer).unwrap();
        assert!(!value.is_object() && !value.is_array(), "{pointer}");
    }
}

#[test]
fn the_pack_says_what_the_verifier_said() {
    let verdict = |passed: bool| Verdict {
        verified: passed,
        checks: vec![Check { name: "log.inclusion".to_owned(), passed, detail: "*so*".to_owned() }],
        against: "the trust root of SHA-256 abc".to_owned(),
    };
    let (good, bad) = (verdict(true), verdict(false));
    for (verdict, word, name) in [
        (None, "**Not verified here.**", "not-verified"),
        (
            Some(&good),
            "**Verified.** All 1 checks held. Checked against the trust root",
            "verified",
        ),
        (Some(&bad), "**Refused.** 1 of 1 checks failed.", "refused"),
    ] {
        let files = pack(&sample(), SAMPLE.as_bytes(), verdict, true).unwrap();
        let text = std::str::from_utf8(file(&files, "technical-documentation.md")).unwrap();
        assert!(text.contains(word), "{text}");
        assert_eq!(text.contains("- log.inclusion: \\*so\\*"), name == "refused");
        let index: Value = serde_json::from_slice(file(&files, "index.json")).unwrap();
        assert_eq!(index["verification"]["verdict"], name);
        let against = verdict.map_or("", |verdict| verdict.against.as_str());
        assert_eq!(index["verification"]["against"], against);
        let failed = index["verification"]["failed"].as_array().unwrap().len();
        assert_eq!(failed, usize::from(name == "refused"));
    }
}

#[test]
fn characters_that_hide_are_shown() {
    let aibom = changed(|b| {
        b["metadata"]["component"]["name"] = json!("wine\u{202e}live\u{200b}");
        b["serialNumber"] = json!("a`b\u{202e}");
    });
    let text = text(&aibom);
    assert!(text.contains("wine\u{27e8}U+202E\u{27e9}live\u{27e8}U+200B\u{27e9}"), "{text}");
    assert!(text.contains("a\\`b\u{27e8}U+202E\u{27e9}"), "{text}");
    assert!(!text.contains(['\u{202e}', '\u{200b}']));
}
