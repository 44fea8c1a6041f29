//! Licences: expressions for what SPDX knows, texts with a `LicenseRef` for the rest.

use ids::Sha256Digest;
use serde_json::{Value, json};

use super::{
    element::{Element, Located},
    graph::Graph,
};

/// SPDX's own "nobody says": the one value that a required licence can have without being made up.
const NO_ASSERTION: &str = "expandedlicensing_NoAssertionLicense";

/// A licence as a part of an expression.
struct Term {
    text: String,
    /// What a `LicenseRef` stands for: the id of the element with its text.
    custom: Option<String>,
}

/// Relates a component to the licences that are declared and concluded for it, one expression each.
pub(super) fn declare(graph: &mut Graph<'_>, of: &Located<'_>, id: &str) {
    for (kind, concluded) in [("hasDeclaredLicense", false), ("hasConcludedLicense", true)] {
        if let Some(licence) = expression(graph, of, concluded) {
            graph.relate(id, kind, vec![licence]);
        }
    }
}

/// As [`declare`], and says it where nobody says anything: SPDX wants exactly one declared and one
/// concluded licence of every model and dataset.
pub(super) fn declare_both(graph: &mut Graph<'_>, of: &Located<'_>, id: &str) {
    for (kind, concluded) in [("hasDeclaredLicense", false), ("hasConcludedLicense", true)] {
        let licence = expression(graph, of, concluded);
        graph.relate(id, kind, vec![licence.unwrap_or_else(|| NO_ASSERTION.to_owned())]);
    }
}

/// Whether that is an individual of SPDX's own vocabulary, which no document has among its elements.
pub(super) fn is_individual(id: &str) -> bool {
    id == NO_ASSERTION
}

/// Adds one licence, once for each expression, and gives its id.
pub(super) fn add(graph: &mut Graph<'_>, licence: &Located<'_>) -> Option<String> {
    let term = term(graph, licence)?;
    Some(join(graph, vec![term]))
}

/// The licences of a component as one expression. `CycloneDX` does not say how the items of a list
/// combine; that all apply is the reading that promises nothing.
fn expression(graph: &mut Graph<'_>, of: &Located<'_>, concluded: bool) -> Option<String> {
    let mut terms: Vec<Term> = Vec::new();
    for licence in of.items("/licenses") {
        let ways = ["/acknowledgement", "/license/acknowledgement"];
        if ways.iter().any(|at| licence.text(at) == "concluded") != concluded {
            continue;
        }
        let more = term(graph, &licence);
        terms.extend(more.filter(|more| terms.iter().all(|known| known.text != more.text)));
    }
    (!terms.is_empty()).then(|| join(graph, terms))
}

fn term(graph: &mut Graph<'_>, licence: &Located<'_>) -> Option<Term> {
    let known = ["/expression", "/license/id"].into_iter().find(|at| !licence.text(at).is_empty());
    if let Some(at) = known {
        return Some(Term { text: licence.text(at).to_owned(), custom: None });
    }
    let name = licence.text("/license/name");
    if name.is_empty() {
        return None;
    }
    let digest = Sha256Digest::of(name.as_bytes()).to_hex();
    let reference = format!("LicenseRef-{}", digest.get(..16)?);
    let id = graph.own(&format!("licence-text/{reference}"));
    let mut element = Element::new("simplelicensing_SimpleLicensingText", id.clone());
    element.put("name", name).put("simplelicensing_licenseText", name).put(
        "comment",
        "Only the name is known: no id of the SPDX licence list, and not the text.",
    );
    graph.add(element);
    Some(Term { text: reference, custom: Some(id) })
}

fn join(graph: &mut Graph<'_>, terms: Vec<Term>) -> String {
    let alone = terms.len() == 1;
    let texts = terms.iter().map(|term| match term.text.contains(' ') && !alone {
        true => format!("({})", term.text),
        false => term.text.clone(),
    });
    let text = texts.collect::<Vec<_>>().join(" AND ");
    let id = graph.own(&format!("licence/{text}"));
    let mut element = Element::new("simplelicensing_LicenseExpression", id.clone());
    let custom = terms.into_iter().filter_map(|term| Some((term.text, term.custom?)));
    let custom: Vec<Value> = custom
        .map(|(text, uri)| json!({"type": "DictionaryEntry", "key": text, "value": uri}))
        .collect();
    element
        .put("simplelicensing_licenseExpression", text)
        .put("simplelicensing_customIdToUri", custom);
    graph.add(element);
    id
}
