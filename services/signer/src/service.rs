//! Attestation off the async threads, with bounded concurrency, counted and audited.

use std::sync::Arc;

use bundle::SALT_BYTES;
use evidence::{EvidenceSet, KeyEntry};
use ids::{SpiffeId, Timestamp};
use tokio::sync::Semaphore;

use crate::{
    Clock,
    attest::{AttestError, Attested, Attester},
    journal::DurableJournal,
};

/// Why a request was not answered with an AIBoM.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    #[error(transparent)]
    Attest(#[from] AttestError),
    #[error("the signer's key holds {from} to {until} by the trust root, it is {now}")]
    KeyExpired { from: Timestamp, until: Timestamp, now: Timestamp },
    #[error("the system gives no randomness")]
    Random(#[source] std::io::Error),
    #[error("the signer failed over this request")]
    Failed(#[source] tokio::task::JoinError),
}

/// What the calls share.
pub(crate) struct Service {
    attester: Attester,
    journal: DurableJournal,
    root_bytes: Vec<u8>,
    clock: Clock,
    places: Semaphore,
}

impl Service {
    pub(crate) fn new(
        attester: Attester,
        journal: DurableJournal,
        root_bytes: Vec<u8>,
        clock: Clock,
        attests_max: usize,
    ) -> Self {
        Self { attester, journal, root_bytes, clock, places: Semaphore::new(attests_max) }
    }

    /// The trust root, the file's bytes.
    pub(crate) fn root_bytes(&self) -> &[u8] {
        &self.root_bytes
    }

    /// One attestation, from check to durable record. Once begun it is finished, whether or not
    /// the caller still waits.
    pub(crate) async fn attest(
        self: &Arc<Self>,
        set: EvidenceSet,
        caller: &SpiffeId,
    ) -> Result<Attested, ServiceError> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let service = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || service.attest_now(&set)).await;
        let outcome = outcome.unwrap_or_else(|error| Err(ServiceError::Failed(error)));
        audit(&outcome, caller);
        outcome
    }

    fn attest_now(&self, set: &EvidenceSet) -> Result<Attested, ServiceError> {
        let now = (self.clock)();
        self.check_key(now)?;
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|error| ServiceError::Random(std::io::Error::other(error)))?;
        Ok(self.attester.attest(set, now, salt, &self.journal)?)
    }

    /// A process outlives its key's time: nothing is signed that no verifier would take.
    fn check_key(&self, now: Timestamp) -> Result<(), ServiceError> {
        let id = self.attester.key.public_key().key_id();
        match self.attester.root.signing_key(evidence::KeyUse::Aibom, id) {
            Some((_, KeyEntry { valid_from, valid_until, .. }))
                if now < *valid_from || *valid_until < now =>
            {
                Err(ServiceError::KeyExpired { from: *valid_from, until: *valid_until, now })
            }
            _ => Ok(()),
        }
    }
}

/// Counts every outcome, and writes down every signature and every refusal.
fn audit(outcome: &Result<Attested, ServiceError>, caller: &SpiffeId) {
    let result = match outcome {
        Ok(Attested { job, record, new: true }) => {
            let (evidence, signed_at) = (record.set_digest, record.signed_at);
            tracing::info!(target: "audit", %job, %evidence, %signed_at, %caller, "signed");
            "signed"
        }
        Ok(Attested { job, .. }) => {
            tracing::debug!(%job, %caller, "answered from the journal");
            "recorded"
        }
        Err(ServiceError::Attest(AttestError::Refused { rule, detail })) => {
            tracing::warn!(target: "audit", rule, detail, %caller, "evidence refused");
            "refused"
        }
        Err(ServiceError::Attest(AttestError::AlreadySigned { job, signed, asked })) => {
            tracing::warn!(
                target: "audit", %job, %signed, %asked, %caller, "other evidence for a signed job"
            );
            "already_signed"
        }
        Err(ServiceError::Attest(AttestError::RequestAlreadySigned { job, signed })) => {
            tracing::warn!(target: "audit", %job, %signed, %caller, "a request was replayed");
            "request_already_signed"
        }
        Err(error) => {
            tracing::error!(%error, %caller, "an attestation failed");
            "error"
        }
    };
    metrics::counter!("signer_attest_total", "result" => result).increment(1);
}
