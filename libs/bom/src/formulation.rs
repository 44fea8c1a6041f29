//! How it was to be made (declared, by the request) and how it was made (observed, by the executor).

mod declared;
mod isolation;
mod observed;

use evidence::VerifiedEvidence;

use crate::claims::Claims;
use crate::cyclonedx::component::Component;
use crate::cyclonedx::formulation::{Formula, Input, Reference};
use crate::findings::Findings;
use crate::refs;

/// The two formulas, declared first.
pub(crate) fn formulas(
    evidence: &VerifiedEvidence,
    components: &[Component],
    findings: &Findings<'_>,
    claims: &mut Claims,
) -> Vec<Formula> {
    vec![
        declared::formula(evidence, claims),
        observed::formula(evidence, components, findings, claims),
    ]
}

/// The inputs and the image, as inputs of a task.
fn materials() -> Vec<Input> {
    [refs::SUBMITTED_MODEL, refs::DATASET, refs::DEFINITION, refs::IMAGE]
        .into_iter()
        .map(|reference| Input::Resource(Reference { reference: reference.to_owned() }))
        .collect()
}
