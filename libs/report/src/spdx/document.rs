//! The document around the elements: creation info, the SBOM, profiles, the AIBoM that it was made from.

use ids::canonical;
use serde_json::{Value, json};

use super::{
    CONTEXT, SpdxError,
    element::{Element, Located, uri},
    graph::{CREATION, Graph},
    licence, profiles,
};

/// Adds the document and the SBOM, and writes all.
pub(super) fn write(mut graph: Graph<'_>, created: &str) -> Result<Vec<u8>, SpdxError> {
    if graph.creators.is_empty() {
        return Err(SpdxError::NoCreator);
    }
    let source = Located { value: graph.aibom.value(), at: String::new() };
    let release = graph.id(source.text("/metadata/component/bom-ref"));
    let mut document = Element::new("SpdxDocument", graph.own("document"));
    let data: Vec<String> =
        source.items("/metadata/licenses").filter_map(|l| licence::add(&mut graph, &l)).collect();
    document
        .take("dataLicense", data.into_iter().next(), "/metadata/licenses")
        .put("name", format!("AIBoM of {}", source.text("/metadata/component/name")))
        .put("comment", format!(
            "Made from the CycloneDX document {}, which is what was signed. The annotations say who \
             says what; everything asserted or reported is unchecked.",
            graph.base()
        ))
        .take("externalRef", references(&source), "/externalReferences");
    let mut sbom = Element::new("software_Sbom", graph.own("sbom"));
    sbom.put("software_sbomType", json!(["build"]));
    let creation = json!({
        "@id": CREATION, "type": "CreationInfo", "specVersion": "3.0.1", "created": created,
        "createdBy": graph.creators, "createdUsing": graph.tools,
    });
    // The two collections name every element but themselves; their annotations come after.
    let (document_id, sbom_id) = (document.id.clone(), sbom.id.clone());
    let rooted = graph.has(&release);
    graph.add(document);
    graph.add(sbom);
    let (mut elements, mut ids) = graph.finish();
    ids.retain(|id| *id != document_id && *id != sbom_id);
    let profiles = profiles::met(&elements);
    for element in elements.iter_mut().filter_map(Value::as_object_mut) {
        let root = match element.get("type").and_then(Value::as_str) {
            Some("SpdxDocument") => &sbom_id,
            Some("software_Sbom") if rooted => &release,
            _ => continue,
        };
        let mut inner = ids.clone();
        if *root == sbom_id {
            inner.push(sbom_id.clone());
        }
        element.insert("profileConformance".to_owned(), json!(profiles));
        element.insert("rootElement".to_owned(), json!([root]));
        element.insert("element".to_owned(), json!(inner));
    }
    elements.push(creation);
    let mut all = json!({"@context": CONTEXT, "@graph": elements});
    if let Some(creation) = all.pointer_mut("/@graph") {
        prune(creation);
    }
    Ok(canonical::to_vec(&all)?)
}

/// Takes out empty lists: `createdUsing` without tools.
fn prune(graph: &mut Value) {
    for element in graph.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        element.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
    }
}

/// The documents that the AIBoM names, with their digests in the comment: SPDX has no place for them.
fn references(source: &Located<'_>) -> Vec<Value> {
    let all = source.items("/externalReferences").filter_map(|reference| {
        let kind = match reference.text("/type") {
            "build-meta" => "buildMeta",
            "vulnerability-assertion" => "vulnerabilityDisclosureReport",
            "security-contact" | "rfc-9116" => "securityPolicy",
            "documentation" => "documentation",
            "risk-assessment" => "riskAssessment",
            "threat-model" => "securityThreatModel",
            "website" => "altWebPage",
            "license" => "license",
            "vcs" => "vcs",
            _ => "other",
        };
        let url = reference.text("/url");
        let url = uri(url).or_else(|| (!url.is_empty()).then_some(url))?;
        let mut comment = vec![reference.text("/type").to_owned()];
        let hashes = reference.items("/hashes");
        comment.extend(hashes.map(|hash| format!("{} {}", hash.text("/alg"), hash.text("/content"))));
        let comment = comment.join("; ");
        Some(json!({"type": "ExternalRef", "externalRefType": kind, "locator": [url], "comment": comment}))
    });
    all.collect()
}
