//! What the evidence lets everybody say of the run: the rules that the signer checks, as claims on the
//! requirements of a standard of our own.

use evidence::{Completeness, Isolation, Model, Trained, VerifiedEvidence};

use crate::claims::{Claims, Source};
use crate::cyclonedx::Contact;
use crate::cyclonedx::declarations::{
    Assessor, Attestation, Claim, Conformance, Contents, Data, Declarations, Definitions, Evidence,
    Mapping, Requirement, Standard,
};
use crate::{metadata, refs};

const STANDARD: &str = "standard/aibom-sandbox";
const ASSESSOR: &str = "assessor/mesh";

/// One requirement: what it asks, of what, and by which rule.
struct Rule {
    name: &'static str,
    title: &'static str,
    text: &'static str,
    /// What is said where it is met.
    met: &'static str,
    /// What is said where it is not.
    unmet: &'static str,
    target: &'static str,
    /// The property of the AIBoM that shows it.
    property: &'static str,
    shown_by: Documents,
    holds: fn(&VerifiedEvidence) -> bool,
    /// Why the evidence shows it.
    reasoning: &'static str,
}

/// Which documents of the evidence show it.
#[derive(Clone, Copy)]
enum Documents {
    Training,
    Scans,
}

const RULES: [Rule; 8] = [
    Rule {
        name: "no-network",
        title: "No network",
        text: "The training has no network.",
        met: "The container had no network.",
        unmet: "The container had a network.",
        target: refs::TRAIN_TASK,
        property: "aibom:isolation:networkMode",
        shown_by: Documents::Training,
        holds: |e| isolated(e, Isolation::NoNetwork),
        reasoning: "the executor read the network mode back from the engine; it must be none",
    },
    Rule {
        name: "read-only-root",
        title: "Read-only root and inputs",
        text: "The training can change neither its image nor its inputs.",
        met: "The root file system and the inputs were read-only.",
        unmet: "The root file system or the inputs could be written.",
        target: refs::TRAIN_TASK,
        property: "aibom:isolation:readonlyRootfs",
        shown_by: Documents::Training,
        holds: |e| isolated(e, Isolation::ReadOnly),
        reasoning: "the executor read the root's mode and the mounts back from the engine; the root must \
                    be read-only, and nothing mounted but the inputs, read-only, and the outputs",
    },
    Rule {
        name: "no-privileges",
        title: "No privileges",
        text: "The training has no capabilities, gains none, and sees no namespace of the host's.",
        met: "The container had no capabilities, could gain none, and had its own namespaces.",
        unmet: "The container had privileges that it needed not.",
        target: refs::TRAIN_TASK,
        property: "aibom:isolation:capDrop",
        shown_by: Documents::Training,
        holds: |e| isolated(e, Isolation::NoPrivileges),
        reasoning: "the executor read capabilities, security options and namespaces back from the engine; \
                    all capabilities must be dropped, none added, no-new-privileges set, the engine's \
                    seccomp profile kept, and no namespace be the host's",
    },
    Rule {
        name: "not-root",
        title: "Not root",
        text: "The training runs as another user than root.",
        met: "The container's process was not root.",
        unmet: "The container's process was root.",
        target: refs::TRAIN_TASK,
        property: "aibom:isolation:user",
        shown_by: Documents::Training,
        holds: |e| isolated(e, Isolation::NotRoot),
        reasoning: "the executor read the user back from the engine; it must have another id than 0",
    },
    Rule {
        name: "limited",
        title: "Limited",
        text: "Memory, processes, processors, time and output of the training have limits.",
        met: "The run had limits, and none was wider than the request asked for.",
        unmet: "The run lacked a limit, or had a wider one than the request asked for.",
        target: refs::TRAIN_TASK,
        property: "aibom:limit:memoryBytes",
        shown_by: Documents::Training,
        holds: |e| {
            let limits = &e.training().predicate.run_details.observed.container.limits;
            isolated(e, Isolation::Limited)
                && evidence::within_limits(limits, &e.request().spec.resources)
        },
        reasoning: "the executor read the limits on memory, swap, processes and processors back from the \
                    engine, and kept those on time and output itself; each is held against the request",
    },
    Rule {
        name: "inputs-by-digest",
        title: "Inputs by digest",
        text: "The training is given the very files and the image that the signed request names.",
        met: "Inputs and image had the digests that the signed request names.",
        unmet: "Inputs or image had other digests than the signed request names.",
        target: refs::TRAIN_TASK,
        property: "aibom:evidence:set:sha256",
        shown_by: Documents::Training,
        holds: |e| {
            let definition = &e.training().predicate.build_definition;
            evidence::inputs_match(definition, &e.request().spec)
        },
        reasoning: "the executor hashed every input before it was read; the digests are held against the \
                    request",
    },
    Rule {
        name: "model-without-code",
        title: "Model without code",
        text: "Neither the submitted nor the trained model holds code: both are read without being run.",
        met: "Submitted and trained model were read without being run, and no layer holds code.",
        unmet: "A model could not be read without being run, or has a layer that holds code.",
        target: refs::MODEL,
        property: "aibom:model:format",
        shown_by: Documents::Training,
        holds: |e| {
            let observed = &e.training().predicate.run_details.observed;
            let trained = matches!(&observed.trained, Trained::Read(model) if without_code(model));
            trained && without_code(&observed.model)
        },
        reasoning: "the executor's reader takes Keras v3 files with classes off a list of known ones, and \
                    refuses all others; the layers that it read are held against those that carry code",
    },
    Rule {
        name: "packages-scanned",
        title: "Packages scanned",
        text: "Every package that the image's package managers record is listed, and held against a \
               vulnerability database.",
        met: "Every package that the image's package managers record is listed.",
        unmet: "A scan of the image was not complete: an absent vulnerability means nothing.",
        target: refs::IMAGE,
        property: "aibom:scan:0:status",
        shown_by: Documents::Scans,
        holds: |e| {
            let mut scans = e.scans().iter().map(|scan| scan.predicate.aibom.completeness);
            scans.all(|completeness| completeness == Completeness::Complete)
        },
        reasoning: "a scan may say that it is complete only where it names its database; a file that no \
                    package manager records is not seen by it",
    },
];

