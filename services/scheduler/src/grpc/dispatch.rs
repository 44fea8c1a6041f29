//! DispatchService: what executors ask.

use std::time::{Duration, SystemTime};

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, link::sign_metadata};
use evidence::{Document, GRANT_PAYLOAD_TYPE, Grant, Grantee, TrainingStatement, submit_link};
use ids::{Sha256Digest, Timestamp, canonical};
use job::Reason;
use proto::{dispatch::v1 as wire, evidence::v1::SignedDocument};
use rpc::Peer;
use schedule::Granted;
use schedule::{Event, Failure, FailureKind, LeaseKey, Machine, OutputFile, Trained};
use tonic::{Request, Response, Status};

use super::{Refusal, State, refusal::job_id};
use crate::{
    live::Progress,
    proto as convert,
    records::{Owner, Write, as_document},
};

/// The longest wait for work, in milliseconds.
const WAIT_MS_MAX: u32 = 30_000;
/// A waiting executor looks again at least this often: a job's own wait may be over.
const LOOK_AGAIN: Duration = Duration::from_millis(1_000);
/// The most metrics in one report.
const METRICS_MAX: usize = 64;

/// The service.
#[derive(Debug)]
pub(crate) struct Dispatch {
    state: State,
}

impl Dispatch {
    pub(crate) const fn new(state: State) -> Self {
        Self { state }
    }

    fn sign(&self, granted: Granted) -> Result<Document, Refusal> {
        let grant = granted.by(self.state.program.clone(), self.state.operator.clone());
        let payload = canonical::to_vec(&grant).map_err(envelope::SealError::from)?;
        let credentials = self.state.identity.current();
        let envelope =
            Envelope::seal(GRANT_PAYLOAD_TYPE, payload, credentials.signing_key().as_ref())?;
        Ok(Document {
            envelope: envelope.as_bytes().to_vec(),
            certificates: credentials.certificate_chain_der().to_vec(),
        })
    }

