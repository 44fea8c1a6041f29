//! The grant: one attempt of one job, for one executor, for a limited time.

use ids::{Attempt, Digests, FencingToken, JobId, Sha256Digest, SpiffeId, Timestamp};
use job::is_web_address;
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

/// Who runs a mesh, within the bounds that [`Operator::validate`] checks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operator {
    /// The organisation. 1 to 256 characters.
    pub name: String,
    /// Its web address ([`job::is_web_address`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A mail address for questions on its AIBoMs: `<local part>@<host name>`, at most 254 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Web address of its security policy or `security.txt` (RFC 9116).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_policy: Option<String>,
}

/// A member of an [`Operator`] outside its bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operator.{key} is {value:?}: must be {bound}")]
pub struct InvalidOperator {
    /// Which member, as a configuration spells it.
    pub key: &'static str,
    /// What it holds, shortened.
    pub value: String,
    /// What it may hold.
    pub bound: &'static str,
}

impl Operator {
    /// Checks every member.
    ///
    /// # Errors
    /// The first that is outside its bound.
    pub fn validate(&self) -> Result<(), InvalidOperator> {
        const ADDRESS: &str = "an https:// or http:// address of at most 1024 bytes";
        let named = (1..=256).contains(&self.name.chars().count())
            && !self.name.chars().any(char::is_control);
        let optional = |text: &Option<String>, holds: fn(&str) -> bool| {
            text.as_deref().filter(|text| !holds(text)).map(str::to_owned)
        };
        let name = (!named).then(|| self.name.clone());
        let wrong = [
            ("name", name, "1 to 256 characters without control characters"),
            ("url", optional(&self.url, is_web_address), ADDRESS),
            ("email", optional(&self.email, is_mail_address), "a mail address"),
            ("security_policy", optional(&self.security_policy, is_web_address), ADDRESS),
        ];
        match wrong.into_iter().find_map(|(key, value, bound)| Some((key, value?, bound))) {
            None => Ok(()),
            Some((key, value, bound)) => {
                Err(InvalidOperator { key, value: value.chars().take(80).collect(), bound })
            }
        }
    }
}

/// A mail address without comments, quotes and literals (RFC 5321, section 4.1.2), which few mail
/// systems take.
fn is_mail_address(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    let atom = |atom: &str, others: &[u8]| {
        !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || others.contains(&b))
    };
    text.len() <= 254
        && local.split('.').all(|part| atom(part, b"!#$%&'*+-/=?^_`{|}~"))
        && host
            .split('.')
            .all(|label| atom(label, b"-") && !label.starts_with('-') && !label.ends_with('-'))
}
