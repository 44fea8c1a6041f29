//! A record: what became of a job that has no AIBoM, or what the mesh was given to go by. The
//! scheduler signs it and the ledger has its commitment, so that no outcome can be unsaid later.

use ids::{Attempt, JobId, Sha256Digest, Timestamp};
use job::Reason;
use serde::{Deserialize, Serialize};

use crate::MAX_SCANS;

/// The DSSE payload type of a record.
pub const RECORD_PAYLOAD_TYPE: &str = "application/vnd.aibom.record.v1+json";
/// The value of `schema`.
pub const RECORD_SCHEMA: &str = "aibom.record.v1";
/// The longest record, envelope and all, in bytes.
pub const MAX_RECORD_BYTES: usize = 16 * 1024;

/// What the scheduler's key signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Record {
    /// Always [`RECORD_SCHEMA`].
    pub schema: String,
    /// What it is about.
    pub about: About,
    /// When that was, by the scheduler's clock.
    pub at: Timestamp,
}

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", tag = "kind")]
pub enum About {
    /// What became of a job.
    Job(JobOutcome),
    /// The scheduler was given a trust root that it had not seen before.
    TrustRoot {
        /// Its version.
        version: u64,
        /// SHA-256 of its envelope.
        digest: Sha256Digest,
    },
    /// The same of a release policy.
    Policy {
        /// What people call it. 1 to 64 of a-z, 0-9, `.`, `_`, `-`.
        name: String,
        /// Its version.
        version: u64,
        /// SHA-256 of its envelope.
        digest: Sha256Digest,
    },
}

/// How a job ended, or that it was stopped or let go on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It failed: the run, a stage after it, or the signer denied the signature.
    Failed,
    /// An input was refused before anything ran.
    Refused,
    /// Its user stopped it.
    Cancelled,
    /// The release policy holds it.
    Held,
    /// Nobody released it in time.
    HoldExpired,
    /// An approver released it; the signer decides next.
    Released,
    /// The signer did not take the release: the job is held as before.
    ReleaseRefused,
}

impl Outcome {
    /// As the document spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Held => "held",
            Self::HoldExpired => "holdExpired",
            Self::Released => "released",
            Self::ReleaseRefused => "releaseRefused",
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Held | Self::Released | Self::ReleaseRefused)
    }
}

/// What became of a job, and the documents behind it: each by the SHA-256 of its envelope, absent
/// where the job did not come so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JobOutcome {
    /// The job.
    pub job: JobId,
    /// The user's request.
    pub request: Sha256Digest,
    /// How often training was started; 0: never.
    pub attempt: Attempt,
    /// Which change of the job's state this was, from 1.
    pub sequence: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Why; absent where it needs no reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Sha256Digest>,
    /// The training evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Sha256Digest>,
    /// The scans, in their order. At most [`MAX_SCANS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scans: Vec<Sha256Digest>,
    /// The policy that holds the job, or held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Sha256Digest>,
    /// The approver's release; the one that was refused, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Sha256Digest>,
}

impl JobOutcome {
    /// Whether its members fit together.
    fn is_bounded(&self) -> bool {
        let said = match self.outcome {
            Outcome::Released => self.reason.is_none() && self.release.is_some(),
            Outcome::Held => self.reason == Some(Reason::PolicyHold) && self.release.is_none(),
            Outcome::ReleaseRefused => {
                self.reason == Some(Reason::PolicyHold) && self.release.is_some()
            }
            Outcome::HoldExpired => self.reason == Some(Reason::HoldExpired),
            Outcome::Cancelled => self.reason == Some(Reason::Cancelled),
            Outcome::Failed => self.reason.is_some_and(|reason| reason != Reason::HoldExpired),
            Outcome::Refused => self.reason.is_some(),
        };
        said && self.sequence > 0 && self.scans.len() <= MAX_SCANS
    }
}

impl Record {
    /// What the scheduler signs about `about`.
    #[must_use]
    pub fn new(about: About, at: Timestamp) -> Self {
        Self { schema: RECORD_SCHEMA.to_owned(), about, at }
    }

    /// Whether its members are within their bounds and fit together.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        match &self.about {
            About::Job(outcome) => outcome.is_bounded(),
            About::TrustRoot { version, .. } => is_version(*version),
            About::Policy { name, version, .. } => is_name(name) && is_version(*version),
        }
    }
}

/// Greater numbers are not exact in every JSON reader.
const fn is_version(version: u64) -> bool {
    version >= 1 && version < 1 << 53
}

fn is_name(name: &str) -> bool {
    let plain = |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}