    async fn lease_once(&self, caller: &Peer) -> Result<Option<wire::Lease>, Refusal> {
        let inventory =
            self.state.fleet.inventory(caller.spiffe_id()).ok_or(Refusal::NotRegistered)?;
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|e| Refusal::argument("randomness", e))?;
        let event = Event::LeaseAsked {
            executor: Grantee { id: caller.spiffe_id().clone(), key: caller.public_key().key_id() },
            images: inventory.images,
            gpus: inventory.gpus,
            nonce: Sha256Digest::from_bytes(nonce),
        };
        let applied = self.state.core.apply(event, Vec::new()).await?;
        let Some(grant) = applied.changes.grant else {
            return Ok(None);
        };
        self.state.live.begin(grant.job);
        let request: Document = self.state.records.document(&grant.request)?;
        let (job_id, attempt) = (grant.job.to_string(), grant.attempt);
        let fencing_token = grant.fencing_token;
        let grant = Some(self.sign(grant)?.into());
        Ok(Some(wire::Lease {
            job_id,
            attempt,
            fencing_token,
            request: Some(request.into()),
            grant,
        }))
    }

    /// The grant that comes back must be one that a scheduler of this mesh gave for this lease.
    fn is_our_grant(
        &self,
        document: &Document,
        key: &LeaseKey,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let bad = |e: &dyn std::fmt::Display| Refusal::argument("success.grant", e);
        let roots = self.state.identity.roots_der();
        let signer =
            keys::verify_chain(&document.certificates, &roots, now).map_err(|e| bad(&e))?;
        if signer.spiffe_id() != self.state.identity.spiffe_id() {
            return Err(bad(&format_args!("signed by {}", signer.spiffe_id())));
        }
        let payload = document.payload(GRANT_PAYLOAD_TYPE, &signer).map_err(|e| bad(&e))?;
        let grant: Grant =
            canonical::from_slice(&payload, evidence::MAX_DOCUMENT_BYTES).map_err(|e| bad(&e))?;
        let granted = (grant.job, grant.attempt, grant.fencing_token, &grant.executor.id);
        if granted == (key.job, key.attempt, key.token, &key.executor) {
            return Ok(());
        }
        Err(bad(&"is of another lease"))
    }

    /// Reads the executor's evidence as far as the scheduler needs it: the signer judges it.
    async fn success(
        &self,
        key: LeaseKey,
        success: wire::Success,
    ) -> Result<(Event, Vec<Write>), Refusal> {
        let document = |field, message: Option<SignedDocument>| -> Result<Document, Refusal> {
            Ok(message.ok_or_else(|| Refusal::argument(field, "is missing"))?.into())
        };
        let training = document("success.training", success.training)?;
        let grant = document("success.grant", success.grant)?;
        let bad = |e: &dyn std::fmt::Display| Refusal::argument("success.training", e);
        let now = Timestamp::from(SystemTime::now());
        let roots = self.state.identity.roots_der();
        let signer =
            keys::verify_chain(&training.certificates, &roots, now).map_err(|e| bad(&e))?;
        if signer.spiffe_id() != &key.executor {
            return Err(bad(&format_args!("signed by {}", signer.spiffe_id())));
        }
        let payload = training.payload(IN_TOTO_PAYLOAD_TYPE, &signer).map_err(|e| bad(&e))?;
        let statement: TrainingStatement =
            canonical::from_slice(&payload, evidence::MAX_DOCUMENT_BYTES).map_err(|e| bad(&e))?;
        self.is_our_grant(&grant, &key, now)?;
        let named = statement.predicate.build_definition.internal_parameters.grant;
        if named != grant.digest() {
            return Err(Refusal::argument("success.grant", "is not the one the evidence names"));
        }
        let job = key.job;
        let record = move |m: &Machine| {
            m.job(job).and_then(|r| Some((r.user.clone(), r.documents.request?)))
        };
        let record = self.state.core.query(record).await?;
        let (user, request) = record.ok_or(schedule::Refused::UnknownJob(job))?;
        let attempt = Owner::Attempt(job, key.attempt);
        let mut outputs = Vec::new();
        for subject in &statement.subject {
            let sha256 = subject.sha256_digest().ok_or_else(|| bad(&"a subject has no SHA-256"))?;
            let name = subject.name.clone().unwrap_or_default();
            let size = self.state.records.owned(&sha256, &attempt)?;
            let size =
                size.ok_or_else(|| bad(&format_args!("the output {name} was not uploaded")))?;
            outputs.push(OutputFile { name, sha256, size });
        }
        let submission = self.submission(&request)?;
        let writes = [&training, &grant, &submission].map(|document| {
            let (_, bytes) = as_document(document).map_err(|e| bad(&e))?;
            Ok(Write::Document(document.digest(), bytes))
        });
        let [training, grant, submission] = [training, grant, submission].map(|d| d.digest());
        let mut writes = writes.into_iter().collect::<Result<Vec<_>, Refusal>>()?;
        // The log is its user's at once, unless a trainer printed its very output.
        for log in statement.predicate.run_details.byproducts.iter().take(1) {
            let digest = log.sha256_digest().filter(|d| outputs.iter().all(|o| o.sha256 != *d));
            let Some(artifact) = digest else { continue };
            if let Some(size) = self.state.records.owned(&artifact, &attempt)? {
                writes.push(Write::Owner { artifact, size, who: Owner::User(user.clone()) });
            }
        }
        let result = Trained { grant, training, submission, outputs };
        Ok((Event::Trained { lease: key, result }, writes))
    }

    /// Signs the link of the submit step for a request in the store. Stored with the training
    /// evidence, so that the signer is sent the same bytes however often it is asked.
    fn submission(&self, request: &Sha256Digest) -> Result<Document, Refusal> {
        let document: Document = self.state.records.document(request)?;
        let envelope = Envelope::parse(&document.envelope, evidence::MAX_DOCUMENT_BYTES);
        let bad = |e: &dyn std::fmt::Display| Refusal::argument("request", e);
        let envelope = envelope.map_err(|e| bad(&e))?;
        let request: job::Request =
            canonical::from_slice(envelope.unverified_payload(), evidence::MAX_DOCUMENT_BYTES)
                .map_err(|e| bad(&e))?;
        let link = submit_link(&request, document.digest());
        let credentials = self.state.identity.current();
        Ok(Document {
            envelope: sign_metadata(&link, credentials.signing_key().as_ref())?,
            certificates: credentials.certificate_chain_der().to_vec(),
        })
    }
}

fn lease_key(caller: &Peer, job: &str, attempt: u32, token: u64) -> Result<LeaseKey, Refusal> {
    Ok(LeaseKey { job: job_id(job)?, attempt, token, executor: caller.spiffe_id().clone() })
}

fn failure(message: &wire::Failure) -> Failure {
    let kind = match message.kind() {
        wire::FailureKind::Job => FailureKind::Job,
        wire::FailureKind::Refused => FailureKind::Refused,
        wire::FailureKind::Cancelled => FailureKind::Cancelled,
        wire::FailureKind::Infrastructure | wire::FailureKind::Unspecified => {
            FailureKind::Infrastructure
        }
    };
    let clean = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    Failure {
        kind,
        reason: Reason::parse(&message.reason).unwrap_or(Reason::Infrastructure),
        message: message.message.chars().take(4096).map(clean).collect(),
    }
}

