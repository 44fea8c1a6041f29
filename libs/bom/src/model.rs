//! The release, the trained model with its card, and the submitted model.

use envelope::ResourceDescriptor;
use evidence::{Tensor, VerifiedEvidence};
use job::{JobSpec, ModelInfo, Task};

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{Component, Kind, Pedigree};
use crate::cyclonedx::model_card::{
    Approach, Considerations, DatasetReference, Form, ModelCard, ModelParameters,
    PerformanceMetric, QuantitativeAnalysis, Risk,
};
use crate::cyclonedx::{Contact, Entity, ExternalReference, Property, ReferenceKind, property};
use crate::{licence, refs, text};

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
    let given = [
        ("description", info.description.is_some()),
        ("supplier, authors", info.author.is_some()),
        ("licenses", info.licence.is_some()),
    ];
    let given = given.into_iter().filter_map(|(name, there)| there.then_some(name));
    ["name", "version"].into_iter().chain(given).collect()
}

/// Which further members of the trained model the submitter filled.
fn model_fields(info: &ModelInfo) -> Vec<&'static str> {
    let considered = [&info.intended_use, &info.out_of_scope, &info.misuse];
    let given = [
        ("modelCard.considerations", considered.into_iter().any(Option::is_some)),
        ("pedigree base model", info.base_model.is_some()),
        ("properties aibom:model:type", info.kind.is_some()),
    ];
    let given = given.into_iter().filter_map(|(name, there)| there.then_some(name));
    std::iter::once("modelCard.modelParameters.task").chain(given).collect()
}

/// The file that was trained, as the executor hashed it.
fn model_file(evidence: &VerifiedEvidence) -> Option<&ResourceDescriptor> {
    evidence.training().subject.iter().find(|file| file.name.as_deref() == Some("model.keras"))
}

/// The subject of the document: the model as it was released under its name and version.
pub(crate) fn release(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let spec = &evidence.request().spec;
    claims.add(Source::Asserted, refs::RELEASE, &described_fields(&spec.model));
    claims.add(Source::Observed, refs::RELEASE, &["hashes"]);
    let mut release = described(Kind::MachineLearningModel, refs::RELEASE, spec);
    release.hashes = model_file(evidence).map(text::hashes).unwrap_or_default();
    release.properties.push(property("request:user", &evidence.request().user));
    release
}

/// The trained model file.
pub(crate) fn trained(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let spec = &evidence.request().spec;
    let file = model_file(evidence);
    let hashes = file.map(text::hashes).unwrap_or_default();
    let version = text::percent(&spec.model.version);
    let checksum = hashes.first().map_or("", |hash| hash.content.as_str());
    let purl = format!(
        "pkg:generic/{}@{version}?checksum=sha256:{checksum}",
        text::percent(&spec.model.name)
    );
    claims.add(Source::Asserted, refs::MODEL, &described_fields(&spec.model));
    claims.add(Source::Asserted, refs::MODEL, &model_fields(&spec.model));
    claims.add(Source::Observed, refs::MODEL, &["hashes", "modelCard.modelParameters.datasets"]);
    claims.add(
        Source::Observed,
        refs::MODEL,
        &["modelCard.modelParameters architecture, inputs and outputs (of the submitted model file)"],
    );
    claims.add(
        Source::Reported,
        refs::MODEL,
        &["modelCard.quantitativeAnalysis", "modelCard.properties"],
    );
    let mut properties = vec![property("file:name", "model.keras")];
    properties.extend(spec.model.kind.iter().map(|kind| property("model:type", kind)));
    properties.extend(file.map(text::descriptor_properties).unwrap_or_default());
    Component {
        mime_type: Some(KERAS_MEDIA_TYPE.to_owned()),
        purl: Some(purl),
        hashes,
        pedigree: Some(pedigree(spec)),
        model_card: Some(model_card(evidence)),
        properties,
        ..described(Kind::MachineLearningModel, refs::MODEL, spec)
    }
}

fn pedigree(spec: &JobSpec) -> Pedigree {
    let submitted = Component {
        kind: Kind::MachineLearningModel,
        name: spec.inputs.model.name.clone(),
        hashes: vec![text::sha256(spec.inputs.model.sha256)],
        ..Component::default()
    };
    let base = spec.model.base_model.iter().map(|base| {
        let source = base.source.as_deref();
        let link = source.and_then(text::web_url).map(|url| ExternalReference {
            kind: ReferenceKind::Distribution,
            url: url.to_owned(),
            comment: None,
            hashes: Vec::new(),
        });
        Component {
            kind: Kind::MachineLearningModel,
            name: base.name.clone(),
            purl: source.filter(|text| text.starts_with("pkg:")).map(str::to_owned),
            external_references: link.into_iter().collect(),
            properties: source.iter().map(|text| property("source", text)).collect(),
            ..Component::default()
        }
    });
    Pedigree {
        ancestors: std::iter::once(submitted).chain(base).collect(),
        notes: Some(
            "The first ancestor is the submitted model file, by the digest that was trained. A further \
             one is what the submitter says that it was derived from."
                .to_owned(),
        ),
    }
}

