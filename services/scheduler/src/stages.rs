//! The stages after training: each is one idempotent call, tried again until it is answered.

use std::sync::Arc;

use artifacts::ArtifactStore;
use bundle::{BUNDLE_SCHEMA, Bundle, Inclusion, Signatures};
use evidence::{Document, EvidenceSet};
use ids::{Sha256Digest, Timestamp};
use job::Reason;
use policy::Hold;
use schedule::{Done, Event, Held, JobRecord, Stage};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::{
    core::{Core, StartStage},
    grpc::Peers,
    ledger::Ledger,
    records::{Committed, Owner, RecordError, Records, What, Write, as_document},
    scanning::{self, Scanning},
};

/// Calls of one stage that are under way at once.
const CALLS_MAX: usize = 32;

/// What the signer answered, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignedAnswer {
    #[serde(with = "envelope::b64")]
    pub(crate) aibom: Vec<u8>,
    #[serde(with = "envelope::b64")]
    pub(crate) attestation: Vec<u8>,
    pub(crate) signatures: Signatures,
    #[serde(with = "envelope::b64")]
    pub(crate) policy: Vec<u8>,
    #[serde(with = "envelope::b64")]
    pub(crate) salt: Vec<u8>,
}

/// What the signer says to evidence that holds.
#[derive(Debug)]
pub(crate) enum Attested {
    /// It signed.
    Signed(Box<SignedAnswer>),
    /// Its policy holds the job.
    Held(Box<Hold>),
}

/// Why a stage did not end well.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}: {message}")]
pub(crate) struct StageError {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    /// Whether the same call may be made again.
    pub(crate) again: bool,
}

impl StageError {
    pub(crate) fn ours(error: impl std::fmt::Display) -> Self {
        Self { reason: Reason::StageUnavailable, message: error.to_string(), again: true }
    }
}

impl From<RecordError> for StageError {
    fn from(error: RecordError) -> Self {
        Self::ours(error)
    }
}

/// What follows from a call that was answered.
enum Next {
    Done(Done),
    Held { hold: Sha256Digest, held: Held, message: String },
}

type Outcome = Result<(Next, Vec<Write>), StageError>;

struct Shared {
    records: Records,
    store: ArtifactStore,
    peers: Peers,
    ledger: Ledger,
    scanning: Scanning,
    places: [Semaphore; 4],
    shutdown: rpc::CancellationToken,
}

/// Runs stages.
#[derive(Clone)]
pub(crate) struct Stages(Arc<Shared>);

impl Stages {
    pub(crate) fn new(
        records: Records,
        store: ArtifactStore,
        peers: Peers,
        ledger: Ledger,
        scanning: Scanning,
        shutdown: rpc::CancellationToken,
    ) -> Self {
        let places = std::array::from_fn(|_| Semaphore::new(CALLS_MAX));
        Self(Arc::new(Shared { records, store, peers, ledger, scanning, places, shutdown }))
    }
}

impl StartStage for Stages {
    fn start(&self, core: &Core, job: &JobRecord, stage: Stage) {
        let (shared, core, job) = (Arc::clone(&self.0), core.clone(), job.clone());
        let span = tracing::info_span!("stage", job = %job.id, ?stage);
        if let Ok(Some(parent)) = shared.records.trace(job.id) {
            telemetry::set_parent(&span, &parent);
        }
        let work = async move {
            let work = shared.drive(&core, &job, stage);
            shared.shutdown.run_until_cancelled(work).await;
        };
        tokio::spawn(work.instrument(span));
    }
}

