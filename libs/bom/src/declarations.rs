//! What the evidence lets everybody say of the run: the rules that the signer checks, as claims on the
//! requirements of a standard of our own.

use evidence::{Completeness, Isolation, Model, ScanTarget, Trained, VerifiedEvidence};
use policy::Decision;

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
    holds: fn(&VerifiedEvidence, &Decision) -> bool,
    /// Why the evidence shows it.
    reasoning: &'static str,
}

/// Which documents of the evidence show it.
#[derive(Clone, Copy)]
enum Documents {
    Training,
    /// Those of these targets.
    Scans(&'static [ScanTarget]),
    /// The policy, and the release where there is one.
    Decision,
}

const RULES: [Rule; 10] = [
    Rule {
        name: "no-network",
        title: "No network",
        text: "The training has no network.",
        met: "The container had no network.",
        unmet: "The container had a network.",
        target: refs::TRAIN_TASK,
        property: "aibom:isolation:networkMode",
        shown_by: Documents::Training,
        holds: |e, _| isolated(e, Isolation::NoNetwork),
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
        holds: |e, _| isolated(e, Isolation::ReadOnly),
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
        holds: |e, _| isolated(e, Isolation::NoPrivileges),
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
        holds: |e, _| isolated(e, Isolation::NotRoot),
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
        holds: |e, _| {
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
        holds: |e, _| {
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
        holds: |e, _| {
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
        shown_by: Documents::Scans(&[ScanTarget::Image]),
        holds: |e, _| scanned(e, &[ScanTarget::Image]),
        reasoning: "a scan may say that it is complete only where it names its database; a file that no \
                    package manager records is not seen by it",
    },
    Rule {
        name: "files-inspected",
        title: "Files inspected",
        text: "Every file that went in or came out was read to its end, and held against the rules on \
               dangerous files.",
        met: "Every input and output was read to its end; what was found stands on its component.",
        unmet: "An input or output was not read to its end: an absent finding means nothing.",
        target: refs::RELEASE,
        property: "aibom:inspection:result",
        shown_by: Documents::Scans(&[ScanTarget::Inputs, ScanTarget::Outputs]),
        holds: |e, _| scanned(e, &[ScanTarget::Inputs]) && scanned(e, &[ScanTarget::Outputs]),
        reasoning: "a scan of files names each by its digest, and may say that it is complete only where \
                    it read every one; what no rule knows is not found by it",
    },
    Rule {
        name: "released-by-policy",
        title: "Released by the policy",
        text: "The mesh's release policy holds nothing of what was found.",
        met: "The policy holds nothing of what was found, but for what its own list ignores until a day.",
        unmet: "The policy held the job for what was found. An approver released it in spite of that.",
        target: refs::RELEASE,
        property: "aibom:decision",
        shown_by: Documents::Decision,
        holds: |_, decision| decision.accepted().is_empty(),
        reasoning: "the signer evaluated the policy over the evidence, and anybody can repeat it; what is \
                    ignored and what was accepted stands in the metadata, each with its reason",
    },
];

/// Whether there are scans of these, and all are complete.
fn scanned(evidence: &VerifiedEvidence, targets: &[ScanTarget]) -> bool {
    let scans = evidence.scans().iter().map(|scan| &scan.predicate.aibom);
    let mut scans = scans.filter(|scan| targets.contains(&scan.target)).peekable();
    scans.peek().is_some() && scans.all(|scan| scan.completeness == Completeness::Complete)
}

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
pub(crate) fn declarations(
    evidence: &VerifiedEvidence,
    decision: &Decision,
    claims: &mut Claims,
) -> Declarations {
    claims.add(Source::Granted, ASSESSOR, &["/organization"]);
    let organization = metadata::manufacturer(evidence);
    let outcomes = RULES.map(|rule| ((rule.holds)(evidence, decision), rule));
    Declarations {
        assessors: [Assessor { bom_ref: ASSESSOR, organization, third_party: false }],
        attestations: [Attestation {
            assessor: ASSESSOR,
            map: outcomes.iter().map(|(holds, rule)| mapping(*holds, rule)).collect(),
            summary: "What follows from the evidence by rules that anybody can repeat.",
        }],
        claims: outcomes.iter().map(|(holds, rule)| claim(*holds, rule)).collect(),
        evidence: RULES.iter().map(|rule| shown_by(evidence, decision, rule)).collect(),
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
fn shown_by(evidence: &VerifiedEvidence, decision: &Decision, rule: &Rule) -> Evidence {
    let all = evidence.digests().iter().zip(evidence.signers());
    let all: Vec<_> = all.map(|((name, digest), (id, _))| (name.as_str(), *digest, id)).collect();
    let scans = evidence.scans().iter().zip(all.iter().skip(3));
    let policy = "release policy".to_owned();
    let documents: Vec<_> = match rule.shown_by {
        Documents::Training => all.iter().skip(2).take(1).copied().collect(),
        Documents::Scans(targets) => scans
            .filter(|(scan, _)| targets.contains(&scan.predicate.aibom.target))
            .map(|(_, document)| *document)
            .collect(),
        Documents::Decision => {
            let release = all.last().filter(|_| evidence.release().is_some());
            let policy = (refs::POLICY, decision.policy().digest, &policy);
            std::iter::once(policy).chain(release.copied()).collect()
        }
    };
    let digests: Vec<String> =
        documents.iter().map(|(name, digest, _)| format!("{name} sha256:{digest}")).collect();
    let data = documents.iter().map(|(name, ..)| Data {
        contents: Contents { url: refs::document(name) },
        name: (*name).to_owned(),
    });
    Evidence {
        author: Contact::named(documents.first().map_or("", |(_, _, id)| id.as_str())),
        bom_ref: format!("evidence/{}", rule.name),
        data: data.collect(),
        description: digests.join(", "),
        property_name: rule.property,
    }
}
