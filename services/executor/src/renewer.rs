//! Keeps a lease in parallel to the work, and tells the work when it is over.

use std::{sync::Arc, time::Instant};

use ids::{Sha256Digest, Timestamp};
use rpc::MeshIdentity;
use tokio::{sync::watch, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

use crate::{
    grpc::{CallError, Renewed, Scheduler},
    order::{HeldGrant, LeaseKey, Order, Own, verify_grant},
    tenure::{Answer, Standing, Tenure},
};

/// This executor as it checks leases now; certificates may have been renewed.
#[must_use]
pub fn own(identity: &MeshIdentity) -> Own {
    let current = identity.current();
    Own {
        id: identity.spiffe_id().clone(),
        key: keys::SigningKey::public_key(current.signing_key().as_ref()).key_id(),
        roots: current.roots_der().to_vec(),
    }
}

/// The current time.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

struct Renewing {
    scheduler: Scheduler,
    key: LeaseKey,
    request: Sha256Digest,
    /// The key that the lease was given to: evidence is signed with it.
    own: Own,
    identity: Arc<MeshIdentity>,
    started: Instant,
    tenure: watch::Sender<Tenure>,
}

impl Renewing {
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Checks a renewed grant; an unsound one does not replace the one before.
    fn checked(&self, document: &evidence::Document) -> Option<HeldGrant> {
        let (current, at) = (own(&self.identity), now());
        let before = Own { roots: current.roots.clone(), ..self.own.clone() };
        // The executor's key may have been renewed since; a grant names one or the other.
        let held = verify_grant(document, self.key, self.request, &before, at)
            .or_else(|_| verify_grant(document, self.key, self.request, &current, at));
        match held {
            Ok(grant) => Some(grant),
            Err(error) => {
                tracing::warn!(job = %self.key.job, %error, "a renewed grant does not hold");
                None
            }
        }
    }

    async fn ask(&self) -> Answer {
        match self.scheduler.renew(self.key).await {
            Ok(Renewed::Continue(grant)) => {
                Answer::Continue(grant.and_then(|grant| self.checked(&grant).map(Box::new)))
            }
            Ok(Renewed::Cancel) => Answer::Cancel,
            Err(CallError::LeaseLost) => Answer::Lost,
            Err(error) => {
                tracing::warn!(job = %self.key.job, %error, "the lease could not be renewed");
                Answer::Away
            }
        }
    }

    /// Asks once, until the lease would be over; gives whether there was an answer.
    async fn renew(&self) -> bool {
        let asked = self.elapsed_ms();
        let left = self.tenure.borrow().held_until_ms().saturating_sub(asked);
        let bound = time::Duration::from_millis(left.max(1));
        let answer = time::timeout(bound, self.ask()).await.unwrap_or(Answer::Away);
        let answered = answer != Answer::Away;
        self.tenure.send_modify(|tenure| {
            tenure.take(answer, asked);
            tenure.look(self.elapsed_ms());
        });
        answered
    }

    async fn run(self, stop: CancellationToken) {
        let mut answered = true;
        loop {
            let pause = time::Duration::from_millis(self.tenure.borrow().pause_ms(answered));
            tokio::select! {
                () = stop.cancelled() => return,
                () = time::sleep(pause) => {}
            }
            answered = self.renew().await;
            if self.tenure.borrow().standing() == Standing::Lost {
                return;
            }
        }
    }
}

/// A lease that is being kept.
#[derive(Debug)]
pub struct Renewer {
    task: JoinHandle<()>,
    stop: CancellationToken,
    tenure: watch::Receiver<Tenure>,
}

impl Renewer {
    /// Keeps the lease of `order`, which was given at `started`, until [`Self::finish`].
    #[must_use]
    pub fn spawn(
        scheduler: Scheduler,
        identity: Arc<MeshIdentity>,
        order: &Order,
        ttl: time::Duration,
        started: Instant,
    ) -> Self {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let (tenure, held) = watch::channel(Tenure::new(order.grant().clone(), ttl_ms, 0));
        let (key, request) = (order.key(), order.request_digest());
        let own = Own { key: order.grant().grant.executor.key, ..own(&identity) };
        let renewing = Renewing { scheduler, key, request, own, identity, started, tenure };
        let stop = CancellationToken::new();
        let task = tokio::spawn(renewing.run(stop.clone()));
        Self { task, stop, tenure: held }
    }

    /// The lease as it stands, now and later.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Tenure> {
        self.tenure.clone()
    }

    /// Ends the renewals, with the one that is under way, and gives the lease as it stands then.
    pub async fn finish(mut self) -> Tenure {
        self.stop.cancel();
        let _ = (&mut self.task).await;
        self.tenure.borrow().clone()
    }
}

impl Drop for Renewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