impl Shared {
    async fn drive(&self, core: &Core, job: &JobRecord, stage: Stage) {
        let [scan, sign, log, publish] = &self.places;
        let places = match stage {
            Stage::Scan => scan,
            Stage::Sign => sign,
            Stage::Log => log,
            Stage::Publish => publish,
        };
        let Ok(_place) = places.acquire().await else { return };
        let started = std::time::Instant::now();
        let outcome = match stage {
            Stage::Scan => self.scan(core, job).await,
            Stage::Sign => self.sign(job).await,
            Stage::Log => self.log(job).await,
            Stage::Publish => self.publish(job).await,
        };
        let name = format!("{stage:?}").to_lowercase();
        metrics::histogram!("scheduler_stage_seconds", "stage" => name).record(started.elapsed());
        let (event, writes) = match outcome {
            Ok((Next::Done(done), writes)) => {
                tracing::info!(?done, "stage done");
                (Event::StageDone { job: job.id, done }, writes)
            }
            Ok((Next::Held { hold, held, message }, writes)) => {
                tracing::warn!(%hold, message, "the policy holds the job");
                (Event::Held { job: job.id, hold, held, message }, writes)
            }
            Err(StageError { reason, message, again }) => {
                tracing::warn!(%reason, message, again, "stage failed");
                (Event::StageFailed { job: job.id, stage, reason, message, again }, Vec::new())
            }
        };
        if let Err(error) = core.apply(event, writes).await {
            tracing::warn!(%error, "a stage's end was not taken");
        }
    }

    async fn scan(&self, core: &Core, job: &JobRecord) -> Outcome {
        let (mut digests, mut writes) = (Vec::new(), Vec::new());
        let (told, id) = (core.clone(), job.id);
        for scan in Box::pin(self.scanning.all(job, move || told.touch(id))).await? {
            let digest = scan.digest();
            let bytes = serde_json::to_vec(&scan).map_err(StageError::ours)?;
            digests.push(digest);
            writes.push(Write::Document(digest, bytes));
        }
        Ok((Next::Done(Done::Scanned(digests)), writes))
    }

    async fn sign(&self, job: &JobRecord) -> Outcome {
        let evidence = self.records.evidence(&job.documents)?;
        let until = signable_until(&evidence);
        let mut writes = Vec::new();
        let (next, digest, bytes) = match self.peers.attest(job.id, evidence).await? {
            Attested::Signed(answer) => {
                let (digest, bytes) = as_document(&answer).map_err(StageError::ours)?;
                // Before it is appended: its user may ask what the entry stands for at once.
                let (commitment, committed) = committed(job, digest, &answer);
                writes.push(Write::Committed(commitment, Box::new(committed)));
                (Next::Done(Done::Signed(digest)), digest, bytes)
            }
            Attested::Held(hold) => {
                let message = held(&hold);
                let findings = hold.violations.len() as u64 + hold.more;
                let held = Held { findings, until, policy: Some(hold.policy.digest) };
                let (digest, bytes) = as_document(&hold).map_err(StageError::ours)?;
                (Next::Held { hold: digest, held, message }, digest, bytes)
            }
        };
        writes.push(Write::Document(digest, bytes));
        Ok((next, writes))
    }

    fn signed(&self, job: &JobRecord) -> Result<(Sha256Digest, SignedAnswer), StageError> {
        let digest = job.documents.signed.ok_or_else(|| StageError::ours("not signed"))?;
        Ok((digest, self.records.document(&digest)?))
    }

    async fn log(&self, job: &JobRecord) -> Outcome {
        let (digest, answer) = self.signed(job)?;
        // A scheduler of before this was kept may have signed it.
        let (commitment, committed) = committed(job, digest, &answer);
        self.records.commit_to(&commitment, &committed).await?;
        let inclusion = self.ledger.append(answer.salt, &answer.attestation, &job.user).await?;
        let (digest, bytes) = as_document(&inclusion).map_err(StageError::ours)?;
        let next = Next::Done(Done::Logged(digest));
        Ok((next, vec![Write::Document(digest, bytes)]))
    }

    /// Nothing is called completed that its user could not verify.
    async fn check(&self, bundle: &[u8]) -> Result<(), StageError> {
        let root = self.peers.trust_root().await?;
        let bundle = bundle.to_vec();
        let verdict = move || verify::verify_bundle(&bundle, &root);
        let verdict = tokio::task::spawn_blocking(verdict).await.map_err(StageError::ours)?;
        let Some(failed) = verdict.checks.first_failure() else { return Ok(()) };
        Err(StageError {
            reason: Reason::StageUnavailable,
            message: format!("the bundle does not verify: {}: {}", failed.name, failed.detail),
            again: true,
        })
    }

