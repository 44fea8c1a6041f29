//! Signing a request with the user's key.

use envelope::{Envelope, SealError};
use evidence::Document;
use ids::{Timestamp, canonical};
use job::{Invalid, JobSpec, REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request};
use rpc::MeshIdentity;
use uuid::Uuid;

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignRequestError {
    /// A field is outside its bound; the scheduler would refuse it too.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A number that JSON cannot hold.
    #[error("the request cannot be written")]
    Write(#[from] canonical::Error),
    /// The key did not sign.
    #[error("the request cannot be signed")]
    Seal(#[from] SealError),
}

/// Signs `spec` as the user of `identity`; the same key and time give the same request.
///
/// # Errors
/// When the specification is out of bounds or the key does not sign.
pub fn sign_request(
    identity: &MeshIdentity,
    spec: JobSpec,
    idempotency_key: Uuid,
    requested_at: Timestamp,
) -> Result<Document, SignRequestError> {
    job::validate(&spec)?;
    let credentials = identity.current();
    let request = Request {
        schema: REQUEST_SCHEMA.to_owned(),
        idempotency_key,
        requested_at,
        user: identity.spiffe_id().clone(),
        spec,
    };
    let payload = canonical::to_vec(&request)?;
    let sealed = Envelope::seal(REQUEST_PAYLOAD_TYPE, payload, credentials.signing_key().as_ref())?;
    Ok(Document {
        envelope: sealed.as_bytes().to_vec(),
        certificates: credentials.certificate_chain_der().to_vec(),
    })
}
