//! Logs every record that is due: signs it, keeps it, appends it, keeps the proof. A crash between
//! any two of these repeats the last one; nothing is appended that was not kept before, and nothing
//! is called logged that does not verify.

mod pauses;

use std::time::{Duration, Instant};

use bundle::Inclusion;
use envelope::{Envelope, SealError};
use evidence::{About, Document, MAX_RECORD_BYTES, RECORD_PAYLOAD_TYPE, Record, TrustRoot};
use futures::StreamExt as _;
use ids::{JobId, Sha256Digest, SpiffeId, Timestamp, canonical};
use pauses::Pauses;
use rpc::MeshIdentity;
use schedule::{Backoff, Due, Sealed, Step, may_seal};

use crate::{
    core::Core,
    ledger::Ledger,
    records::{Committed, LoggedRecord, RecordError, Records, What},
    stages::StageError,
};

/// Records that are worked on at once.
const AT_ONCE: usize = 16;
/// Records that are read at a time.
const PAGE: usize = 64;
/// The longest wait for the next look, and the shortest between two measurements of the backlog.
const LOOK: Duration = Duration::from_secs(5);
/// The shortest pause after a round in which everything failed.
const AWAY: Duration = Duration::from_millis(250);

/// Why a record is not in the ledger yet.
#[derive(Debug, thiserror::Error)]
enum LogError {
    #[error(transparent)]
    Call(#[from] StageError),
    #[error(transparent)]
    Records(#[from] RecordError),
    #[error("the record cannot be signed")]
    Seal(#[from] SealError),
    #[error("the own certificate cannot be read")]
    Certificate(#[from] keys::CertificateError),
    #[error(
        "the own certificate ends at {0}, before the ledger may have taken what it signs: renew it"
    )]
    Ends(Timestamp),
    #[error("every verifier would refuse the record: {0}")]
    Unfit(String),
    #[error("its entry does not verify ({0}): see the clocks of scheduler and ledger")]
    Refused(String),
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
    #[error("what the record was sealed to is not kept")]
    Lost,
}

impl LogError {
    /// As the metric names it.
    const fn reason(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Records(_) | Self::Lost => "state",
            Self::Seal(_) | Self::Certificate(_) | Self::Ends(_) => "identity",
            Self::Unfit(_) => "unfit",
            Self::Refused(_) => "refused",
            Self::Random(_) => "randomness",
        }
    }
}

/// How a pass over all that is due went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Nothing was to be done, or not yet.
    Idle,
    /// Something was logged.
    Worked,
    /// No call was answered well: the ledger is away.
    Away,
}

/// The task.
pub(crate) struct Outbox {
    pub(crate) core: Core,
    pub(crate) records: Records,
    pub(crate) identity: std::sync::Arc<MeshIdentity>,
    pub(crate) ledger: Ledger,
}

fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

/// The job that a record is about.
const fn job_of(record: &Record) -> Option<JobId> {
    match &record.about {
        About::Job(outcome) => Some(outcome.job),
        About::TrustRoot { .. } | About::Policy { .. } => None,
    }
}

impl Outbox {
    /// Runs until `shutdown`; a failure is logged, counted and tried again.
    pub(crate) async fn run(self, shutdown: rpc::CancellationToken) {
        shutdown.run_until_cancelled(self.rounds()).await;
    }

