//! From the wire to what the scanner works with; every refusal names the field.

use evidence::{ScanTarget, ScannedRun};
use ids::Sha256Digest;
use job::Image;
use proto::scan::v1 as wire;

use super::errors::InvalidRequest;
use crate::files::{Files, WantedFile};

/// The run that a scan is made for.
pub(super) fn run(run: Option<&wire::Run>) -> Result<ScannedRun, InvalidRequest> {
    let run = run.ok_or_else(|| InvalidRequest::new("run", "is missing"))?;
    let digest = run.training_digest.parse();
    Ok(ScannedRun {
        job: run.job_id.parse().map_err(|e| InvalidRequest::new("run.job_id", e))?,
        training: digest.map_err(|e| InvalidRequest::new("run.training_digest", e))?,
    })
}

/// An image by digest.
pub(super) fn image(text: &str) -> Result<Image, InvalidRequest> {
    text.parse().map_err(|e| InvalidRequest::new("image", e))
}

/// A digest.
pub(super) fn digest(field: &'static str, text: &str) -> Result<Sha256Digest, InvalidRequest> {
    text.parse().map_err(|e| InvalidRequest::new(field, e))
}

/// The head of a stream of files.
pub(super) fn files(part: Option<wire::scan_files_request::Part>) -> Result<Files, InvalidRequest> {
    let Some(wire::scan_files_request::Part::Head(head)) = part else {
        return Err(InvalidRequest::new("part", "the first message is the head"));
    };
    let target = match head.target.as_str() {
        "inputs" => ScanTarget::Inputs,
        "outputs" => ScanTarget::Outputs,
        _ => return Err(InvalidRequest::new("head.target", "is neither inputs nor outputs")),
    };
    let file = |file: wire::File| {
        let sha256 = digest("head.files.sha256", &file.sha256)?;
        Ok(WantedFile { name: file.name, sha256, size: file.size })
    };
    let files = head.files.into_iter().map(file).collect::<Result<_, InvalidRequest>>()?;
    Ok(Files { run: run(head.run.as_ref())?, target, files })
}
