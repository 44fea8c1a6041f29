//! The release, the image, every package, every file, the machine; and what depends on what.

use serde_json::Value;

use super::{
    agents::{agent, organisation, package_url},
    element::{Element, Located, hashes, uri},
    graph::Graph,
    licence,
};

/// Adds all components but models and data, and the dependencies.
pub(super) fn add(graph: &mut Graph<'_>) {
    let document = Located { value: graph.aibom.value(), at: String::new() };
    if let Some(release) = document.below("/metadata/component") {
        package(graph, &release, "application");
        let model = crate::aibom::list(graph.aibom.value(), "/components");
        let models = model.iter().map(|c| crate::aibom::text(c, "/bom-ref"));
        let outputs = models.filter(|reference| reference.starts_with("output/"));
        let outputs = outputs.map(|reference| graph.id(reference)).collect();
        graph.relate(&graph.id(release.text("/bom-ref")), "contains", outputs);
    }
    for component in graph.components() {
        match component.text("/type") {
            "machine-learning-model" | "data" | "cryptographic-asset" => {}
            "file" => file(graph, &component),
            kind => package(graph, &component, purpose(kind)),
        }
        let nested: Vec<String> =
            component.items("/components").map(|c| graph.id(c.text("/bom-ref"))).collect();
        graph.relate(&graph.id(component.text("/bom-ref")), "contains", nested);
    }
    for dependency in document.items("/dependencies") {
        let from = dependency.text("/ref");
        let to = dependency.texts("/dependsOn").into_iter().map(|to| graph.id(to)).collect();
        // What an image depends on is what is in it.
        let kind = if from.starts_with("image/") { "contains" } else { "dependsOn" };
        graph.relate(&graph.id(from), kind, to);
    }
}

fn purpose(kind: &str) -> &'static str {
    match kind {
        "application" => "application",
        "container" => "container",
        "device" => "device",
        "device-driver" => "deviceDriver",
        "firmware" => "firmware",
        "framework" => "framework",
        "library" => "library",
        "operating-system" => "operatingSystem",
        "platform" => "platform",
        _ => "other",
    }
}

fn package(graph: &mut Graph<'_>, of: &Located<'_>, purpose: &str) {
    let mut element = Element::new("software_Package", graph.id(of.text("/bom-ref")));
    element.put("software_primaryPurpose", purpose);
    common(graph, &mut element, of);
    versioned(&mut element, of);
    licence::declare(graph, of, &element.id);
    graph.add(element);
}

fn file(graph: &mut Graph<'_>, of: &Located<'_>) {
    let mut element = Element::new("software_File", graph.id(of.text("/bom-ref")));
    let media = of.text("/mime-type");
    let pair = media
        .split_once('/')
        .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains('/'));
    if pair {
        element.copy("contentType", of, "/mime-type");
    }
    element.put("software_fileKind", "file").put("software_primaryPurpose", "file");
    common(graph, &mut element, of);
    licence::declare(graph, of, &element.id);
    graph.add(element);
}

/// What every artifact has but licences: name, description, hashes, supplier, authors.
pub(super) fn common(graph: &mut Graph<'_>, element: &mut Element, of: &Located<'_>) {
    element.copy("name", of, "/name").copy("description", of, "/description").take(
        "verifiedUsing",
        hashes(of.list("/hashes")),
        format!("{}/hashes", of.at),
    );
    if let Some(supplier) = of.below("/supplier").and_then(|s| organisation(graph, &s)) {
        element.take("suppliedBy", supplier, format!("{}/supplier", of.at));
    }
    let authors = of.items("/authors").filter(|author| !author.text("/name").is_empty());
    let authors: Vec<Value> =
        authors.map(|a| agent(graph, a.text("/name"), format!("{}/name", a.at)).into()).collect();
    element.take("originatedBy", authors, format!("{}/authors", of.at));
}

/// What every package has: version, package URL, and from where it can be had.
pub(super) fn versioned(element: &mut Element, of: &Located<'_>) {
    let at = format!("{}/purl", of.at);
    element
        .copy("software_packageVersion", of, "/version")
        .take("externalIdentifier", package_url(of), at.clone())
        .take("software_packageUrl", uri(of.text("/purl")), at);
    let mut places = of.items("/externalReferences");
    let place = places.find(|reference| {
        matches!(reference.text("/type"), "distribution" | "source-distribution")
    });
    if let Some(place) = place {
        let from = uri(place.text("/url"));
        element.take("software_downloadLocation", from, format!("{}/url", place.at));
    }
}
