//! Requests for the same thing at the same time share one run, which ends when nobody waits for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, WeakShared},
};
use ids::Sha256Digest;

use super::{ScanError, kept::Found};

/// What was found, and whether no run was needed for it.
pub(crate) type Outcome = Result<(Found, bool), Arc<ScanError>>;
type Flight = BoxFuture<'static, Outcome>;

/// The runs under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<Sha256Digest, WeakShared<Flight>>>);

impl Flights {
    /// The outcome of the run under way for `key`, or of `run`.
    pub(crate) async fn join(
        &self,
        key: Sha256Digest,
        target: &'static str,
        run: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        let shared = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(under_way) = flights.get(&key).and_then(WeakShared::upgrade) {
                metrics::counter!("scan_joined_total", "target" => target).increment(1);
                under_way
            } else {
                let shared = run.boxed().shared();
                flights.retain(|_, flight| flight.upgrade().is_some());
                flights.extend(shared.downgrade().map(|weak| (key, weak)));
                shared
            }
        };
        shared.await
    }
}
