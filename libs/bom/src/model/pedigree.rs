//! What the trained model was made from.

use evidence::VerifiedEvidence;
use job::BaseModel;

use crate::claims::{Claims, Source, given};
use crate::cyclonedx::component::{Component, Kind, Pedigree};
use crate::cyclonedx::{ExternalReference, Property, ReferenceKind, property};
use crate::{files, refs, text};

/// How the ancestors are to be read.
const ORDER: &str = "The first ancestor is the submitted model file, by the digest that was trained. \
                     A further one is what the submitter says that it was derived from.";

/// The submitted model, then the base model where the submitter names one.
pub(super) fn pedigree(evidence: &VerifiedEvidence, claims: &mut Claims) -> Pedigree {
    let base = evidence.request().spec.model.base_model.as_ref();
    claims.add(Source::Derived, refs::MODEL, &["/pedigree/notes"]);
    let submitted = submitted(evidence, claims);
    let base = base.map(|base| model(base, claims));
    Pedigree {
        ancestors: std::iter::once(submitted).chain(base).collect(),
        notes: Some(ORDER.to_owned()),
    }
}

/// By the name that the request gives it, and the digests that the executor took.
fn submitted(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let subject = refs::SUBMITTED_ANCESTOR;
    claims.add(Source::Asserted, subject, &["/name"]);
    claims.add(Source::Observed, subject, &["/hashes"]);
    claims.add(Source::Derived, subject, &["/bom-ref", "/type"]);
    let name = &evidence.request().spec.inputs.model.name;
    Component {
        hashes: files::dependency_hashes(evidence, "model"),
        ..Component::new(Kind::MachineLearningModel, subject, name)
    }
}

/// All in the submitter's words.
fn model(base: &BaseModel, claims: &mut Claims) -> Component {
    let source = base.source.as_deref();
    let url = source.filter(|text| job::is_web_address(text));
    let purl = source.filter(|text| text::is_data_purl(text));
    let said = |name, said: &Option<String>| said.as_ref().map(|said| property(name, said));
    let properties: Vec<Property> =
        [said("source", &base.source), said("derivation", &base.derivation)]
            .into_iter()
            .flatten()
            .collect();
    claims.add(Source::Derived, refs::BASE_MODEL, &["/bom-ref", "/type"]);
    let fields = given([
        ("/name", true),
        ("/version", base.version.is_some()),
        ("/hashes", base.sha256.is_some()),
        ("/purl", purl.is_some()),
        ("/externalReferences", url.is_some()),
        ("/properties", !properties.is_empty()),
    ]);
    claims.add(Source::Asserted, refs::BASE_MODEL, &fields);
    let link = url.map(|url| ExternalReference {
        kind: ReferenceKind::Distribution,
        url: url.to_owned(),
        comment: None,
        hashes: Vec::new(),
    });
    Component {
        version: base.version.clone(),
        hashes: base.sha256.map(text::sha256).into_iter().collect(),
        purl: purl.map(str::to_owned),
        external_references: link.into_iter().collect(),
        properties,
        ..Component::new(Kind::MachineLearningModel, refs::BASE_MODEL, &base.name)
    }
}