/// Whether every rule of the isolation policy for this purpose holds.
fn isolated(evidence: &VerifiedEvidence, purpose: Isolation) -> bool {
    let container = &evidence.training().predicate.run_details.observed.container;
    let rules = evidence::isolation_rules(container);
    rules.iter().filter(|rule| rule.purpose == purpose).all(|rule| rule.holds)
}

/// Whether the file is of the one format that the reader knows, without a layer that carries code.
fn without_code(model: &Model) -> bool {
    const CODE: [&str; 3] = ["Lambda", "TFSMLayer", "TorchModuleWrapper"];
    model.format == "keras-v3"
        && !model.layers.iter().any(|layer| CODE.contains(&layer.class_name.as_str()))
}

/// The standard that the claims are about.
pub(crate) fn definitions() -> Definitions {
    let requirement = |rule: &Rule| Requirement {
        bom_ref: format!("{STANDARD}/{}", rule.name),
        identifier: rule.name,
        text: rule.text,
        title: rule.title,
    };
    let standard = Standard {
        bom_ref: STANDARD,
        description: "What a training run has to be for its AIBoM to be signed.",
        name: "AIBoM sandbox",
        owner: "AIBoM Mesh",
        requirements: RULES.iter().map(requirement).collect(),
        version: job::PROFILE.to_string(),
    };
    Definitions { standards: [standard] }
}

/// The claims, each with what shows it, and how each requirement is met.
pub(crate) fn declarations(evidence: &VerifiedEvidence, claims: &mut Claims) -> Declarations {
    claims.add(Source::Granted, ASSESSOR, &["/organization"]);
    let organization = metadata::manufacturer(evidence);
    let outcomes = RULES.map(|rule| ((rule.holds)(evidence), rule));
    Declarations {
        assessors: [Assessor { bom_ref: ASSESSOR, organization, third_party: false }],
        attestations: [Attestation {
            assessor: ASSESSOR,
            map: outcomes.iter().map(|(holds, rule)| mapping(*holds, rule)).collect(),
            summary: "What follows from the evidence by rules that anybody can repeat.",
        }],
        claims: outcomes.iter().map(|(holds, rule)| claim(*holds, rule)).collect(),
        evidence: RULES.iter().map(|rule| shown_by(evidence, rule)).collect(),
    }
}

/// A requirement that is not met has a counter claim, of another name.
fn claim_reference(holds: bool, rule: &Rule) -> String {
    let kind = if holds { "claim" } else { "counter-claim" };
    format!("{kind}/{}", rule.name)
}

fn mapping(holds: bool, rule: &Rule) -> Mapping {
    let reference = vec![claim_reference(holds, rule)];
    let (claims, counter_claims) =
        if holds { (reference, Vec::new()) } else { (Vec::new(), reference) };
    Mapping {
        claims,
        conformance: Conformance {
            rationale: if holds { rule.met } else { rule.unmet },
            score: u8::from(holds),
        },
        counter_claims,
        requirement: format!("{STANDARD}/{}", rule.name),
    }
}

fn claim(holds: bool, rule: &Rule) -> Claim {
    Claim {
        bom_ref: claim_reference(holds, rule),
        evidence: vec![format!("evidence/{}", rule.name)],
        predicate: if holds { rule.met } else { rule.unmet },
        reasoning: rule.reasoning,
        target: rule.target,
    }
}

/// The documents that show it, by URL and digest.
fn shown_by(evidence: &VerifiedEvidence, rule: &Rule) -> Evidence {
    let (from, count) = match rule.shown_by {
        Documents::Training => (2, 1),
        Documents::Scans => (3, evidence.scans().len()),
    };
    let documents = || evidence.digests().iter().skip(from).take(count);
    let digests: Vec<String> =
        documents().map(|(name, digest)| format!("{name} sha256:{digest}")).collect();
    let author = evidence.signers().get(from).map_or("", |(id, _)| id.as_str());
    Evidence {
        author: Contact::named(author),
        bom_ref: format!("evidence/{}", rule.name),
        data: documents()
            .map(|(name, _)| Data {
                contents: Contents { url: refs::document(name) },
                name: name.clone(),
            })
            .collect(),
        description: digests.join(", "),
        property_name: rule.property,
    }
}
