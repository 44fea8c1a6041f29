//! The Annex IV pack.

use std::collections::BTreeSet;

use report::{
    Source,
    annex_iv::{PackFile, Status, pack, points},
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
    assert!(text.contains("- intended use: Showing the way from a training job to a verified AIBoM. (*asserted* by spiffe://mesh.test/user/alice;"), "{text}");
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
