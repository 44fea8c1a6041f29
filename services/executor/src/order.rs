//! A lease checked by its receiver: request and grant must be sound before anything is touched.

use envelope::{Envelope, EnvelopeError};
use evidence::{
    CLOCK_SKEW_MS, Document, GRANT_PAYLOAD_TYPE, GRANT_SCHEMA, Grant, MAX_DOCUMENT_BYTES,
};
use ids::{Attempt, FencingToken, JobId, Role, Sha256Digest, SpiffeId, Timestamp, canonical};
use job::{Invalid, REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request};
use keys::{ChainError, Identity, KeyId};
use serde::{Serialize, de::DeserializeOwned};

/// Which attempt of which job; goes with every call about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseKey {
    /// The job.
    pub job: JobId,
    /// From 1.
    pub attempt: Attempt,
    /// Fences off older holders.
    pub token: FencingToken,
}

/// What the scheduler sent; nothing is checked yet.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Which attempt.
    pub key: LeaseKey,
    /// The user's request.
    pub request: Document,
    /// The scheduler's grant.
    pub grant: Document,
    /// The submission's trace context, where there is one.
    pub trace: Option<String>,
}

/// Who checks: this executor, its key, and the mesh's roots.
#[derive(Debug, Clone)]
pub struct Own {
    /// SPIFFE id of this executor.
    pub id: SpiffeId,
    /// The key that will sign.
    pub key: KeyId,
    /// Root certificates of the mesh CA, DER.
    pub roots: Vec<Vec<u8>>,
}

/// A grant that was checked, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGrant {
    /// What the scheduler signed.
    pub grant: Grant,
    /// SHA-256 of its envelope.
    pub digest: Sha256Digest,
    /// The document itself: it goes back with the evidence that names it.
    pub document: Document,
}

/// A lease whose every rule held; only [`verify`] makes one.
#[derive(Debug, Clone)]
pub struct Order {
    key: LeaseKey,
    request: Request,
    request_digest: Sha256Digest,
    grant: HeldGrant,
}

impl Order {
    /// Which attempt.
    #[must_use]
    pub const fn key(&self) -> LeaseKey {
        self.key
    }

    /// What the user asked for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// SHA-256 of the request's envelope.
    #[must_use]
    pub const fn request_digest(&self) -> Sha256Digest {
        self.request_digest
    }

    /// The grant that came with the lease.
    #[must_use]
    pub const fn grant(&self) -> &HeldGrant {
        &self.grant
    }
}

/// Why a lease is not worked on.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// A certificate chain does not lead to the mesh CA now.
    #[error("the certificate of the {0}: {1}")]
    Certificate(&'static str, #[source] ChainError),
    /// An envelope is malformed, of another type, or its signature does not hold.
    #[error("the envelope of the {0}: {1}")]
    Envelope(&'static str, #[source] EnvelopeError),
    /// The payload is not what it should be.
    #[error("the content of the {0}: {1}")]
    Content(&'static str, #[source] canonical::Error),
    /// Signed by somebody who may not.
    #[error("the {part} is signed by {found}, expected a {role} of {trust_domain}")]
    Signer {
        /// Request or grant.
        part: &'static str,
        /// Who signed.
        found: SpiffeId,
        /// Who should have.
        role: Role,
        /// Of which mesh.
        trust_domain: String,
    },
    /// A member that does not say what it must.
    #[error("{0} does not match")]
    Mismatch(&'static str),
    /// The specification is outside its bounds.
    #[error("the specification: {0}")]
    Specification(#[from] Invalid),
    /// The grant does not hold now.
    #[error("the grant holds {from} to {until}, it is {at}")]
    Time {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        until: Timestamp,
        /// Now.
        at: Timestamp,
    },
}

fn open<T: Serialize + DeserializeOwned>(
    part: &'static str,
    document: &Document,
    payload_type: &str,
    role: Role,
    own: &Own,
    at: Timestamp,
) -> Result<(T, Identity), OrderError> {
    let signer = keys::verify_chain(&document.certificates, &own.roots, at)
        .map_err(|e| OrderError::Certificate(part, e))?;
    let id = signer.spiffe_id();
    if id.role() != role || id.trust_domain() != own.id.trust_domain() {
        let (found, trust_domain) = (id.clone(), own.id.trust_domain().to_owned());
        return Err(OrderError::Signer { part, found, role, trust_domain });
    }
    let envelope = Envelope::parse(&document.envelope, MAX_DOCUMENT_BYTES)
        .map_err(|e| OrderError::Envelope(part, e))?;
    let payload = envelope
        .open(payload_type, signer.public_key())
        .map_err(|e| OrderError::Envelope(part, e))?;
    let value = canonical::from_slice(payload, MAX_DOCUMENT_BYTES)
        .map_err(|e| OrderError::Content(part, e))?;
    Ok((value, signer))
}

fn require(holds: bool, what: &'static str) -> Result<(), OrderError> {
    if holds { Ok(()) } else { Err(OrderError::Mismatch(what)) }
}

/// Checks a grant for `key` over the request named `request`, at the instant `at`.
///
/// # Errors
/// The first rule that does not hold.
pub fn verify_grant(
    document: &Document,
    key: LeaseKey,
    request: Sha256Digest,
    own: &Own,
    at: Timestamp,
) -> Result<HeldGrant, OrderError> {
    let (grant, _): (Grant, _) =
        open("grant", document, GRANT_PAYLOAD_TYPE, Role::Scheduler, own, at)?;
    require(grant.schema == GRANT_SCHEMA, "grant.schema")?;
    require(grant.job == key.job, "grant.job")?;
    require(grant.attempt == key.attempt && key.attempt > 0, "grant.attempt")?;
    require(grant.fencing_token == key.token, "grant.fencingToken")?;
    require(grant.request == request, "grant.request")?;
    require(grant.executor.id == own.id, "grant.executor.id")?;
    require(grant.executor.key == own.key, "grant.executor.key")?;
    let (from, until) = (grant.issued_at, grant.expires_at);
    let holds =
        from < until && from <= at.plus_ms(CLOCK_SKEW_MS) && at < until.plus_ms(CLOCK_SKEW_MS);
    if !holds {
        return Err(OrderError::Time { from, until, at });
    }
    Ok(HeldGrant { grant, digest: document.digest(), document: document.clone() })
}

/// Checks request and grant of a lease at the instant `at`.
///
/// # Errors
/// The first rule that does not hold.
pub fn verify(lease: &Lease, own: &Own, at: Timestamp) -> Result<Order, OrderError> {
    let (request, signer): (Request, _) =
        open("request", &lease.request, REQUEST_PAYLOAD_TYPE, Role::User, own, at)?;
    require(request.schema == REQUEST_SCHEMA, "request.schema")?;
    require(request.user == *signer.spiffe_id(), "request.user")?;
    job::validate(&request.spec)?;
    let request_digest = lease.request.digest();
    let grant = verify_grant(&lease.grant, lease.key, request_digest, own, at)?;
    Ok(Order { key: lease.key, request, request_digest, grant })
}

#[cfg(test)]
mod tests;
