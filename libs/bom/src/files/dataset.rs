//! The dataset as the submitter describes it and the executor read it, and its splits.

use std::collections::BTreeSet;

use evidence::{Dataset, Split, VerifiedEvidence};
use job::DatasetInfo;

use crate::claims::{self, Claims, Source, given};
use crate::cyclonedx::component::{Component, Data, DataContents, Governance, Kind, Responsible};
use crate::cyclonedx::{Entity, ExternalReference, Property, ReferenceKind, property};
use crate::{licence, refs, text};

/// The rule by which the executor splits.
const SPLIT_ALGORITHM: &str = "sha256-rank.v1";
/// How the tree over the records is made.
const MERKLE_TREE: &str = "RFC 6962, SHA-256, leaf = record without line end";

pub(super) fn component(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let spec = &evidence.request().spec;
    let (input, info) = (&spec.inputs.dataset, &spec.dataset);
    let source = info.source.as_deref();
    let url = source.filter(|text| job::is_web_address(text)).map(str::to_owned);
    let purl = source.filter(|text| text::is_data_purl(text)).map(str::to_owned);
    claims.add(Source::Asserted, refs::DATASET, &asserted(info, purl.is_some(), url.is_some()));
    let more = super::dependency_properties(evidence, "dataset");
    let observed = given([("/hashes", true), ("/properties", !more.is_empty())]);
    claims.add(Source::Observed, refs::DATASET, &observed);
    let data = format!("/data/{}", claims::name(&info.name));
    let read = format!("{data}/contents/properties");
    let tree = format!("{read}/aibom:dataset:merkle-tree");
    claims.add(Source::Observed, refs::DATASET, &[read]);
    claims.add(Source::Derived, refs::DATASET, &["/bom-ref", "/type", "/mime-type"]);
    claims.add(Source::Derived, refs::DATASET, &[format!("{data}/type"), tree]);
    let link = url.iter().map(|url| ExternalReference {
        kind: ReferenceKind::Distribution,
        url: url.clone(),
        comment: Some("where the submitter says that the data came from".to_owned()),
        hashes: Vec::new(),
    });
    let mut properties =
        vec![property("file:name", &input.name), property("file:size", input.size)];
    properties.extend(source.map(|source| property("source", source)));
    properties.extend(more);
    Component {
        mime_type: Some("text/csv".to_owned()),
        version: info.version.clone(),
        description: info.description.clone(),
        hashes: super::dependency_hashes(evidence, "dataset"),
        licenses: licence::declared(&info.licence),
        purl,
        external_references: link.collect(),
        supplier: info.owners.first().map(|owner| entity(owner)),
        data: vec![Data {
            kind: "dataset",
            name: info.name.clone(),
            contents: DataContents {
                url,
                properties: facts(&evidence.training().predicate.run_details.observed.dataset),
            },
            classification: info.classification.clone(),
            sensitive_data: info.sensitive_data.clone(),
            governance: Governance {
                custodians: responsible(&info.custodians),
                owners: responsible(&info.owners),
                stewards: responsible(&info.stewards),
            },
            description: info.provenance.clone(),
        }],
        properties,
        ..Component::new(Kind::Data, refs::DATASET, &info.name)
    }
}

/// Which members the submitter filled.
fn asserted(info: &DatasetInfo, purl: bool, url: bool) -> Vec<&'static str> {
    given([
        ("/name", true),
        ("/version", info.version.is_some()),
        ("/description", info.description.is_some()),
        ("/licenses", info.licence.is_some()),
        ("/purl", purl),
        ("/externalReferences", url),
        ("/supplier", !info.owners.is_empty()),
        ("/data", true),
        ("/properties/aibom:file:name", true),
        ("/properties/aibom:file:size", true),
        ("/properties/aibom:source", info.source.is_some()),
    ])
}

fn entity(name: &str) -> Entity {
    Entity { name: Some(name.to_owned()), ..Entity::default() }
}

fn responsible(names: &[String]) -> Vec<Responsible> {
    names.iter().map(|name| Responsible { organization: entity(name) }).collect()
}

/// What the executor read in the records.
fn facts(dataset: &Dataset) -> Vec<Property> {
    let mut out = vec![
        property("dataset:records", dataset.records),
        property("dataset:columns", dataset.columns),
        property("dataset:label", &dataset.label),
    ];
    if let Some(root) = dataset.merkle_root {
        out.push(property("dataset:merkle-root:sha256", root));
        out.push(property("dataset:merkle-tree", MERKLE_TREE));
    }
    out.extend(dataset.split_agrees.map(|agrees| property("dataset:split:agrees", agrees)));
    out.extend(
        dataset
            .statistics
            .iter()
            .map(|(name, value)| property(&format!("dataset:statistic:{name}"), value)),
    );
    out
}

/// What the model was trained and validated on: the splits where the trainer's own record of its split
/// names the rows that the executor computed, else no more is known than the dataset.
pub(crate) fn trained_on(evidence: &VerifiedEvidence) -> Vec<String> {
    let dataset = &evidence.training().predicate.run_details.observed.dataset;
    let agreed = dataset.split_agrees == Some(true) && !dataset.splits.is_empty();
    if !agreed {
        return vec![refs::DATASET.to_owned()];
    }
    splits(dataset).map(|split| refs::split(&split.name)).collect()
}

/// The splits, the first of each name.
fn splits(dataset: &Dataset) -> impl Iterator<Item = &Split> {
    let mut seen = BTreeSet::new();
    dataset.splits.iter().filter(move |split| seen.insert(&split.name))
}

/// The records of each split.
pub(super) fn split_components(evidence: &VerifiedEvidence, claims: &mut Claims) -> Vec<Component> {
    let seed = evidence.request().spec.parameters.seed;
    let dataset = &evidence.training().predicate.run_details.observed.dataset;
    let component = |split: &Split| Component {
        properties: vec![
            property("split:records", split.records),
            property("split:merkle-root:sha256", split.merkle_root),
            property("split:algorithm", SPLIT_ALGORITHM),
            property("split:seed", seed),
        ],
        ..Component::new(Kind::Data, refs::split(&split.name), &split.name)
    };
    let out: Vec<Component> = splits(dataset).map(component).collect();
    for split in &out {
        let subject = split.reference();
        claims.add(Source::Observed, subject, &["/name", "/properties"]);
        claims.add(Source::Asserted, subject, &["/properties/aibom:split:seed"]);
        claims.add(
            Source::Derived,
            subject,
            &["/bom-ref", "/type", "/properties/aibom:split:algorithm"],
        );
    }
    out
}
