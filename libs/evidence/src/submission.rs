//! The submission: a classic in-toto link, signed by the scheduler, that says which inputs, image and
//! request a job came with. Everything in it follows from the request.

use envelope::link::{ArtifactDigests, NewLink};
use ids::Sha256Digest;
use job::Request;
use serde_json::Value;

/// The step's name.
pub const SUBMIT_STEP: &str = "submit";

/// What a job came with, by the names in a fetched directory: each input
/// (`artifacts/inputs/<name>`), the image that was asked for (`trainer-image`), and the request
/// itself (`evidence/request.dsse.json`), whose exact envelope has the digest `envelope`.
#[must_use]
pub fn submitted(request: &Request, envelope: Sha256Digest) -> ArtifactDigests {
    let spec = &request.spec;
    let inputs = spec.inputs.each();
    let mut all: ArtifactDigests = inputs
        .iter()
        .map(|(_, file)| (format!("artifacts/inputs/{}", file.name), file.sha256))
        .collect();
    all.insert("trainer-image".to_owned(), spec.trainer.image.digest());
    all.insert("evidence/request.dsse.json".to_owned(), envelope);
    all
}

/// The link that the scheduler signs for a request whose exact envelope has the digest `envelope`:
/// nothing went in, nothing was run, [`submitted`] came out.
#[must_use]
pub fn submit_link(request: &Request, envelope: Sha256Digest) -> Value {
    NewLink {
        name: SUBMIT_STEP,
        materials: ArtifactDigests::new(),
        products: submitted(request, envelope),
        command: Vec::new(),
        return_value: None,
    }
    .to_value()
}
