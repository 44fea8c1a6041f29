//! The OpenSSF Model Signing statement over what a training left.

use envelope::ResourceDescriptor;
use evidence::VerifiedEvidence;
use oms::Resource;

use crate::AssembleError;

/// The statement over the outputs, the log among them: the files of `artifacts/outputs` in a
/// fetched directory, under the model's name.
///
/// # Errors
/// When the statement cannot be written.
pub fn model_statement(evidence: &VerifiedEvidence) -> Result<Vec<u8>, AssembleError> {
    let training = evidence.training();
    let outputs = training.subject.iter().chain(&training.predicate.run_details.byproducts);
    let resource = |file: &ResourceDescriptor| {
        Some(Resource { name: file.name.clone()?, sha256: file.sha256_digest()? })
    };
    let resources: Vec<Resource> = outputs.filter_map(resource).collect();
    Ok(oms::statement(&evidence.request().spec.model.name, &resources)?)
}
