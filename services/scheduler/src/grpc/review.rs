//! ReviewService: what approvers ask. Whether a release counts is the signer's to say; what is
//! refused here, it would refuse or hold again.

use std::collections::BTreeSet;

use envelope::Envelope;
use evidence::{CLOCK_SKEW_MS, Document, RELEASE_PAYLOAD_TYPE, RELEASE_SCHEMA, Release};
use ids::{JobId, Role, Sha256Digest, SpiffeId, canonical};
use job::JobState;
use policy::{Hold, Violation};
use proto::review::v1 as wire;
use rpc::Peer;
use schedule::{Event, JobRecord, Refused};
use tonic::{Request, Response, Status};

use super::{
    Refusal, State,
    refusal::job_id,
    signer::{NotSigner, now, signer},
};
use crate::{
    proto as convert,
    records::{Write, as_document},
};

/// Findings that a refusal names.
const NAMED_MAX: usize = 10;

/// The service.
#[derive(Debug)]
pub(crate) struct Review {
    state: State,
}

impl Review {
    pub(crate) const fn new(state: State) -> Self {
        Self { state }
    }

    async fn record(&self, id: JobId) -> Result<JobRecord, Refusal> {
        let found = self.state.core.query(move |m| m.job(id).cloned()).await?;
        Ok(found.ok_or(Refused::UnknownJob(id))?)
    }

    fn hold(&self, record: &JobRecord) -> Result<Hold, Refusal> {
        let digest = record.documents.hold.ok_or(Refusal::NoHold(record.id))?;
        Ok(self.state.records.document(&digest)?)
    }

    /// Checks the approver's signature and every bound.
    fn open(&self, document: &Document, caller: &Peer) -> Result<Release, Refusal> {
        let at = now();
        let bad = |e: &dyn std::fmt::Display| Refusal::ReleaseSignature(e.to_string());
        let (_, key) =
            signer(document, caller, &self.state.identity.roots_der(), at).map_err(|error| {
                match error {
                    NotSigner::Chain(why) => Refusal::ReleaseSignature(why),
                    NotSigner::Other { signer, caller } => {
                        Refusal::NotYourRelease { signer, caller }
                    }
                }
            })?;
        let max = evidence::MAX_DOCUMENT_BYTES;
        let envelope = Envelope::parse(&document.envelope, max).map_err(|e| bad(&e))?;
        let payload = envelope.open(RELEASE_PAYLOAD_TYPE, &key).map_err(|e| bad(&e))?;
        let release: Release =
            canonical::from_slice(payload, max).map_err(|e| Refusal::argument("release", e))?;
        if release.schema != RELEASE_SCHEMA {
            return Err(Refusal::argument("release.schema", format!("{:?}", release.schema)));
        }
        if !release.is_bounded() {
            let bounds = "a reason of 1 to 2000 characters, and 1 to 10000 findings, sorted, once";
            return Err(Refusal::argument("release", bounds));
        }
        if release.decided_at > at.plus_ms(CLOCK_SKEW_MS) {
            let problem = format!("{} is in the future, it is {at} here", release.decided_at);
            return Err(Refusal::argument("release.decidedAt", problem));
        }
        Ok(release)
    }
}

/// Whether the signer would sign with this release, as far as the hold tells.
fn satisfies(release: &Release, hold: &Hold) -> Result<(), Refusal> {
    let subjects = [
        ("evidence", release.evidence, hold.evidence),
        ("policy", release.policy, hold.policy.digest),
    ];
    for (what, named, held) in subjects {
        if named != held {
            return Err(Refusal::HoldChanged { what, named, held });
        }
    }
    if hold.more > 0 {
        return Err(Refusal::TooManyFindings { more: hold.more });
    }
    let named: BTreeSet<&str> = release.violations.iter().map(String::as_str).collect();
    let keys = hold.violations.iter().map(Violation::key);
    let missing: Vec<String> = keys.filter(|key| !named.contains(key.as_str())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let first = missing.get(..NAMED_MAX).unwrap_or(&missing).join("; ");
    Err(Refusal::ReleaseIncomplete { count: missing.len(), first })
}

fn audit(release: &Release, digest: Sha256Digest, approver: &SpiffeId) {
    let Release { job, evidence, policy, violations, reason, .. } = release;
    let count = violations.len();
    tracing::info!(
        target: "audit",
        %job, %approver, release = %digest, %evidence, %policy, count, ?reason, "released"
    );
    metrics::counter!("scheduler_releases_total").increment(1);
}

#[tonic::async_trait]
impl wire::review_service_server::ReviewService for Review {
    async fn list_held(
        &self,
        request: Request<wire::ListHeldRequest>,
    ) -> Result<Response<wire::ListHeldResponse>, Status> {
        let message = request.into_inner();
        let size = match message.page_size {
            0 => 50,
            n if n <= 500 => n as usize,
            n => return Err(Refusal::argument("page_size", format!("{n} is over 500")).into()),
        };
        let after = match message.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|e| Refusal::argument("page_token", e))?),
        };
        let read = move |m: &schedule::Machine| -> Vec<wire::HeldJob> {
            m.held_after(after).take(size + 1).map(convert::held_job).collect()
        };
        let mut jobs = self.state.core.query(read).await.map_err(Refusal::from)?;
        let more = jobs.len() > size;
        jobs.truncate(size);
        let last = jobs.last().filter(|_| more).and_then(|held| held.job.as_ref());
        let next_page_token = last.map(|job| job.id.clone()).unwrap_or_default();
        Ok(Response::new(wire::ListHeldResponse { jobs, next_page_token }))
    }

    async fn get_hold(
        &self,
        request: Request<wire::GetHoldRequest>,
    ) -> Result<Response<wire::GetHoldResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let id = job_id(&request.get_ref().id)?;
        let record = self.record(id).await?;
        if caller.role() != Role::Approver && &record.user != caller.spiffe_id() {
            return Err(Refusal::from(Refused::UnknownJob(id)).into());
        }
        let hold = self.hold(&record)?;
        Ok(Response::new(convert::hold(&record, hold)))
    }

    async fn release(
        &self,
        request: Request<wire::ReleaseRequest>,
    ) -> Result<Response<wire::ReleaseResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let message = request.into_inner();
        let document: Document =
            message.release.ok_or_else(|| Refusal::argument("release", "is missing"))?.into();
        let release = self.open(&document, &caller)?;
        let (job, digest) = (release.job, document.digest());
        let record = self.record(job).await?;
        if record.state != JobState::Held {
            // The same release again, after a lost answer.
            if record.documents.release == Some(digest) {
                let job = Some(convert::job(&record));
                return Ok(Response::new(wire::ReleaseResponse { job }));
            }
            return Err(Refusal::from(Refused::NotHeld(job)).into());
        }
        satisfies(&release, &self.hold(&record)?)?;
        let (_, bytes) = as_document(&document).map_err(|e| Refusal::argument("release", e))?;
        let writes = vec![Write::Document(digest, bytes)];
        let event = Event::Released { job, release: digest };
        let applied = self.state.core.apply(event, writes).await.map_err(Refusal::from)?;
        if !applied.changes.moved.is_empty() {
            audit(&release, digest, caller.spiffe_id());
        }
        let record = self.record(job).await?;
        Ok(Response::new(wire::ReleaseResponse { job: Some(convert::job(&record)) }))
    }
}
