//! A document behind an entry of one's own, as the mesh tells it: who signed it, and for which request.

use evidence::{About, Checks, Document, TrustRoot, check_record};
use ids::{JobId, Sha256Digest, Timestamp};

use crate::attestation;

/// What the mesh signed, and for which request; only [`verify_disclosed`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    request: Sha256Digest,
    job: Option<JobId>,
    what: &'static str,
}

impl Traced {
    /// SHA-256 of the request's envelope: what a journal of submissions names.
    #[must_use]
    pub const fn request(&self) -> &Sha256Digest {
        &self.request
    }

    /// The job, where the document says it: a record does.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        self.job
    }

    /// What it is, in a word: `AIBoM`, or how the job ended.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }
}

/// Why a document tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTraced {
    /// It is not signed by whom it should be, or not of its form.
    #[error("{name}: {detail}")]
    Refused {
        /// The first check that did not hold.
        name: String,
        /// Why.
        detail: String,
    },
    /// It is about no job.
    #[error("it names no request")]
    NoRequest,
}

/// Checks who signed `document`, which was logged at `logged_at`, by the same rules as bundles and
/// records, and reads for which request. Without certificates it is an attestation, with them a
/// record. That the entry commits to it is for the caller to check.
///
/// # Errors
/// The first check that does not hold, or that it is about no request.
pub fn verify_disclosed(
    document: &Document,
    root: &TrustRoot,
    logged_at: Timestamp,
) -> Result<Traced, NotTraced> {
    let mut checks = Checks::new();
    let traced = if document.certificates.is_empty() {
        attestation::check(&document.envelope, root, Some(logged_at), &mut checks)
            .and_then(|attestation| bom::request(attestation.payload()))
            .map(|request| Traced { request, job: None, what: "AIBoM" })
    } else {
        check_record(document, root, logged_at, &mut checks).and_then(|record| {
            let About::Job(outcome) = &record.record().about else {
                return None;
            };
            let (request, job) = (outcome.request, Some(outcome.job));
            Some(Traced { request, job, what: outcome.outcome.as_str() })
        })
    };
    if let Some(failed) = checks.first_failure() {
        return Err(NotTraced::Refused {
            name: failed.name.clone(),
            detail: failed.detail.clone(),
        });
    }
    traced.ok_or(NotTraced::NoRequest)
}

#[cfg(test)]
mod tests;
