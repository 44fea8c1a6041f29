//! The AIBoM and its assembly.

use evidence::VerifiedEvidence;
use ids::{Digests, Sha256Digest, canonical};
use job::CycloneDx;
use policy::Decision;

use crate::claims::{Claims, Group, Source};
use crate::cyclonedx::Bom;
use crate::findings::Findings;
use crate::image::Inventory;
use crate::sources::Sources;
use crate::{
    citations, declarations, documents, files, formulation, graph, host, image, metadata, model,
    notes, refs, signers, sources, tools, vulnerabilities,
};

/// Why there is no AIBoM.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The document cannot be written as canonical JSON.
    #[error("the AIBoM cannot be written: {0}")]
    Write(#[from] canonical::Error),
    /// The decision is about other evidence.
    #[error("the decision to release is about other evidence")]
    Decision,
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
    /// The exact bytes: CycloneDX 1.6 or 1.7 JSON, RFC 8785 canonical.
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

/// Derives the AIBoM. Same evidence and decision, same bytes; nothing else goes in.
///
/// # Errors
/// When the decision is about other evidence, or the document cannot be written.
pub fn assemble(evidence: &VerifiedEvidence, decision: &Decision) -> Result<Aibom, AssembleError> {
    if decision.evidence() != evidence.set_digest() {
        return Err(AssembleError::Decision);
    }
    let (mut bom, claims) = document(evidence, decision);
    let sources = Sources { evidence, decision };
    let bytes = match version(evidence) {
        CycloneDx::V1_6 => {
            let mut annotations = sources::annotations(claims, sources);
            annotations.append(&mut bom.annotations);
            bom.annotations = annotations;
            bom.to_canonical()?
        }
        CycloneDx::V1_7 => with_citations(bom, claims, sources)?,
    };
    let digests = Digests::of(&bytes);
    Ok(Aibom { bytes, digests })
}

/// Citations point into the document as it will stand: it is written, read, and written again.
fn with_citations(
    mut bom: Bom,
    claims: Vec<Group>,
    sources: Sources<'_>,
) -> Result<Vec<u8>, AssembleError> {
    let mut written =
        serde_json::from_slice(&bom.to_canonical()?).map_err(canonical::Error::Parse)?;
    if let serde_json::Value::Object(members) = &mut written {
        members.insert("citations".to_owned(), serde_json::Value::Null);
    }
    bom.citations = citations::citations(claims, sources, &written);
    Ok(bom.to_canonical()?)
}

/// In which version of CycloneDX the request wants it.
pub(crate) fn version(evidence: &VerifiedEvidence) -> CycloneDx {
    evidence.request().spec.aibom.cyclone_dx
}

/// The document without its sources, and the sources.
fn document(evidence: &VerifiedEvidence, decision: &Decision) -> (Bom, Vec<Group>) {
    let mut claims = Claims::default();
    let inventory = Inventory::of(evidence);
    let mut release = model::release(evidence, &mut claims);
    let mut components =
        vec![model::trained(evidence, &mut claims), model::submitted(evidence, &mut claims)];
    components.extend(files::inputs(evidence, &mut claims));
    components.extend(files::outputs(evidence, &mut claims));
    components.push(image::component(evidence, &mut claims));
    components.extend(image::contents(&inventory, &mut claims));
    components.push(host::component(evidence, &mut claims));
    components.extend(signers::components(evidence, decision, &mut claims));
    let mut tools = tools::components(evidence, &mut claims);
    let findings = Findings::of(evidence, &components, &tools);
    let all = components.iter_mut().chain(&mut tools).chain(std::iter::once(&mut release));
    findings.tell(all, &mut claims);
    let vulnerabilities = vulnerabilities::of(evidence, decision, &findings, &mut claims);
    let formulation = formulation::formulas(evidence, &components, &findings, &mut claims);

    let (schema, spec_version) = match version(evidence) {
        CycloneDx::V1_6 => ("http://cyclonedx.org/schema/bom-1.6.schema.json", "1.6"),
        CycloneDx::V1_7 => ("http://cyclonedx.org/schema/bom-1.7.schema.json", "1.7"),
    };
    let bom = Bom {
        schema,
        annotations: notes::notes(Sources { evidence, decision }, &findings, &mut claims),
        bom_format: "CycloneDX",
        citations: Vec::new(),
        compositions: graph::compositions(evidence, &components, &vulnerabilities),
        declarations: declarations::declarations(evidence, decision, &mut claims),
        definitions: declarations::definitions(),
        dependencies: graph::dependencies(evidence, &inventory, &release, &components, &tools),
        external_references: documents::references(evidence, decision, &mut claims),
        metadata: metadata::metadata((evidence, decision), &findings, release, tools, &mut claims),
        components,
        formulation,
        serial_number: serial_number(evidence),
        spec_version,
        version: 1,
        vulnerabilities,
    };
    claims.add(Source::Derived, refs::RELEASE, &CONSTANT);
    (bom, claims.groups())
}

/// Members of the document that follow from this crate's rules.
const CONSTANT: [&str; 12] = [
    "$/$schema",
    "$/annotations",
    "$/bomFormat",
    "$/citations",
    "$/compositions",
    "$/declarations",
    "$/definitions",
    "$/dependencies",
    "$/externalReferences",
    "$/serialNumber",
    "$/specVersion",
    "$/version",
];

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