fn model_card(evidence: &VerifiedEvidence) -> ModelCard {
    let spec = &evidence.request().spec;
    let details = &evidence.training().predicate.run_details;
    let observed = &details.observed.model;
    let reported = &details.reported;
    let classes: Vec<String> = observed.layers.iter().map(|l| l.class_name.clone()).collect();
    let mut properties: Vec<Property> = reported
        .frameworks
        .iter()
        .map(|(name, version)| property(&format!("reported:framework:{name}"), version))
        .collect();
    properties.push(property("reported:epochs", reported.epochs));
    properties.extend(
        reported
            .data
            .iter()
            .map(|(name, value)| property(&format!("reported:data:{name}"), text::json(value).0)),
    );
    ModelCard {
        bom_ref: "card/model.keras".to_owned(),
        model_parameters: ModelParameters {
            approach: Approach { kind: "supervised" },
            task: task(spec.task).to_owned(),
            architecture_family: observed.class_name.clone(),
            model_architecture: format!("{}: {}", observed.class_name, classes.join(", ")),
            datasets: vec![DatasetReference { reference: refs::DATASET.to_owned() }],
            inputs: observed.inputs.iter().map(form).collect(),
            outputs: observed.outputs.iter().map(form).collect(),
        },
        quantitative_analysis: QuantitativeAnalysis { performance_metrics: metrics(evidence) },
        considerations: Considerations {
            use_cases: spec.model.intended_use.iter().cloned().collect(),
            technical_limitations: spec.model.out_of_scope.iter().cloned().collect(),
            ethical_considerations: spec
                .model
                .misuse
                .iter()
                .map(|text| Risk { name: format!("Misuse: {text}") })
                .collect(),
        },
        properties,
    }
}

/// The task's name.
pub(crate) const fn task(task: Task) -> &'static str {
    match task {
        Task::Classification => "classification",
        Task::Regression => "regression",
    }
}

fn form(tensor: &Tensor) -> Form {
    Form { format: describe(tensor) }
}

/// Such as `input: float32 [?, 13]`.
fn describe(tensor: &Tensor) -> String {
    let sizes: Vec<String> =
        tensor.shape.iter().map(|d| d.map_or_else(|| "?".to_owned(), |d| d.to_string())).collect();
    format!("{}: {} [{}]", tensor.name, tensor.dtype, sizes.join(", "))
}

fn metrics(evidence: &VerifiedEvidence) -> Vec<PerformanceMetric> {
    let reported = &evidence.training().predicate.run_details.reported;
    let of = |values: &std::collections::BTreeMap<String, f64>, when: &str| {
        values
            .iter()
            .map(|(name, value)| PerformanceMetric {
                kind: name.clone(),
                value: text::number(*value),
                slice: format!("{when}; reported by the trainer"),
            })
            .collect::<Vec<_>>()
    };
    let mut out = of(&reported.final_metrics, "final: last epoch");
    out.extend(of(&reported.best_metrics, "best: over all epochs"));
    out
}

/// The submitted model file, read without running it.
pub(crate) fn submitted(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let input = &evidence.request().spec.inputs.model;
    let observed = &evidence.training().predicate.run_details.observed.model;
    claims.add(Source::Asserted, refs::SUBMITTED_MODEL, &["name", "properties aibom:file:size"]);
    claims.add(Source::Observed, refs::SUBMITTED_MODEL, &["hashes", "other properties"]);
    let mut properties = vec![
        property("file:size", input.size),
        property("model:format", &observed.format),
        property("model:frameworkVersion", &observed.framework_version),
        property("model:class", &observed.class_name),
    ];
    properties.extend(observed.parameter_count.map(|count| property("model:parameters", count)));
    let layers = observed.layers.iter().enumerate().map(|(index, layer)| {
        property(
            &format!("model:layer:{index}"),
            format_args!("{} ({})", layer.name, layer.class_name),
        )
    });
    properties.extend(layers);
    let tensors = |kind: &str, tensors: &[Tensor]| {
        let name = format!("model:{kind}");
        tensors.iter().map(|tensor| property(&name, describe(tensor))).collect::<Vec<_>>()
    };
    properties.extend(tensors("input", &observed.inputs));
    properties.extend(tensors("output", &observed.outputs));
    properties.extend(crate::files::dependency_properties(evidence, "model"));
    Component {
        mime_type: Some(KERAS_MEDIA_TYPE.to_owned()),
        hashes: vec![text::sha256(input.sha256)],
        properties,
        ..Component::new(Kind::MachineLearningModel, refs::SUBMITTED_MODEL, &input.name)
    }
}
