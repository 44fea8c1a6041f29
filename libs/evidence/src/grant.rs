//! The grant: one attempt of one job, for one executor, for a limited time.

use ids::{Attempt, Digests, FencingToken, JobId, Sha256Digest, SpiffeId, Timestamp};
use keys::KeyId;
use serde::{Deserialize, Serialize};

/// The DSSE payload type of a grant.
pub const GRANT_PAYLOAD_TYPE: &str = "application/vnd.aibom.grant.v1+json";
/// The value of `schema`.
pub const GRANT_SCHEMA: &str = "aibom.grant.v1";

/// To whom: both must match the certificate that signs the training evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Grantee {
    /// SPIFFE id of the executor.
    pub id: SpiffeId,
    /// Its key when the lease was given.
    pub key: KeyId,
}

/// What the scheduler's key signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Grant {
    /// Always [`GRANT_SCHEMA`].
    pub schema: String,
    /// The job.
    pub job: JobId,
    /// From 1.
    pub attempt: Attempt,
    /// SHA-256 of the request's envelope.
    pub request: Sha256Digest,
    /// To whom.
    pub executor: Grantee,
    /// Random, 32 bytes as hex: this lease and no other.
    pub nonce: Sha256Digest,
    /// Grows with every lease of the mesh.
    pub fencing_token: FencingToken,
    /// When the lease began, by the scheduler's clock.
    pub issued_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
    /// The scheduler's own program.
    pub scheduler: Program,
    /// Who runs this mesh, as the scheduler is configured; absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
}

/// A service's own program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Program {
    /// Its version.
    pub version: String,
    /// Digests of the file that runs.
    pub digest: Digests,
}

/// Who runs a mesh. Each text is 1 to 256 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operator {
    /// The organisation.
    pub name: String,
    /// Its web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A mail address for questions on its AIBoMs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// URL of its security policy or `security.txt` (RFC 9116).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_policy: Option<String>,
}
