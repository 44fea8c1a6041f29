//! The request: what the user's key signs.

use ids::{SpiffeId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::JobSpec;

/// The DSSE payload type of a request.
pub const REQUEST_PAYLOAD_TYPE: &str = "application/vnd.aibom.request.v1+json";
/// The value of `schema`.
pub const REQUEST_SCHEMA: &str = "aibom.request.v1";

/// A job as its user asked for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// Always [`REQUEST_SCHEMA`].
    pub schema: String,
    /// Made by the client; the same key with the same request is the same job.
    pub idempotency_key: Uuid,
    /// When, by the user's clock.
    pub requested_at: Timestamp,
    /// Who asks: the SPIFFE id of the signing certificate.
    pub user: SpiffeId,
    /// What is asked for.
    pub spec: JobSpec,
}
