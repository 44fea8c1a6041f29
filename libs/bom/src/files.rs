//! Files: the dataset and its definition, the outputs beside the model, the log.

mod dataset;

use envelope::ResourceDescriptor;
use evidence::VerifiedEvidence;

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::{Hash, Property, property};
use crate::{refs, text};

pub(crate) use dataset::trained_on;

/// The dataset, the records of each split, and the definition.
pub(crate) fn inputs(evidence: &VerifiedEvidence, claims: &mut Claims) -> Vec<Component> {
    let mut out = vec![dataset::component(evidence, claims)];
    out.extend(dataset::split_components(evidence, claims));
    out.push(definition(evidence, claims));
    out
}

fn definition(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let input = &evidence.request().spec.inputs.definition;
    let subject = refs::DEFINITION;
    claims.add(Source::Asserted, subject, &["/name", "/properties/aibom:file:size"]);
    claims.add(Source::Observed, subject, &["/hashes"]);
    claims.add(Source::Derived, subject, &["/bom-ref", "/type", "/mime-type"]);
    let more = dependency_properties(evidence, "definition");
    if !more.is_empty() {
        claims.add(Source::Observed, subject, &["/properties"]);
    }
    let mut properties = vec![property("file:size", input.size)];
    properties.extend(more);
    Component {
        mime_type: Some("application/yaml".to_owned()),
        hashes: dependency_hashes(evidence, "definition"),
        properties,
        ..Component::new(Kind::File, subject, &input.name)
    }
}

/// An input or the image, as the executor hashed it.
fn dependency<'a>(evidence: &'a VerifiedEvidence, name: &str) -> Option<&'a ResourceDescriptor> {
    let dependencies = &evidence.training().predicate.build_definition.resolved_dependencies;
    dependencies.iter().find(|file| file.name.as_deref() == Some(name))
}

/// What the executor's descriptor of an input says beyond its digests.
pub(crate) fn dependency_properties(evidence: &VerifiedEvidence, name: &str) -> Vec<Property> {
    dependency(evidence, name).map(text::descriptor_properties).unwrap_or_default()
}

/// The digests of an input, as the executor hashed it before any byte was parsed.
pub(crate) fn dependency_hashes(evidence: &VerifiedEvidence, name: &str) -> Vec<Hash> {
    dependency(evidence, name).map(text::hashes).unwrap_or_default()
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
        claims.add(Source::Observed, file.reference(), &["everything"]);
        claims.add(Source::Derived, file.reference(), &["/bom-ref", "/type"]);
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
