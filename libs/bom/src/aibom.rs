//! The AIBoM and its assembly.

use evidence::VerifiedEvidence;
use ids::{Digests, Sha256Digest, canonical};

use crate::claims::{Claims, Source, not_scanned};
use crate::cyclonedx::{
    Bom, Entity, ExternalReference, Lifecycle, Metadata, Property, ReferenceKind, Tools, property,
};
use crate::image::Inventory;
use crate::{
    files, formulation, graph, host, image, model, refs, signers, text, tools, vulnerabilities,
};

/// Why there is no AIBoM.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The document cannot be written as canonical JSON.
    #[error("the AIBoM cannot be written: {0}")]
    Write(#[from] canonical::Error),
    /// An artifact that a link cannot name: without a digest, or two under one name.
    #[error("the artifact {name:?} has no one SHA-256: a link cannot name it")]
    Artifact {
        /// Its name in a fetched directory.
        name: String,
    },
}

/// An AI Bill of Materials; only [`assemble`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aibom {
    bytes: Vec<u8>,
    digests: Digests,
}

impl Aibom {
    /// The exact bytes: CycloneDX 1.6 JSON, RFC 8785 canonical.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Digests of the exact bytes.
    #[must_use]
    pub const fn digests(&self) -> Digests {
        self.digests
    }
}

/// Derives the AIBoM. Same evidence, same bytes; nothing but the evidence goes in.
///
/// # Errors
/// When the document cannot be written.
pub fn assemble(evidence: &VerifiedEvidence) -> Result<Aibom, AssembleError> {
    let bytes = document(evidence).to_canonical()?;
    let digests = Digests::of(&bytes);
    Ok(Aibom { bytes, digests })
}

fn document(evidence: &VerifiedEvidence) -> Bom {
    let mut claims = Claims::default();
    let inventory = Inventory::of(evidence);
    let release = model::release(evidence, &mut claims);
    let mut components =
        vec![model::trained(evidence, &mut claims), model::submitted(evidence, &mut claims)];
    components.extend(files::inputs(evidence, &mut claims));
    components.extend(files::outputs(evidence, &mut claims));
    components.push(image::component(evidence, &inventory, &mut claims));
    components.extend(host::components(evidence, &mut claims));
    components.extend(signers::components(evidence));
    let tools = tools::components(evidence, &mut claims);
    let vulnerabilities = vulnerabilities::of(evidence, &mut claims);
    let formulation = formulation::formulas(evidence, &mut claims);

    let finished = evidence.training().predicate.run_details.metadata.finished_on;
    Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: serial_number(evidence),
        version: 1,
        dependencies: graph::dependencies(evidence, &inventory, &release, &components, &tools),
        compositions: graph::compositions(evidence, &vulnerabilities),
        metadata: Metadata {
            timestamp: finished.to_string(),
            lifecycles: vec![Lifecycle { phase: "build" }],
            tools: Tools { components: tools },
            manufacturer: manufacturer(evidence),
            component: release,
            properties: properties(evidence),
        },
        components,
        external_references: attestations(evidence),
        vulnerabilities,
        annotations: claims_with_run(claims, evidence),
        formulation,
    }
}

fn claims_with_run(
    mut claims: Claims,
    evidence: &VerifiedEvidence,
) -> Vec<crate::cyclonedx::Annotation> {
    claims.add(Source::Observed, refs::RELEASE, &["metadata.timestamp", "that this job made it"]);
    claims.annotations(evidence)
}

/// A UUIDv8 (RFC 9562 section 5.8) of the request and the job.
fn serial_number(evidence: &VerifiedEvidence) -> String {
    let grant = evidence.grant();
    let mut input = b"aibom.serial-number.v1\0".to_vec();
    input.extend_from_slice(grant.request.as_bytes());
    input.extend_from_slice(grant.job.as_bytes());
    let digest = Sha256Digest::of(&input);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    let uuid = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    format!("urn:uuid:{}", uuid.hyphenated())
}

fn manufacturer(evidence: &VerifiedEvidence) -> Entity {
    let domain = evidence.grant().executor.id.trust_domain();
    Entity { name: Some(domain.to_owned()), url: vec![format!("spiffe://{domain}")] }
}

fn properties(evidence: &VerifiedEvidence) -> Vec<Property> {
    let grant = evidence.grant();
    let mut out = vec![
        property("profile", job::PROFILE),
        property("job", grant.job),
        property("attempt", grant.attempt),
        property("evidence:set:sha256", evidence.set_digest()),
    ];
    for (index, scan) in evidence.scans().iter().enumerate() {
        let extension = &scan.predicate.aibom;
        let status = match extension.completeness {
            evidence::Completeness::Complete => "complete".to_owned(),
            evidence::Completeness::Incomplete => not_scanned(&extension.reason),
        };
        out.push(property(&format!("scan:{index}:status"), status));
    }
    out
}

/// Every document that the AIBoM was derived from.
fn attestations(evidence: &VerifiedEvidence) -> Vec<ExternalReference> {
    let signers = evidence.signers().iter().map(|(id, _)| id);
    evidence
        .digests()
        .iter()
        .zip(signers)
        .map(|((name, digest), signer)| ExternalReference {
            kind: ReferenceKind::Attestation,
            url: refs::document(name),
            comment: Some(format!("{}, signed by {signer}", format_of(name))),
            hashes: vec![text::sha256(*digest)],
        })
        .collect()
}

/// What kind of file a document of the evidence is.
fn format_of(name: &str) -> &'static str {
    if refs::is_link(name) { "in-toto link" } else { "DSSE envelope" }
}
