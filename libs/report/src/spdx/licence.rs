//! Licences: expressions for what SPDX knows, texts with a `LicenseRef` for the rest.

use ids::Sha256Digest;
use serde_json::{Value, json};

use super::{
    element::{Element, Located},
    graph::Graph,
};

/// Declares the licences of a component.
pub(super) fn declare(graph: &mut Graph<'_>, of: &Located<'_>, id: &str) {
    let all: Vec<String> =
        of.items("/licenses").filter_map(|licence| add(graph, &licence)).collect();
    if !all.is_empty() {
        graph.relate(id, "hasDeclaredLicense", all);
    }
}

/// Adds one licence, once for each expression, and gives its id.
pub(super) fn add(graph: &mut Graph<'_>, licence: &Located<'_>) -> Option<String> {
    let known = ["/expression", "/license/id"].into_iter().find(|at| !licence.text(at).is_empty());
    if let Some(at) = known {
        return Some(expression(graph, licence.text(at), None));
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
    Some(expression(graph, &reference, Some(&id)))
}

fn expression(graph: &mut Graph<'_>, text: &str, custom: Option<&str>) -> String {
    let id = graph.own(&format!("licence/{text}"));
    let mut element = Element::new("simplelicensing_LicenseExpression", id.clone());
    element.put("simplelicensing_licenseExpression", text);
    if let Some(uri) = custom {
        let entry: Value = json!({"type": "DictionaryEntry", "key": text, "value": uri});
        element.put("simplelicensing_customIdToUri", vec![entry]);
    }
    graph.add(element);
    id
}
