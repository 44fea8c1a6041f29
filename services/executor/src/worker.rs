//! One slot: waits for leases and works on them one after another.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rpc::HealthHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    attempt::{self, Shared},
    backoff::Backoff,
    failure::Failure,
    grpc::{CallError, Outcome},
    janitor,
    order::{Lease, LeaseKey, verify},
    renewer::{Renewer, now, own},
};

/// How long one call for work waits, in milliseconds.
const LEASE_WAIT_MS: u64 = 20_000;
/// How often the end of an attempt is told when nobody answers.
const COMPLETE_TRIES: u32 = 8;

/// The attempts that this process works on.
#[derive(Debug, Clone, Default)]
pub struct Active(Arc<Mutex<HashSet<LeaseKey>>>);

impl Active {
    fn with<T>(&self, change: impl FnOnce(&mut HashSet<LeaseKey>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of them.
    #[must_use]
    pub fn keys(&self) -> Vec<LeaseKey> {
        self.with(|keys| keys.iter().copied().collect())
    }

    /// Adds one; false when it is worked on already.
    pub(crate) fn add(&self, key: LeaseKey) -> bool {
        let (added, busy) = self.with(|keys| (keys.insert(key), keys.len()));
        gauge(busy);
        added
    }

    pub(crate) fn remove(&self, key: LeaseKey) {
        gauge(self.with(|keys| {
            keys.remove(&key);
            keys.len()
        }));
    }
}

fn gauge(busy: usize) {
    metrics::gauge!("executor_busy_slots").set(u32::try_from(busy).unwrap_or(u32::MAX));
}

/// When to end.
#[derive(Debug, Clone)]
pub struct Ends {
    /// Take no more work.
    pub shutdown: CancellationToken,
    /// End the work that runs.
    pub drain: CancellationToken,
}

/// One slot.
#[derive(Debug)]
pub struct Worker {
    /// What attempts work with.
    pub shared: Arc<Shared>,
    /// Which attempts run.
    pub active: Active,
    /// When to end.
    pub ends: Ends,
    /// Told whether there is an engine and a scheduler.
    pub health: HealthHandle,
}

impl Worker {
    /// Says what is here; an image that is not here is not offered.
    async fn register(&self) -> Result<Duration, String> {
        let shared = &self.shared;
        let mut trainers = HashMap::new();
        let mut images = Vec::new();
        for (name, image) in &shared.config.trainers {
            match shared.engine.image(image).await {
                Ok(fact) => {
                    trainers.insert(name.clone(), image.to_string());
                    images.push(fact.id);
                    images.extend(fact.repo_digests);
                }
                Err(error) => tracing::warn!(trainer = name, %error, "trainer not offered"),
            }
        }
        if shared.config.any_image {
            images = shared.engine.images().await.map_err(|e| e.to_string())?;
        }
        images.sort_unstable();
        images.dedup();
        let ttl = shared.scheduler.register(&shared.host, images, trainers).await;
        ttl.map_err(|e| e.to_string())
    }

    /// Asks for work until the shutdown.
    pub async fn run(self) {
        let mut backoff = Backoff::new(u32::MAX);
        let mut ttl = None;
        while !self.ends.shutdown.is_cancelled() {
            let turn = tokio::select! {
                () = self.ends.shutdown.cancelled() => return,
                turn = self.turn(&mut ttl) => turn,
            };
            match turn {
                Ok(None) => backoff.reset(),
                Ok(Some((lease, at, ttl))) => {
                    backoff.reset();
                    self.work(&lease, at, ttl).await;
                }
                Err(why) => {
                    // After every broken connection the scheduler hears anew what is here.
                    ttl = None;
                    tracing::warn!(why, "no work can be had");
                    self.health.not_ready(why);
                    tokio::select! {
                        () = self.ends.shutdown.cancelled() => return,
                        _ = backoff.pause() => {}
                    }
                }
            }
        }
    }

    async fn turn(
        &self,
        ttl: &mut Option<Duration>,
    ) -> Result<Option<(Lease, Instant, Duration)>, String> {
        self.shared.engine.describe().await.map_err(|e| e.to_string())?;
        let held = match *ttl {
            Some(held) => held,
            None => self.register().await?,
        };
        *ttl = Some(held);
        self.health.set_ready();
        let wait = Duration::from_millis(LEASE_WAIT_MS);
        let lease = self.shared.scheduler.lease(wait).await.map_err(|e| e.to_string())?;
        Ok(lease.map(|lease| (lease, Instant::now(), held)))
    }

    /// Works on one lease to its end, and leaves nothing behind.
    async fn work(&self, lease: &Lease, leased: Instant, ttl: Duration) {
        let key = lease.key;
        let trace_id = tracing::field::Empty;
        let span = tracing::info_span!("attempt", job = %key.job, attempt = key.attempt, trace_id);
        if let Some(trace) = &lease.trace {
            telemetry::set_parent(&span, trace);
        }
        if !self.active.add(key) {
            tracing::error!(parent: &span, "the same attempt was leased twice; ignored");
            return;
        }
        let outcome = { self.attempt(lease, leased, ttl).instrument(span.clone()).await };
        janitor::clean_attempt(&self.shared, key).await;
        if let Some(outcome) = outcome {
            span.in_scope(|| count(Some(&outcome)));
            self.complete(key, outcome).await;
        } else {
            count(None);
            tracing::warn!(parent: &span, "the lease was lost; nothing is reported");
        }
        self.active.remove(key);
    }

    async fn attempt(&self, lease: &Lease, leased: Instant, ttl: Duration) -> Option<Outcome> {
        let shared = Arc::clone(&self.shared);
        let order = match verify(lease, &own(&shared.identity), now()) {
            Ok(order) => order,
            Err(error) => {
                tracing::error!(%error, "a lease is unsound");
                let text = format!("the executor refused the lease: {error}");
                return Some(Outcome::Failure(Failure::infrastructure(&text)));
            }
        };
        tracing::info!(user = %order.request().user, "attempt begins");
        let identity = Arc::clone(&shared.identity);
        let renewer = Renewer::spawn(shared.scheduler.clone(), identity, &order, ttl, leased);
        let drain = self.ends.drain.clone();
        // A task of its own: a panic in it ends the attempt, not the slot.
        match tokio::spawn(attempt::run(shared, order, renewer, drain).in_current_span()).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(%error, "the attempt's task failed");
                let text = "the executor failed while it worked on the attempt";
                Some(Outcome::Failure(Failure::infrastructure(text)))
            }
        }
    }

    /// Tells the end; the call is idempotent, so it is sent again until it is heard.
    async fn complete(&self, key: LeaseKey, outcome: Outcome) {
        let mut backoff = Backoff::new(COMPLETE_TRIES);
        loop {
            match self.shared.scheduler.complete(key, outcome.clone()).await {
                Ok(()) => return,
                Err(CallError::Away(_)) if backoff.pause().await => {}
                Err(error) => {
                    tracing::error!(job = %key.job, %error, "the end of an attempt was not heard");
                    return;
                }
            }
        }
    }
}

fn count(outcome: Option<&Outcome>) {
    let result = match outcome {
        Some(Outcome::Success { .. }) => "SUCCESS",
        Some(Outcome::Failure(failure)) => {
            let (reason, message) = (failure.reason.as_str(), &failure.message);
            tracing::warn!(reason, message, "attempt failed");
            reason
        }
        None => "LEASE_LOST",
    };
    metrics::counter!("executor_attempts_total", "result" => result).increment(1);
}
