//! Files: the dataset and its definition, the outputs beside the model, the log.

use envelope::ResourceDescriptor;
use evidence::VerifiedEvidence;

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{Component, Data, DataContents, Kind};
use crate::cyclonedx::{ExternalReference, Property, ReferenceKind, property};
use crate::{licence, refs, text};

/// Dataset and definition.
pub(crate) fn inputs(evidence: &VerifiedEvidence, claims: &mut Claims) -> [Component; 2] {
    let input = &evidence.request().spec.inputs.definition;
    claims.add(Source::Asserted, refs::DEFINITION, &["name", "properties aibom:file:size"]);
    claims.add(Source::Observed, refs::DEFINITION, &["hashes"]);
    let mut properties = vec![property("file:size", input.size)];
    properties.extend(dependency_properties(evidence, "definition"));
    let definition = Component {
        mime_type: Some("application/yaml".to_owned()),
        hashes: vec![text::sha256(input.sha256)],
        properties,
        ..Component::new(Kind::File, refs::DEFINITION, &input.name)
    };
    [dataset(evidence, claims), definition]
}

/// What the executor's descriptor of an input says beyond its digest.
pub(crate) fn dependency_properties(evidence: &VerifiedEvidence, name: &str) -> Vec<Property> {
    let dependencies = &evidence.training().predicate.build_definition.resolved_dependencies;
    let found = dependencies.iter().find(|d| d.name.as_deref() == Some(name));
    found.map(text::descriptor_properties).unwrap_or_default()
}

fn dataset(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let spec = &evidence.request().spec;
    let (input, info) = (&spec.inputs.dataset, &spec.dataset);
    let observed = &evidence.training().predicate.run_details.observed.dataset;
    let given = [
        ("description", info.description.is_some()),
        ("licenses", info.licence.is_some()),
        ("externalReferences, data.contents.url, purl, aibom:source", info.source.is_some()),
    ];
    let given = given.into_iter().filter_map(|(name, there)| there.then_some(name));
    let fields: Vec<&str> =
        ["name", "properties aibom:file:name, aibom:file:size"].into_iter().chain(given).collect();
    claims.add(Source::Asserted, refs::DATASET, &fields);
    claims.add(Source::Observed, refs::DATASET, &["hashes", "data.contents.properties"]);
    let source = info.source.as_deref();
    let url = source.and_then(text::web_url).map(str::to_owned);
    let link = url.iter().map(|url| ExternalReference {
        kind: ReferenceKind::Distribution,
        url: url.clone(),
        comment: Some("where the submitter says that the data came from".to_owned()),
        hashes: Vec::new(),
    });
    let mut properties =
        vec![property("file:name", &input.name), property("file:size", input.size)];
    properties.extend(source.map(|source| property("source", source)));
    properties.extend(dependency_properties(evidence, "dataset"));
    let mut facts = vec![
        property("dataset:records", observed.records),
        property("dataset:columns", observed.columns),
        property("dataset:label", &observed.label),
    ];
    facts.extend(
        observed
            .statistics
            .iter()
            .map(|(name, value)| property(&format!("dataset:statistic:{name}"), value)),
    );
    Component {
        mime_type: Some("text/csv".to_owned()),
        description: info.description.clone(),
        hashes: vec![text::sha256(input.sha256)],
        licenses: licence::declared(&info.licence),
        purl: source.filter(|text| text.starts_with("pkg:")).map(str::to_owned),
        external_references: link.collect(),
        data: vec![Data {
            kind: "dataset",
            name: info.name.clone(),
            contents: DataContents { url, properties: facts },
        }],
        properties,
        ..Component::new(Kind::Data, refs::DATASET, &info.name)
    }
}

/// Every output but the model, and what else came out: the log.
pub(crate) fn outputs(evidence: &VerifiedEvidence, claims: &mut Claims) -> Vec<Component> {
    let statement = evidence.training();
    let outputs = statement.subject.iter().filter_map(|file| {
        let name = file.name.as_deref().filter(|name| *name != "model.keras")?;
        Some(component(file, refs::output(name)))
    });
    let logs = statement.predicate.run_details.byproducts.iter().zip(by_products(evidence));
    let all: Vec<Component> =
        outputs.chain(logs.map(|(file, reference)| component(file, reference))).collect();
    for file in &all {
        claims.add(Source::Observed, file.reference(), &["name", "hashes"]);
    }
    all
}

/// References of the by-products, in their order; nothing keeps their names apart.
pub(crate) fn by_products(evidence: &VerifiedEvidence) -> Vec<String> {
    let files = &evidence.training().predicate.run_details.byproducts;
    let named = files
        .iter()
        .enumerate()
        .map(|(index, file)| format!("log/{index}/{}", file.name.as_deref().unwrap_or("unnamed")));
    named.collect()
}

fn component(file: &ResourceDescriptor, reference: String) -> Component {
    let name = file.name.as_deref().unwrap_or("unnamed");
    Component {
        mime_type: file.media_type.as_deref().and_then(text::media_type).map(str::to_owned),
        hashes: text::hashes(file),
        properties: text::descriptor_properties(file),
        ..Component::new(Kind::File, reference, name)
    }
}
