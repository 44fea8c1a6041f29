//! Attestation off the async threads, with bounded concurrency, counted and audited.

use std::sync::Arc;

use bundle::SALT_BYTES;
use evidence::EvidenceSet;
use ids::SpiffeId;
use tokio::sync::Semaphore;
use trust::{Pinned, PinnedRoot};

use crate::{
    Clock,
    attest::{AttestError, Attested, Attester},
    gate::{PolicyFile, PolicyUnusable},
    journal::DurableJournal,
    listing::{Listed, list},
    ring::{Ring, RingError},
};

/// Why a request was not answered with an AIBoM.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    #[error(transparent)]
    Attest(#[from] AttestError),
    #[error("the system gives no randomness")]
    Random(#[source] std::io::Error),
    #[error("the signer failed over this request")]
    Failed(#[source] tokio::task::JoinError),
}

/// What keeps the signer from signing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReady {
    #[error(transparent)]
    Policy(#[from] PolicyUnusable),
    #[error(transparent)]
    Ring(#[from] RingError),
}

/// What the calls share.
pub(crate) struct Service {
    root: PinnedRoot,
    ring: Ring,
    policy: PolicyFile,
    journal: DurableJournal,
    clock: Clock,
    places: Semaphore,
}

impl Service {
    pub(crate) fn new(
        root: PinnedRoot,
        ring: Ring,
        policy: PolicyFile,
        journal: DurableJournal,
        clock: Clock,
        attests_max: usize,
    ) -> Self {
        Self { root, ring, policy, journal, clock, places: Semaphore::new(attests_max) }
    }

    /// The trust root in use.
    pub(crate) async fn root(self: &Arc<Self>) -> Result<Arc<Pinned>, ServiceError> {
        self.blocking(|service| service.root.current()).await
    }

    /// The keys that the trust root names, and its version.
    pub(crate) async fn keys(self: &Arc<Self>) -> Result<(u64, Vec<Listed>), ServiceError> {
        self.blocking(|service| {
            let pinned = service.root.current();
            (pinned.root.version, list(&pinned.root, &service.ring, (service.clock)()))
        })
        .await
    }

    /// The policy in force, exact bytes.
    pub(crate) async fn policy(self: &Arc<Self>) -> Result<Vec<u8>, ServiceError> {
        let read = |service: &Self| {
            service.policy.current(&service.root.current().root, (service.clock)())
        };
        let policy = self.blocking(read).await?.map_err(AttestError::Policy)?;
        Ok(policy.as_bytes().to_vec())
    }

    /// What keeps the signer from signing now. Blocks for as long as the key store does.
    pub(crate) fn ready(&self) -> Result<(), NotReady> {
        let (pinned, now) = (self.root.current(), (self.clock)());
        self.policy.current(&pinned.root, now)?;
        Ok(self.ring.ready(&pinned.root, now)?)
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let service = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || work(&service)).await;
        outcome.map_err(ServiceError::Failed)
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
        let outcome = self.blocking(move |service| service.attest_now(&set)).await;
        let outcome = outcome.and_then(std::convert::identity);
        audit(&outcome, caller);
        outcome
    }

    fn attest_now(&self, set: &EvidenceSet) -> Result<Attested, ServiceError> {
        let now = (self.clock)();
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|error| ServiceError::Random(std::io::Error::other(error)))?;
        let pinned = self.root.current();
        let policy = self.policy.current(&pinned.root, now);
        let attester = Attester { root: &pinned.root, ring: &self.ring, policy };
        Ok(attester.attest(set, now, salt, &self.journal)?)
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
        Err(ServiceError::Attest(AttestError::Held(hold))) => {
            let (job, evidence, policy) = (hold.job, hold.evidence, &hold.policy.digest);
            let count = hold.violations.len();
            tracing::warn!(target: "audit", %job, %evidence, %policy, count, %caller, "held");
            "held"
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
