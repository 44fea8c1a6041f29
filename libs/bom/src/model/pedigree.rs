//! What the trained model was made from.

use job::{BaseModel, InputFile, JobSpec};

use crate::claims::{Claims, Source, given};
use crate::cyclonedx::component::{Component, Kind, Pedigree};
use crate::cyclonedx::{ExternalReference, ReferenceKind, property};
use crate::{refs, text};

/// How the ancestors are to be read.
const ORDER: &str = "The first ancestor is the submitted model file, by the digest that was trained. \
                     A further one is what the submitter says that it was derived from.";

/// The submitted model, then the base model where the submitter names one.
pub(super) fn pedigree(spec: &JobSpec, claims: &mut Claims) -> Pedigree {
    let base = spec.model.base_model.as_ref();
    claims.add(Source::Asserted, refs::MODEL, &["/pedigree/ancestors"]);
    let derivation = base.and_then(|base| base.derivation.as_ref());
    let (notes, source) = match derivation {
        Some(derivation) => (
            format!("{ORDER} How it was derived, in the submitter's words: {derivation}"),
            Source::Asserted,
        ),
        None => (ORDER.to_owned(), Source::Derived),
    };
    claims.add(source, refs::MODEL, &["/pedigree/notes"]);
    if let Some(base) = base {
        claims.add(Source::Derived, refs::BASE_MODEL, &["/bom-ref", "/type"]);
        claims.add(Source::Asserted, refs::BASE_MODEL, &base_fields(base));
    }
    Pedigree {
        ancestors: std::iter::once(submitted(&spec.inputs.model)).chain(base.map(model)).collect(),
        notes: Some(notes),
    }
}

/// By the digest that the request names, which is the one that the executor hashed.
fn submitted(file: &InputFile) -> Component {
    Component {
        kind: Kind::MachineLearningModel,
        name: file.name.clone(),
        hashes: vec![text::sha256(file.sha256)],
        ..Component::default()
    }
}

fn model(base: &BaseModel) -> Component {
    let source = base.source.as_deref();
    let link = source.and_then(text::web_url).map(|url| ExternalReference {
        kind: ReferenceKind::Distribution,
        url: url.to_owned(),
        comment: None,
        hashes: Vec::new(),
    });
    Component {
        version: base.version.clone(),
        hashes: base.sha256.map(text::sha256).into_iter().collect(),
        purl: purl(base),
        external_references: link.into_iter().collect(),
        properties: source.iter().map(|text| property("source", text)).collect(),
        ..Component::new(Kind::MachineLearningModel, refs::BASE_MODEL, &base.name)
    }
}

/// The source, where it is a purl.
fn purl(base: &BaseModel) -> Option<String> {
    base.source.as_ref().filter(|text| text.starts_with("pkg:")).cloned()
}

fn base_fields(base: &BaseModel) -> Vec<&'static str> {
    let source = base.source.as_deref();
    given([
        ("/name", true),
        ("/version", base.version.is_some()),
        ("/hashes", base.sha256.is_some()),
        ("/purl", purl(base).is_some()),
        ("/externalReferences", source.and_then(text::web_url).is_some()),
        ("/properties", source.is_some()),
    ])
}
