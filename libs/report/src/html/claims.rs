//! Claims, each with the evidence that it rests on and how far it holds.

use std::collections::BTreeMap;

use super::badge::{self, badges};
use super::view::{Place, View};
use super::write::Html;

/// The most items of evidence of one claim, and documents of one item, that are shown: many claims can
/// name one item.
const MAX_SHOWN: usize = 16;

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let Some(declarations) = view.root().at("/declarations") else {
        h.leaf("p", "none", "The document makes no claims.");
        return;
    };
    let evidence = declarations.items("/evidence");
    let evidence: BTreeMap<&str, &Place<'_>> =
        evidence.iter().map(|item| (item.text("/bom-ref"), item)).collect();
    let scores = scores(&declarations);
    h.el("ul", &[("class", "claims")], |h| {
        for claim in declarations.items("/claims") {
            let score = scores.get(claim.text("/bom-ref")).copied();
            h.el("li", &[], |h| one(h, view, &claim, score, &evidence));
        }
    });
}

/// The conformance that the attestations give for each claim and counter claim.
fn scores<'v>(declarations: &Place<'v>) -> BTreeMap<&'v str, f64> {
    let attestations = declarations.items("/attestations");
    let mut out = BTreeMap::new();
    for entry in attestations.iter().flat_map(|attestation| attestation.items("/map")) {
        let Some(score) = entry.value().pointer("/conformance/score").and_then(|s| s.as_f64())
        else {
            continue;
        };
        for list in ["/claims", "/counterClaims"] {
            out.extend(
                entry
                    .items(list)
                    .iter()
                    .map(|claim| (claim.value().as_str().unwrap_or_default(), score)),
            );
        }
    }
    out
}

fn one(
    h: &mut Html,
    view: &View<'_>,
    claim: &Place<'_>,
    score: Option<f64>,
    evidence: &BTreeMap<&str, &Place<'_>>,
) {
    h.el("p", &[("class", "claim")], |h| {
        let (class, word) = match score {
            Some(score) if score >= 1.0 => ("mark good", "holds"),
            Some(_) => ("mark bad", "does not hold"),
            None => ("mark", "no conformance stated"),
        };
        h.leaf("span", class, word);
        h.raw(" ");
        h.leaf("strong", "", claim.text("/predicate"));
        badges(h, &badge::from(&claim.at("/predicate")));
    });
    h.el("p", &[("class", "note")], |h| {
        h.text("About ");
        h.leaf("code", "", &view.name(claim.text("/target")));
        h.text(": ");
        h.text(claim.text("/reasoning"));
    });
    for (label, list) in [("Evidence", "/evidence"), ("Against it", "/counterEvidence")] {
        for reference in claim.items(list).into_iter().take(MAX_SHOWN) {
            let reference = reference.value().as_str().unwrap_or_default();
            h.el("p", &[("class", "note")], |h| {
                h.text(label);
                h.text(": ");
                match evidence.get(reference) {
                    Some(item) => rests(h, item),
                    None => h.leaf("code", "", reference),
                }
            });
        }
    }
}

/// What an item of evidence points at, with its digest.
fn rests(h: &mut Html, item: &Place<'_>) {
    h.text(item.text("/description"));
    for data in item.items("/data").into_iter().take(MAX_SHOWN) {
        h.raw(" ");
        h.leaf("code", "", data.text("/contents/url"));
        let attached = data.text("/contents/attachment/content");
        if !attached.is_empty() {
            h.raw(" ");
            h.leaf("code", "", attached);
        }
    }
}
