//! SPIFFE ids of the form `spiffe://<trust-domain>/<role>/<name>` (SPIFFE-ID spec, section 2).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a party of the mesh is; the first path segment of its SPIFFE id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A person or a pipeline that asks for jobs.
    User,
    /// Queues jobs and routes evidence.
    Scheduler,
    /// Runs training containers.
    Executor,
    /// Scans what ran.
    Scanner,
    /// Holds the platform key.
    Signer,
    /// Keeps the transparency log.
    Ledger,
    /// Answers verification requests.
    Verifier,
    /// A person who may release what a policy holds.
    Approver,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::User,
        Self::Scheduler,
        Self::Executor,
        Self::Scanner,
        Self::Signer,
        Self::Ledger,
        Self::Verifier,
        Self::Approver,
    ];

    /// The path segment that names the role.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Scheduler => "scheduler",
            Self::Executor => "executor",
            Self::Scanner => "scanner",
            Self::Signer => "signer",
            Self::Ledger => "ledger",
            Self::Verifier => "verifier",
            Self::Approver => "approver",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| SpiffeIdError::Role(text.chars().take(64).collect()))
    }
}

/// Why a text is not one of our SPIFFE ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// Not `spiffe://<trust-domain>/<role>/<name>`.
    #[error("not of the form spiffe://<trust-domain>/<role>/<name>: {0:?}")]
    Form(String),
    /// The trust domain has a character outside `[a-z0-9.-]` or a bad length.
    #[error("bad trust domain {0:?}: 1 to 255 of a-z, 0-9, '.', '-'")]
    TrustDomain(String),
    /// The role is none of ours.
    #[error("unknown role {0:?}")]
    Role(String),
    /// The name has a character outside `[a-z0-9._-]` or a bad length.
    #[error("bad name {0:?}: 1 to 64 of a-z, 0-9, '.', '_', '-', not '.' or '..'")]
    Name(String),
}

/// Who a party is: trust domain, role and name, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpiffeId {
    trust_domain: String,
    role: Role,
    name: String,
}

impl SpiffeId {
    /// Builds an id from its checked parts.
    ///
    /// # Errors
    /// When a part has a character or a length that the form does not allow.
    pub fn new(trust_domain: &str, role: Role, name: &str) -> Result<Self, SpiffeIdError> {
        let domain_ok = (1..=255).contains(&trust_domain.len())
            && trust_domain.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
        if !domain_ok {
            return Err(SpiffeIdError::TrustDomain(trust_domain.chars().take(64).collect()));
        }
        let name_ok = (1..=64).contains(&name.len())
            && name != "."
            && name != ".."
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
        if !name_ok {
            return Err(SpiffeIdError::Name(name.chars().take(64).collect()));
        }
        Ok(Self { trust_domain: trust_domain.to_owned(), role, name: name.to_owned() })
    }

    /// The trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The name within the role.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || SpiffeIdError::Form(text.chars().take(200).collect());
        let rest = text.strip_prefix("spiffe://").ok_or_else(form)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let [trust_domain, role, name] = parts.as_slice() else {
            return Err(form());
        };
        Self::new(trust_domain, role.parse()?, name)
    }
}

impl TryFrom<String> for SpiffeId {
    type Error = SpiffeIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SpiffeId> for String {
    fn from(id: SpiffeId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/{}/{}", self.trust_domain, self.role, self.name)
    }
}
