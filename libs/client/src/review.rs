//! ReviewService as an approver calls it, and a user about an own job.

use evidence::{Document, Level, MAX_VIOLATIONS};
use ids::{JobId, Sha256Digest, Timestamp};
use proto::review::v1::{self as wire, review_service_client::ReviewServiceClient};
use rpc::Channel;
use serde::Serialize;

use crate::{
    CallError, JobView,
    call::retry,
    job_view::{Malformed, digest, malformed, millis},
    jobs::view,
};

/// A held job in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldJob {
    /// The job.
    pub job: JobView,
    /// Whose it is: SPIFFE id.
    pub user: String,
    /// The image, as the request names it.
    pub image: String,
    /// How many findings hold it.
    pub findings: u64,
    /// The last instant at which it can be released.
    pub held_until: Timestamp,
}

/// A page of held jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldPage {
    /// Soonest to end first.
    pub jobs: Vec<HeldJob>,
    /// Asks for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Names the policy that holds a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// SHA-256 of its envelope.
    pub digest: Sha256Digest,
}

/// One thing that holds a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which rule: `completeness`, `file`, `secret`, `vulnerability`, `misconfiguration`, `licence`.
    pub kind: String,
    /// A CVE, a rule, a licence, or what a scan lacks.
    pub id: String,
    /// A package URL, a file, a path, or a target.
    pub subject: String,
    /// How bad.
    pub severity: Level,
    /// What was found, and what mends it.
    pub detail: String,
}

impl Finding {
    /// What a release calls it. Made of what people are shown, so that they sign what they saw.
    #[must_use]
    pub fn key(&self) -> String {
        policy::violation_key(&self.kind, &self.id, &self.subject)
    }
}

/// Why a job is held, or last was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldView {
    /// The job.
    pub job: JobId,
    /// The last instant at which it can be released.
    pub held_until: Timestamp,
    /// SHA-256 over the evidence.
    pub evidence: Sha256Digest,
    /// The policy.
    pub policy: PolicyView,
    /// What the policy objects to.
    pub findings: Vec<Finding>,
    /// How many there are beyond those; a job with such cannot be released.
    pub more: u64,
}

/// A client of the scheduler's ReviewService. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Review {
    client: ReviewServiceClient<Channel>,
}

impl TryFrom<wire::HeldJob> for HeldJob {
    type Error = Malformed;

    fn try_from(held: wire::HeldJob) -> Result<Self, Malformed> {
        let until = held.held_until.ok_or_else(|| malformed("job.held_until", &"nothing"))?;
        let job = held.job.ok_or_else(|| malformed("job.job", &"nothing"))?;
        Ok(Self {
            job: job.try_into()?,
            user: held.user,
            image: held.image,
            findings: held.violations,
            held_until: millis(until.seconds, until.nanos),
        })
    }
}

impl TryFrom<wire::GetHoldResponse> for HoldView {
    type Error = Malformed;

    fn try_from(hold: wire::GetHoldResponse) -> Result<Self, Malformed> {
        let held: HeldJob =
            hold.job.ok_or_else(|| malformed("job", &"nothing")).and_then(TryInto::try_into)?;
        let count = hold.violations.len();
        if count > MAX_VIOLATIONS {
            return Err(malformed("violations", &count));
        }
        let findings = hold.violations.into_iter().map(|found| Finding {
            kind: found.kind,
            id: found.id,
            subject: found.subject,
            severity: Level::of(&found.severity),
            detail: found.detail,
        });
        Ok(Self {
            job: held.job.id,
            held_until: held.held_until,
            evidence: digest("evidence_digest", &hold.evidence_digest)?,
            policy: PolicyView {
                name: hold.policy_name,
                version: hold.policy_version,
                digest: digest("policy_digest", &hold.policy_digest)?,
            },
            findings: findings.collect(),
            more: hold.more,
        })
    }
}

impl Review {
    /// A client over `channel`.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        let client =
            ReviewServiceClient::new(channel).max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
        Self { client }
    }

    /// A page of the held jobs, soonest to end first; `size` is 1 to 500. For approvers.
    ///
    /// # Errors
    /// When the scheduler refuses or stays unreachable.
    pub async fn held(&self, size: u32, after: Option<&str>) -> Result<HeldPage, CallError> {
        let what = "cannot list the held jobs";
        let page_token = after.unwrap_or_default().to_owned();
        let message = wire::ListHeldRequest { page_size: size, page_token };
        let answer = retry(what, || {
            let (mut client, message) = (self.client.clone(), message.clone());
            async move { client.list_held(message).await }
        });
        let answer = answer.await?.into_inner();
        let jobs: Result<_, Malformed> = answer.jobs.into_iter().map(HeldJob::try_from).collect();
        Ok(HeldPage {
            jobs: jobs.map_err(|error| CallError::malformed(what, error))?,
            next: (!answer.next_page_token.is_empty()).then_some(answer.next_page_token),
        })
    }

    /// Why a job is held, or last was. For approvers, and for its user.
    ///
    /// # Errors
    /// NOT_FOUND when there is no such job, or it was never held; or when the scheduler stays
    /// unreachable.
    pub async fn hold(&self, id: JobId) -> Result<HoldView, CallError> {
        let what = format!("cannot get why the job {id} is held");
        let answer = retry(what.clone(), || {
            let mut client = self.client.clone();
            async move { client.get_hold(wire::GetHoldRequest { id: id.to_string() }).await }
        });
        let hold = HoldView::try_from(answer.await?.into_inner());
        let hold = hold.and_then(|hold| {
            if hold.job == id { Ok(hold) } else { Err(malformed("job.job.id", &hold.job)) }
        });
        hold.map_err(|error| CallError::malformed(what, error))
    }

    /// Hands in a signed release; the same document again changes nothing. For approvers.
    ///
    /// # Errors
    /// When the scheduler refuses it or stays unreachable.
    pub async fn release(&self, release: &Document) -> Result<JobView, CallError> {
        let what = "cannot release the job";
        let message = wire::ReleaseRequest { release: Some(release.clone().into()) };
        let answer = retry(what, || {
            let (mut client, message) = (self.client.clone(), message.clone());
            async move { client.release(message).await }
        });
        view(what, answer.await?.into_inner().job)
    }
}
