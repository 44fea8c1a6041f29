//! Logs every record that is due: signs it, keeps it, appends it, keeps the proof. A crash between
//! any two of these repeats the last one; nothing is appended that was not kept before.

use std::time::Duration;

use envelope::{Envelope, SealError};
use evidence::{About, Document, RECORD_PAYLOAD_TYPE, Record};
use futures::StreamExt as _;
use ids::{JobId, Sha256Digest, SpiffeId, Timestamp, canonical};
use rpc::MeshIdentity;
use schedule::{Backoff, Due, Sealed, Step};

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
/// The longest wait for the next look, in milliseconds.
const LOOK_MS: u64 = 5_000;

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
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
    #[error("what the record was sealed to is not kept")]
    Lost,
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
        let work = self.rounds();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
        }
    }

    async fn rounds(&self) {
        let mut backoff = Backoff::default();
        loop {
            let pause_ms = match self.round().await {
                Ok(()) => {
                    backoff.went_well();
                    None
                }
                Err(error) => {
                    let pause_ms = backoff.failed(getrandom::u32().unwrap_or_default());
                    tracing::warn!(%error, pause_ms, "records wait for the ledger");
                    metrics::counter!("scheduler_records_failed_total").increment(1);
                    Some(pause_ms)
                }
            };
            self.measure();
            match pause_ms {
                Some(pause_ms) => tokio::time::sleep(Duration::from_millis(pause_ms)).await,
                None => tokio::select! {
                    () = self.core.due() => {}
                    () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
                },
            }
        }
    }

    /// How much waits, and for how long.
    fn measure(&self) {
        let Ok(backlog) = self.records.backlog() else { return };
        let age_ms = backlog.oldest.map_or(0, |at| now().since_ms(at).max(0));
        #[expect(clippy::cast_precision_loss, reason = "gauges")]
        let (count, age_s) = (backlog.count as f64, age_ms as f64 / 1_000.0);
        metrics::gauge!("scheduler_records_due").set(count);
        metrics::gauge!("scheduler_records_oldest_seconds").set(age_s);
    }

    /// Passes over all that is due once; the error is the last one. A page on which a call failed is
    /// the round's last: the others would most likely fail, too.
    async fn round(&self) -> Result<(), LogError> {
        let (mut after, mut failed) = (Vec::new(), Ok(()));
        loop {
            let page = self.records.due(&after, PAGE)?;
            let Some((last, _)) = page.last() else { return failed };
            after.clone_from(last);
            let work = page.into_iter().map(|(key, due)| self.log(key, due));
            let outcomes: Vec<_> =
                futures::stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
            for error in outcomes.into_iter().filter_map(Result::err) {
                failed = Err(error);
            }
            if matches!(failed, Err(LogError::Call(_))) {
                return failed;
            }
        }
    }

    async fn log(&self, key: Vec<u8>, due: Due) -> Result<(), LogError> {
        let (document, salt) = match due.step(now()) {
            Step::Seal => self.seal(&due).await?,
            Step::Append(commitment) => {
                let committed = self.records.committed(&commitment)?;
                match committed.map(|committed| committed.what) {
                    Some(What::Record { document, salt }) => (document, salt),
                    Some(What::Attestation(_)) | None => return Err(LogError::Lost),
                }
            }
        };
        let inclusion = self.ledger.append(salt, &document.envelope, &due.owner).await?;
        self.records.logged(key, &LoggedRecord { document, inclusion }).await?;
        tracing::info!(target: "audit", owner = %due.owner, about = ?due.record.about, "logged");
        metrics::counter!("scheduler_records_logged_total").increment(1);
        Ok(())
    }

    /// Signs the record with a fresh salt, and keeps both.
    async fn seal(&self, due: &Due) -> Result<(Document, Vec<u8>), LogError> {
        let mut salt = vec![0; bundle::SALT_BYTES];
        getrandom::fill(&mut salt).map_err(LogError::Random)?;
        let payload = canonical::to_vec(&due.record).map_err(SealError::from)?;
        let credentials = self.identity.current();
        let key = credentials.signing_key();
        let envelope = Envelope::seal(RECORD_PAYLOAD_TYPE, payload, key.as_ref())?;
        let certificates = credentials.certificate_chain_der().to_vec();
        let leaf = certificates.first().map(Vec::as_slice).unwrap_or_default();
        let until = keys::Certificate::parse(leaf)?.not_after();
        let document = Document { envelope: envelope.as_bytes().to_vec(), certificates };
        let commitment: Sha256Digest = bundle::commitment(&salt, &document.envelope);
        let sealed = Due { sealed: Some(Sealed { commitment, until }), ..due.clone() };
        let (owner, job): (SpiffeId, _) = (due.owner.clone(), job_of(&due.record));
        let what = What::Record { document: document.clone(), salt: salt.clone() };
        self.records.sealed(&sealed, &commitment, &Committed { owner, job, what }).await?;
        Ok((document, salt))
    }
}
