//! The in-toto link of the training step and the layout over both steps, in the classic format
//! (in-toto specification v1.0): every artifact by its exact name in a fetched directory.

use envelope::ResourceDescriptor;
use envelope::link::{ArtifactDigests, NewLayout, NewLink, NewStep, Rule};
use evidence::{SUBMIT_STEP, VerifiedEvidence, submitted};
use ids::Timestamp;
use keys::PublicKey;
use serde_json::Value;

use crate::{AIBOM_FILE_NAME, Aibom, AssembleError};

/// The name of the training step.
pub const TRAINING_STEP: &str = "run_training";
/// How long a layout may be used after it was signed, in milliseconds: 365 days.
pub const LAYOUT_VALIDITY_MS: i64 = 365 * 24 * 3_600_000;

const README: &str = "What was submitted went into one training run, and the run left these files.";

/// The link that the platform signs: what the submission names went in; every output, the log and
/// the AIBoM came out.
///
/// # Errors
/// When two artifacts have the same name.
pub fn training_link(evidence: &VerifiedEvidence, aibom: &Aibom) -> Result<Value, AssembleError> {
    let link = NewLink {
        name: TRAINING_STEP,
        materials: materials(evidence),
        products: products(evidence, aibom)?,
        command: command(evidence),
        return_value: Some(evidence.training().predicate.run_details.observed.container.exit_code),
    };
    Ok(link.to_value())
}

/// The layout that the layout key signs at `signed_at`: the scheduler of the evidence submits, then
/// `functionary`, the platform's key, vouches for the training. Every artifact must be there, and no
/// other may be.
///
/// # Errors
/// When two artifacts have the same name.
pub fn layout(
    evidence: &VerifiedEvidence,
    aibom: &Aibom,
    signed_at: Timestamp,
    functionary: &PublicKey,
) -> Result<Value, AssembleError> {
    let (materials, products) = (materials(evidence), products(evidence, aibom)?);
    let submit = NewStep {
        name: SUBMIT_STEP,
        expected_command: Vec::new(),
        expected_materials: closed(Vec::new()),
        expected_products: exactly(&materials, create),
        functionary: evidence.submitter(),
    };
    let training = NewStep {
        name: TRAINING_STEP,
        expected_command: command(evidence),
        expected_materials: exactly(&materials, submitted_so),
        expected_products: exactly(&products, create),
        functionary,
    };
    let layout = NewLayout {
        expires: signed_at.plus_ms(LAYOUT_VALIDITY_MS),
        readme: README,
        steps: vec![submit, training],
    };
    Ok(layout.to_value())
}

fn materials(evidence: &VerifiedEvidence) -> ArtifactDigests {
    submitted(evidence.request(), evidence.grant().request)
}

fn products(evidence: &VerifiedEvidence, aibom: &Aibom) -> Result<ArtifactDigests, AssembleError> {
    let statement = evidence.training();
    let mut all = ArtifactDigests::new();
    all.insert(AIBOM_FILE_NAME.to_owned(), aibom.digests().sha256);
    for file in statement.subject.iter().chain(&statement.predicate.run_details.byproducts) {
        let label = file.name.as_deref().unwrap_or_default();
        let name = format!("artifacts/outputs/{label}");
        let digest = ResourceDescriptor::sha256_digest(file);
        let sha256 = digest.ok_or_else(|| AssembleError::Artifact { name: name.clone() })?;
        if all.insert(name.clone(), sha256).is_some_and(|other| other != sha256) {
            return Err(AssembleError::Artifact { name });
        }
    }
    Ok(all)
}

fn command(evidence: &VerifiedEvidence) -> Vec<String> {
    evidence.training().predicate.run_details.observed.container.command.clone()
}

/// All of these and nothing else; the evidence's rules let no name through that is a pattern.
fn exactly(artifacts: &ArtifactDigests, vouch: fn(&str) -> Rule) -> Vec<Rule> {
    closed(artifacts.keys().flat_map(|name| [rule(&["REQUIRE", name]), vouch(name)]).collect())
}

fn closed(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.push(rule(&["DISALLOW", "*"]));
    rules
}

fn create(name: &str) -> Rule {
    rule(&["CREATE", name])
}

fn submitted_so(name: &str) -> Rule {
    rule(&["MATCH", name, "WITH", "PRODUCTS", "FROM", SUBMIT_STEP])
}

fn rule(words: &[&str]) -> Rule {
    words.iter().map(|word| (*word).to_owned()).collect()
}