    async fn rounds(&self) {
        let (mut pauses, mut away, mut measured) = (Pauses::default(), Backoff::default(), None);
        let mut cursor = Vec::new();
        loop {
            let round = self.round(&mut pauses, &mut cursor).await.unwrap_or_else(|error| {
                tracing::error!(%error, "cannot read what is due");
                Round::Away
            });
            if measured.is_none_or(|at: Instant| at.elapsed() >= LOOK) {
                self.measure().await;
                measured = Some(Instant::now());
            }
            let wait = match round {
                Round::Idle => {
                    pauses.next(Instant::now()).map_or(LOOK, |next| next.clamp(AWAY, LOOK))
                }
                Round::Worked => {
                    away.went_well();
                    pauses.next(Instant::now()).map_or(LOOK, |next| next.clamp(AWAY, LOOK))
                }
                Round::Away => {
                    tokio::time::sleep(AWAY).await;
                    let random = getrandom::u32().unwrap_or_default();
                    Duration::from_millis(away.failed(random))
                }
            };
            // What is due from now on is tried at once: it may fare better.
            tokio::select! {
                () = self.core.due() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// How much waits, and for how long.
    async fn measure(&self) {
        let records = self.records.clone();
        let backlog = tokio::task::spawn_blocking(move || records.backlog()).await;
        let Ok(Ok(backlog)) = backlog else { return };
        let age_ms = backlog.oldest.map_or(0, |at| now().since_ms(at).max(0));
        #[expect(clippy::cast_precision_loss, reason = "gauges")]
        let (count, age_s) = (backlog.count as f64, age_ms as f64 / 1_000.0);
        metrics::gauge!("scheduler_records_due").set(count);
        metrics::gauge!("scheduler_records_oldest_seconds").set(age_s);
    }

    /// Passes over all that is due, but for what pauses, from after `cursor` on and then from the
    /// start. A page of which every call failed is the round's last: the others would most likely
    /// fail, too. The next round goes on after it, lest it keep them waiting by itself.
    async fn round(&self, pauses: &mut Pauses, cursor: &mut Vec<u8>) -> Result<Round, RecordError> {
        let (mut midway, mut round) = (!cursor.is_empty(), Round::Idle);
        loop {
            let page = self.records.due(cursor, PAGE)?;
            let Some((last, _)) = page.last() else {
                cursor.clear();
                if std::mem::take(&mut midway) {
                    continue;
                }
                return Ok(round);
            };
            cursor.clone_from(last);
            let (at, clock) = (now(), Instant::now());
            let ready = |(key, due): &(Vec<u8>, Due)| {
                due.step(at) != Step::Wait && pauses.is_over(key, clock)
            };
            let page: Vec<_> = page.into_iter().filter(ready).collect();
            let work = page.into_iter().map(|(key, due)| async move { (key, self.log(due).await) });
            let done: Vec<_> =
                futures::stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
            let calls = done.iter().filter(|(_, done)| matches!(done, Err(LogError::Call(_))));
            let away = !done.is_empty() && calls.count() == done.len();
            for (key, done) in done {
                match done {
                    Ok(()) => {
                        pauses.end(&key);
                        round = Round::Worked;
                    }
                    Err(error) => {
                        // One whose entry does not verify has a pause of its own, which is kept.
                        match error {
                            LogError::Refused(_) => pauses.end(&key),
                            _ => pauses.failed(key, Instant::now()),
                        }
                        let reason = error.reason();
                        tracing::warn!(%error, reason, "a record is not logged yet");
                        metrics::counter!("scheduler_records_failed_total", "reason" => reason)
                            .increment(1);
                    }
                }
            }
            if away {
                return Ok(if round == Round::Worked { round } else { Round::Away });
            }
        }
    }

    async fn log(&self, due: Due) -> Result<(), LogError> {
        let step = match due.step(now()) {
            Step::Find(commitment) => due.found(self.ledger.logged_at(&commitment).await?),
            step => step,
        };
        let (document, salt) = match step {
            Step::Wait | Step::Find(_) => return Ok(()),
            Step::Seal => self.seal(&due).await?,
            Step::Append(commitment) => {
                let committed = self.records.committed(&commitment)?;
                match committed.map(|committed| committed.what) {
                    Some(What::Record { document, salt }) => (document, salt),
                    Some(What::Attestation(_) | What::Logged(_)) | None => {
                        return Err(LogError::Lost);
                    }
                }
            }
        };
        let inclusion = self.ledger.append(salt, &document.envelope, &due.owner).await?;
        self.verify(&due, &document, &inclusion).await?;
        let job = job_of(&due.record);
        self.records.logged(&due, job, &LoggedRecord { document, inclusion }).await?;
        tracing::info!(target: "audit", owner = %due.owner, about = ?due.record.about, "logged");
        metrics::counter!("scheduler_records_logged_total").increment(1);
        Ok(())
    }

    /// What every verifier will make of the entry; a record that it would refuse is sealed anew.
    async fn verify(
        &self,
        due: &Due,
        document: &Document,
        inclusion: &Inclusion,
    ) -> Result<(), LogError> {
        let judge = |root: &TrustRoot| {
            let checks = verify::verify_record(document, inclusion, root).checks;
            let failed = checks.first_failure();
            failed.map_or(Ok(()), |failed| Err(format!("{}: {}", failed.name, failed.detail)))
        };
        match self.ledger.judged(judge).await? {
            Ok(()) => Ok(()),
            Err(why) => {
                self.records.keep_due(&due.clone().refused(now())).await?;
                Err(LogError::Refused(why))
            }
        }
    }

    /// Signs the record with a fresh salt, and keeps both.
    async fn seal(&self, due: &Due) -> Result<(Document, Vec<u8>), LogError> {
        if !due.record.is_bounded() {
            return Err(LogError::Unfit(format!("{:?}", due.record.about)));
        }
        let credentials = self.identity.current();
        let certificates = credentials.certificate_chain_der().to_vec();
        let leaf = certificates.first().map(Vec::as_slice).unwrap_or_default();
        let until = keys::Certificate::parse(leaf)?.not_after();
        if !may_seal(until, now()) {
            return Err(LogError::Ends(until));
        }
        let payload = canonical::to_vec(&due.record).map_err(SealError::from)?;
        let key = credentials.signing_key();
        let envelope = Envelope::seal(RECORD_PAYLOAD_TYPE, payload, key.as_ref())?;
        let length = envelope.as_bytes().len();
        if length > MAX_RECORD_BYTES {
            return Err(LogError::Unfit(format!("{length} bytes, of at most {MAX_RECORD_BYTES}")));
        }
        let mut salt = vec![0; bundle::SALT_BYTES];
        getrandom::fill(&mut salt).map_err(LogError::Random)?;
        let document = Document { envelope: envelope.as_bytes().to_vec(), certificates };
        let commitment: Sha256Digest = bundle::commitment(&salt, &document.envelope);
        let sealed = Due { sealed: Some(Sealed { commitment, until }), ..due.clone() };
        let (owner, job): (SpiffeId, _) = (due.owner.clone(), job_of(&due.record));
        let what = What::Record { document: document.clone(), salt: salt.clone() };
        self.records.sealed(&sealed, &commitment, &Committed { owner, job, what }).await?;
        Ok((document, salt))
    }
}
