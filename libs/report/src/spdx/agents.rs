//! Who and with what: organisations, people of record, tools.

use serde_json::{Value, json};

use super::{
    element::{Element, Located, hashes, uri},
    graph::Graph,
};

/// Adds who made the AIBoM, and the tools.
pub(super) fn add(graph: &mut Graph<'_>) {
    let document = Located { value: graph.aibom.value(), at: String::new() };
    if let Some(id) =
        document.below("/metadata/manufacturer").and_then(|of| organisation(graph, &of))
    {
        graph.creators.push(id);
    }
    for tool in document.items("/metadata/tools/components") {
        let id = graph.id(tool.text("/bom-ref"));
        let mut element = Element::new("Tool", id.clone());
        let name = [tool.text("/name"), tool.text("/version")].join(" ");
        element
            .take("name", name.trim_end(), format!("{}/name", tool.at))
            .copy("description", &tool, "/description")
            .take("verifiedUsing", hashes(tool.list("/hashes")), format!("{}/hashes", tool.at))
            .take("externalIdentifier", package_url(&tool), format!("{}/purl", tool.at));
        graph.add(element);
        graph.tools.push(id);
    }
    if graph.creators.is_empty() && !graph.tools.is_empty() {
        let id = graph.own("agent/platform");
        let mut element = Element::new("SoftwareAgent", id.clone());
        element.put("name", "the platform that wrote the AIBoM");
        graph.add(element);
        graph.creators.push(id);
    }
}

/// Adds an organisation, once for each name, and gives its id.
pub(super) fn organisation(graph: &mut Graph<'_>, of: &Located<'_>) -> Option<String> {
    let name = of.text("/name");
    if name.is_empty() {
        return None;
    }
    let id = graph.own(&format!("organization/{name}"));
    let mut element = Element::new("Organization", id.clone());
    let mails: Vec<Value> = of.items("/contact").map(|contact| contact.text("/email")).filter(|mail| !mail.is_empty()).map(|mail| json!({"type": "ExternalIdentifier", "externalIdentifierType": "email", "identifier": mail})).collect();
    let pages: Vec<Value> = of
        .texts("/url")
        .into_iter()
        .map(
            |url| json!({"type": "ExternalRef", "externalRefType": "altWebPage", "locator": [url]}),
        )
        .collect();
    element
        .copy("name", of, "/name")
        .take("externalIdentifier", mails, format!("{}/contact/0/email", of.at))
        .take("externalRef", pages, format!("{}/url", of.at));
    graph.add(element);
    Some(id)
}

/// Adds somebody that is known by an id, such as a SPIFFE id, and gives the element's id.
pub(super) fn agent(graph: &mut Graph<'_>, name: &str, at: String) -> String {
    let id = graph.own(&format!("agent/{name}"));
    let mut element = Element::new("Agent", id.clone());
    element.take("name", name, at);
    graph.add(element);
    id
}

/// The package URL as an external identifier.
pub(super) fn package_url(of: &Located<'_>) -> Vec<Value> {
    let purl = uri(of.text("/purl")).into_iter();
    purl.map(|purl| json!({"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": purl})).collect()
}
