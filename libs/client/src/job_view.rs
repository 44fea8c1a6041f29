//! Jobs as users see them: the wire's message, parsed once at the border.

use ids::{JobId, Sha256Digest, Timestamp};
use job::{Image, JobState};
use proto::job::v1 as wire;
use serde::Serialize;

/// A member of an answer that does not hold what the contract promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} holds {value:?}")]
pub struct Malformed {
    /// Which member.
    pub field: &'static str,
    /// What it holds, shortened.
    pub value: String,
}

pub(crate) fn malformed(field: &'static str, value: &dyn ToString) -> Malformed {
    Malformed { field, value: value.to_string().chars().take(100).collect() }
}

/// A file that training left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFile {
    /// A label.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// Length in bytes.
    pub size: u64,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Where it is.
    pub state: JobState,
    /// How often training was started.
    pub attempt: u32,
    /// Why it is not where its user wants it; absent when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for people; may be empty.
    pub message: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The model's name.
    pub model_name: String,
    /// SHA-256 of the request's envelope.
    pub request_digest: Sha256Digest,
    /// The bundle, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_digest: Option<Sha256Digest>,
    /// What training left.
    pub outputs: Vec<OutputFile>,
    /// Who trains or trained it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
}

/// A trainer that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainerView {
    /// What a job file calls it.
    pub name: String,
    /// The image, by digest.
    pub image: Image,
}

pub(crate) fn state(value: i32) -> Result<JobState, Malformed> {
    match wire::JobState::try_from(value) {
        Ok(wire::JobState::Queued) => Ok(JobState::Queued),
        Ok(wire::JobState::Training) => Ok(JobState::Training),
        Ok(wire::JobState::Scanning) => Ok(JobState::Scanning),
        Ok(wire::JobState::Signing) => Ok(JobState::Signing),
        Ok(wire::JobState::Held) => Ok(JobState::Held),
        Ok(wire::JobState::Logging) => Ok(JobState::Logging),
        Ok(wire::JobState::Publishing) => Ok(JobState::Publishing),
        Ok(wire::JobState::Completed) => Ok(JobState::Completed),
        Ok(wire::JobState::Failed) => Ok(JobState::Failed),
        Ok(wire::JobState::Cancelled) => Ok(JobState::Cancelled),
        Ok(wire::JobState::Refused) => Ok(JobState::Refused),
        Ok(wire::JobState::Unspecified) | Err(_) => Err(malformed("job.state", &value)),
    }
}

pub(crate) fn digest(field: &'static str, text: &str) -> Result<Sha256Digest, Malformed> {
    text.parse().map_err(|_| malformed(field, &text))
}

pub(crate) fn millis(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp::from_unix_ms(
        seconds.saturating_mul(1000).saturating_add(i64::from(nanos) / 1_000_000),
    )
}

impl TryFrom<wire::Job> for JobView {
    type Error = Malformed;

    fn try_from(job: wire::Job) -> Result<Self, Malformed> {
        let outputs: Result<Vec<_>, Malformed> = job
            .outputs
            .into_iter()
            .map(|file| {
                let sha256 = digest("job.outputs.sha256", &file.sha256)?;
                Ok(OutputFile { name: file.name, sha256, size: file.size })
            })
            .collect();
        let bundle = (!job.bundle_digest.is_empty())
            .then(|| digest("job.bundle_digest", &job.bundle_digest))
            .transpose()?;
        Ok(Self {
            id: job.id.parse().map_err(|_| malformed("job.id", &job.id))?,
            state: state(job.state)?,
            attempt: job.attempt,
            reason: (!job.reason.is_empty()).then_some(job.reason),
            message: job.message,
            created_at: job.created_at.map_or_else(|| millis(0, 0), |t| millis(t.seconds, t.nanos)),
            updated_at: job.updated_at.map_or_else(|| millis(0, 0), |t| millis(t.seconds, t.nanos)),
            model_name: job.model_name,
            request_digest: digest("job.request_digest", &job.request_digest)?,
            bundle_digest: bundle,
            outputs: outputs?,
            executor: (!job.executor.is_empty()).then_some(job.executor),
        })
    }
}