#[tonic::async_trait]
impl wire::dispatch_service_server::DispatchService for Dispatch {
    async fn register(
        &self,
        request: Request<wire::RegisterRequest>,
    ) -> Result<Response<wire::RegisterResponse>, Status> {
        let executor = rpc::peer(&request)?.spiffe_id().clone();
        let inventory = request.into_inner().inventory.unwrap_or_default();
        let inventory =
            convert::inventory(&inventory).map_err(|e| Refusal::argument("inventory", e))?;
        tracing::info!(%executor, images = inventory.images.len(), gpus = inventory.gpus, "executor registered");
        self.state.fleet.register(executor, inventory);
        let lease_ttl_ms = u32::try_from(self.state.lease_ttl_ms).unwrap_or(u32::MAX);
        Ok(Response::new(wire::RegisterResponse { lease_ttl_ms }))
    }

    async fn lease(
        &self,
        request: Request<wire::LeaseRequest>,
    ) -> Result<Response<wire::LeaseResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let wait = Duration::from_millis(request.get_ref().wait_ms.min(WAIT_MS_MAX).into());
        let until = tokio::time::Instant::now() + wait;
        loop {
            let queued = self.state.core.queued();
            tokio::pin!(queued);
            let lease = self.lease_once(&caller).await?;
            let over = tokio::time::Instant::now() >= until;
            if lease.is_some() || over {
                let trace = lease.as_ref().and_then(|l| {
                    let id = l.job_id.parse().ok()?;
                    self.state.records.trace(id).ok().flatten()?.parse().ok()
                });
                let mut response = Response::new(wire::LeaseResponse { lease });
                if let Some(trace) = trace {
                    response.metadata_mut().insert("traceparent", trace);
                }
                return Ok(response);
            }
            let again = (tokio::time::Instant::now() + LOOK_AGAIN).min(until);
            tokio::select! {
                () = &mut queued => {}
                () = tokio::time::sleep_until(again) => {}
            }
        }
    }

    async fn renew(
        &self,
        request: Request<wire::RenewRequest>,
    ) -> Result<Response<wire::RenewResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let m = request.into_inner();
        let lease = lease_key(&caller, &m.job_id, m.attempt, m.fencing_token)?;
        let applied = self
            .state
            .core
            .apply(Event::Renewed { lease, key: caller.public_key().key_id() }, Vec::new())
            .await;
        let changes = applied.map_err(Refusal::from)?.changes;
        let directive =
            if changes.cancel { wire::Directive::Cancel } else { wire::Directive::Continue };
        let grant = changes.grant.map(|grant| self.sign(grant)).transpose()?;
        let (directive, grant) = (directive.into(), grant.map(Into::into));
        Ok(Response::new(wire::RenewResponse { directive, grant }))
    }

    async fn progress(
        &self,
        request: Request<wire::ProgressRequest>,
    ) -> Result<Response<wire::ProgressResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let m = request.into_inner();
        let key = lease_key(&caller, &m.job_id, m.attempt, m.fencing_token)?;
        let job = key.job;
        let held = self.state.core.query(move |machine| machine.holds(&key).map(|_| ())).await;
        held.map_err(Refusal::from)?.map_err(Refusal::from)?;
        let metrics = m.metrics.into_iter().filter(|(_, v)| v.is_finite()).take(METRICS_MAX);
        let (epoch, epochs, stage) = (m.epoch, m.epochs, String::new());
        let progress = Progress { epoch, epochs, metrics: metrics.collect(), stage };
        let progress = (progress.epochs > 0).then_some(progress);
        self.state.live.report(job, &m.log, progress);
        self.state.core.touch(job);
        Ok(Response::new(wire::ProgressResponse {}))
    }

    async fn complete(
        &self,
        request: Request<wire::CompleteRequest>,
    ) -> Result<Response<wire::CompleteResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let m = request.into_inner();
        let key = lease_key(&caller, &m.job_id, m.attempt, m.fencing_token)?;
        let job = key.job;
        let (event, mut writes) = match m.result {
            Some(wire::complete_request::Result::Success(success)) => {
                self.success(key, success).await?
            }
            Some(wire::complete_request::Result::Failure(message)) => {
                (Event::AttemptFailed { lease: key, failure: failure(&message) }, Vec::new())
            }
            None => return Err(Refusal::argument("result", "is missing").into()),
        };
        if let Some((dropped, log)) = self.state.live.kept(job) {
            writes.push(Write::Log(job, dropped, log));
        }
        let applied = self.state.core.apply(event, writes).await.map_err(Refusal::from)?;
        if !applied.changes.moved.is_empty() {
            self.state.live.end(job);
            self.state.core.touch(job);
        }
        Ok(Response::new(wire::CompleteResponse {}))
    }
}
