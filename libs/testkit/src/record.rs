//! What became of a job, for records.

use evidence::{JobOutcome, Outcome};
use ids::{JobId, Sha256Digest};
use job::Reason;

/// Step 2 of `job`: cancelled before there was anything but its request.
#[must_use]
pub fn cancelled(job: JobId) -> JobOutcome {
    JobOutcome {
        job,
        request: Sha256Digest::of(b"request"),
        attempt: 0,
        sequence: 2,
        outcome: Outcome::Cancelled,
        reason: Some(Reason::Cancelled),
        grant: None,
        training: None,
        scans: Vec::new(),
        policy: None,
        release: None,
    }
}