    async fn publish(&self, job: &JobRecord) -> Outcome {
        let (_, answer) = self.signed(job)?;
        let digest = job.documents.inclusion.ok_or_else(|| StageError::ours("not logged"))?;
        let inclusion: Inclusion = self.records.document(&digest)?;
        let bundle = Bundle {
            schema: BUNDLE_SCHEMA.to_owned(),
            aibom: answer.aibom,
            attestation: answer.attestation,
            signatures: answer.signatures,
            policy: answer.policy,
            evidence: self.records.evidence(&job.documents)?,
            inclusion,
        };
        let bytes = bundle.to_bytes().map_err(StageError::ours)?;
        self.check(&bytes).await?;
        let stored = self.store.put_bytes(&bytes).await.map_err(StageError::ours)?;
        // Only now, in the commit that completes the job, does its user get what it left, and the
        // raw reports on it.
        let bundle = stored.digests.sha256;
        let outputs = job.outputs.iter().map(|file| (file.sha256, file.size));
        let reports = self.reports(job).await?;
        let given = outputs.chain(reports).chain([(bundle, stored.size)]);
        let owners = given.map(|(artifact, size)| {
            let who = Owner::User(job.user.clone());
            Write::Owner { artifact, size, who }
        });
        Ok((Next::Done(Done::Published(bundle)), owners.collect()))
    }

    /// The raw reports behind a job's scans that were kept, with their lengths.
    async fn reports(&self, job: &JobRecord) -> Result<Vec<(Sha256Digest, u64)>, StageError> {
        let mut kept = Vec::new();
        for scan in &job.documents.scans {
            let scan: Document = self.records.document(scan)?;
            let report = scanning::report_of(&scan).map_err(StageError::ours)?;
            let size = self.store.stat(&report).await.map_err(StageError::ours)?;
            kept.extend(size.map(|size| (report, size)));
        }
        Ok(kept)
    }
}

/// What the commitment to a job's attestation stands for; the signer's answer is kept as `digest`.
fn committed(
    job: &JobRecord,
    digest: Sha256Digest,
    answer: &SignedAnswer,
) -> (Sha256Digest, Committed) {
    let what = What::Attestation(digest);
    let committed = Committed { owner: job.user.clone(), job: Some(job.id), what };
    (bundle::commitment(&answer.salt, &answer.attestation), committed)
}

/// The last instant at which the evidence can be signed, as far as its certificates go: each must
/// hold then.
fn signable_until(evidence: &EvidenceSet) -> Timestamp {
    let EvidenceSet { request, grant, training, scans, submission, release: _ } = evidence;
    let documents = [request, grant, training, submission].into_iter().chain(scans);
    let leaves = documents.filter_map(|document| document.certificates.first());
    let ends = leaves.filter_map(|der| Some(keys::Certificate::parse(der).ok()?.not_after()));
    ends.min().map_or(Timestamp::from_unix_ms(i64::MAX), |end| end.plus_ms(-SIGN_MARGIN_MS))
}

/// How long before its certificates end the evidence of a held job is given up, in milliseconds.
const SIGN_MARGIN_MS: i64 = 60_000;
/// Findings of a hold that its message names.
const NAMED_MAX: usize = 3;

/// A hold for people.
fn held(hold: &Hold) -> String {
    let (name, version) = (&hold.policy.name, hold.policy.version);
    let count = hold.violations.len() as u64 + hold.more;
    let named = hold.violations.iter().take(NAMED_MAX);
    let named: Vec<String> = named.map(policy::Violation::key).collect();
    let rest = if count > NAMED_MAX as u64 { "; …" } else { "" };
    format!(
        "the policy {name} (version {version}) holds it for {count} findings: {}{rest}",
        named.join("; ")
    )
}
