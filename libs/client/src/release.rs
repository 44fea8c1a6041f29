//! Signing a release with the approver's key.

use envelope::{Envelope, SealError};
use evidence::{Document, RELEASE_PAYLOAD_TYPE, RELEASE_SCHEMA, Release};
use ids::{Timestamp, canonical};
use rpc::MeshIdentity;

use crate::{Finding, HoldView};

/// Why a release cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignReleaseError {
    /// More findings than a release can name.
    #[error("{0} findings are beyond those that a release can name")]
    TooMany(u64),
    /// A member is outside its bounds; the scheduler would refuse it too.
    #[error(
        "a release has a reason of 1 to {} characters, and at least one finding",
        evidence::MAX_RELEASE_REASON
    )]
    Bounds,
    /// It cannot be written.
    #[error("the release cannot be written")]
    Write(#[from] canonical::Error),
    /// The key did not sign.
    #[error("the release cannot be signed")]
    Seal(#[from] SealError),
}

/// Signs, as the approver of `identity`, that everything in `hold` may pass, and nothing else.
///
/// # Errors
/// When the hold has too many findings, the reason is out of bounds, or the key does not sign.
pub fn sign_release(
    identity: &MeshIdentity,
    hold: &HoldView,
    reason: &str,
    decided_at: Timestamp,
) -> Result<Document, SignReleaseError> {
    if hold.more > 0 {
        return Err(SignReleaseError::TooMany(hold.more));
    }
    let mut violations: Vec<String> = hold.findings.iter().map(Finding::key).collect();
    violations.sort();
    violations.dedup();
    let release = Release {
        schema: RELEASE_SCHEMA.to_owned(),
        job: hold.job,
        evidence: hold.evidence,
        policy: hold.policy.digest,
        violations,
        reason: reason.to_owned(),
        decided_at,
    };
    if !release.is_bounded() {
        return Err(SignReleaseError::Bounds);
    }
    let credentials = identity.current();
    let payload = canonical::to_vec(&release)?;
    let sealed = Envelope::seal(RELEASE_PAYLOAD_TYPE, payload, credentials.signing_key().as_ref())?;
    Ok(Document {
        envelope: sealed.as_bytes().to_vec(),
        certificates: credentials.certificate_chain_der().to_vec(),
    })
}
