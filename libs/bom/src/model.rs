//! The release, the trained model and the submitted model.

mod card;
mod considerations;
mod pedigree;

use envelope::ResourceDescriptor;
use evidence::{Model, Observed, Tensor, Trained, VerifiedEvidence};
use job::{JobSpec, ModelInfo, Task};

use crate::claims::{Claims, Source, given};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::{Contact, Entity, Property, property};
use crate::{files, licence, refs, text};

const KERAS_MEDIA_TYPE: &str = "application/zip";

/// What the submitter says of the model, on whichever component stands for it.
fn described(kind: Kind, bom_ref: &str, spec: &JobSpec) -> Component {
    let info = &spec.model;
    Component {
        version: Some(info.version.clone()),
        description: info.description.clone(),
        supplier: info
            .author
            .as_ref()
            .map(|author| Entity { name: Some(author.clone()), ..Entity::default() }),
        authors: info.author.iter().map(|author| Contact::named(author.clone())).collect(),
        licenses: licence::declared(&info.licence),
        ..Component::new(kind, bom_ref, &info.name)
    }
}

/// Which members of [`described`] the submitter filled.
fn described_fields(info: &ModelInfo) -> Vec<&'static str> {
    given([
        ("/name", true),
        ("/version", true),
        ("/description", info.description.is_some()),
        ("/supplier", info.author.is_some()),
        ("/authors", info.author.is_some()),
        ("/licenses", info.licence.is_some()),
    ])
}

/// The file that was trained, as the executor hashed it.
fn model_file(evidence: &VerifiedEvidence) -> Option<&ResourceDescriptor> {
    evidence.training().subject.iter().find(|file| file.name.as_deref() == Some("model.keras"))
}

/// The subject of the document: the system as it is released, of which the trained model is the
/// content.
pub(crate) fn release(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let spec = &evidence.request().spec;
    claims.add(Source::Asserted, refs::RELEASE, &described_fields(&spec.model));
    claims.add(Source::Asserted, refs::RELEASE, &["/properties/aibom:request:user"]);
    claims.add(Source::Observed, refs::RELEASE, &["/hashes"]);
    claims.add(Source::Derived, refs::RELEASE, &["/bom-ref", "/type"]);
    let mut release = described(Kind::Application, refs::RELEASE, spec);
    release.hashes = model_file(evidence).map(text::hashes).unwrap_or_default();
    release.properties.push(property("request:user", &evidence.request().user));
    release
}

/// The trained model file.
pub(crate) fn trained(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let spec = &evidence.request().spec;
    let observed = &evidence.training().predicate.run_details.observed;
    let file = model_file(evidence);
    let hashes = file.map(text::hashes).unwrap_or_default();
    let version = text::percent(&spec.model.version);
    let checksum = hashes.first().map_or("", |hash| hash.content.as_str());
    let purl = format!(
        "pkg:generic/{}@{version}?checksum=sha256:{checksum}",
        text::percent(&spec.model.name)
    );
    claims.add(Source::Asserted, refs::MODEL, &described_fields(&spec.model));
    let kind = given([("/properties/aibom:model:type", spec.model.kind.is_some())]);
    claims.add(Source::Asserted, refs::MODEL, &kind);
    claims.add(Source::Observed, refs::MODEL, &["/hashes", "/properties"]);
    // Nobody knows of what type a file is that could not be read.
    let read = matches!(&observed.trained, Trained::Read(_));
    let derived =
        given([("/bom-ref", true), ("/type", true), ("/mime-type", read), ("/purl", true)]);
    claims.add(Source::Derived, refs::MODEL, &derived);
    let mut properties = vec![property("file:name", "model.keras")];
    properties.extend(spec.model.kind.iter().map(|kind| property("model:type", kind)));
    properties.extend(read_from(observed));
    properties.extend(file.map(text::descriptor_properties).unwrap_or_default());
    Component {
        mime_type: read.then(|| KERAS_MEDIA_TYPE.to_owned()),
        purl: Some(purl),
        hashes,
        pedigree: Some(Box::new(pedigree::pedigree(evidence, claims))),
        model_card: Some(Box::new(card::card(evidence, claims))),
        properties,
        ..described(Kind::MachineLearningModel, refs::MODEL, spec)
    }
}

/// The file that the executor read the architecture from: the trained one, or the submitted one where
/// the trained one could not be read.
const fn readable(observed: &Observed) -> &Model {
    match &observed.trained {
        Trained::Read(model) => model,
        Trained::Unreadable(_) => &observed.model,
    }
}

/// What the trained file says of itself, or that the submitted one stands in for it, and why.
fn read_from(observed: &Observed) -> Vec<Property> {
    let from = |reference| property("model:read-from", reference);
    match &observed.trained {
        Trained::Read(model) => {
            let mut out = vec![from(refs::MODEL)];
            out.extend(facts(model));
            out
        }
        Trained::Unreadable(why) => {
            vec![from(refs::SUBMITTED_MODEL), property("model:unreadable", why)]
        }
    }
}

/// What a model file says of itself.
fn facts(model: &Model) -> Vec<Property> {
    let mut out = vec![
        property("model:format", &model.format),
        property("model:frameworkVersion", &model.framework_version),
        property("model:class", &model.class_name),
    ];
    out.extend(model.parameter_count.map(|count| property("model:parameters", count)));
    out.extend(model.optimizer.iter().map(|name| property("model:optimizer", name)));
    out.extend(model.losses.iter().map(|name| property("model:loss", name)));
    out.extend(model.layers.iter().enumerate().map(|(index, layer)| {
        property(
            &format!("model:layer:{index}"),
            format_args!("{} ({})", layer.name, layer.class_name),
        )
    }));
    out
}

/// The task's name.
pub(crate) const fn task(task: Task) -> &'static str {
    match task {
        Task::Classification => "classification",
        Task::Regression => "regression",
    }
}

/// Such as `input: float32 [?, 13]`.
fn describe(tensor: &Tensor) -> String {
    let sizes: Vec<String> =
        tensor.shape.iter().map(|d| d.map_or_else(|| "?".to_owned(), |d| d.to_string())).collect();
    format!("{}: {} [{}]", tensor.name, tensor.dtype, sizes.join(", "))
}

/// The submitted model file, read without running it.
pub(crate) fn submitted(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let input = &evidence.request().spec.inputs.model;
    let model = &evidence.training().predicate.run_details.observed.model;
    let subject = refs::SUBMITTED_MODEL;
    claims.add(Source::Asserted, subject, &["/name", "/properties/aibom:file:size"]);
    claims.add(Source::Observed, subject, &["/hashes", "/properties"]);
    claims.add(Source::Derived, subject, &["/bom-ref", "/type", "/mime-type"]);
    let mut properties = vec![property("file:size", input.size)];
    properties.extend(facts(model));
    properties.extend(model.inputs.iter().map(|t| property("model:input", describe(t))));
    properties.extend(model.outputs.iter().map(|t| property("model:output", describe(t))));
    properties.extend(files::dependency_properties(evidence, "model"));
    Component {
        mime_type: Some(KERAS_MEDIA_TYPE.to_owned()),
        hashes: files::dependency_hashes(evidence, "model"),
        properties,
        ..Component::new(Kind::MachineLearningModel, subject, &input.name)
    }
}
