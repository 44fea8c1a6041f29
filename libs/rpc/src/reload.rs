//! Hot reload: polls the identity's files and swaps the set when they changed and fit together.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ids::Sha256Digest;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{IdentityFiles, MeshIdentity, status::chain};

/// How often the files are looked at, in milliseconds.
pub(crate) const POLL_INTERVAL_MS: u64 = 2_000;

type Fingerprint = [Option<Sha256Digest>; 3];

/// What the files held when they were last tried.
#[derive(Debug)]
pub(crate) struct Reloads {
    tried: Mutex<Fingerprint>,
}

fn fingerprint(files: &IdentityFiles) -> Fingerprint {
    let of = |path: &Path| {
        std::fs::read(path)
            .ok()
            .map(|bytes| Sha256Digest::of(&bytes))
    };
    [of(&files.certificate), of(&files.key), of(&files.ca)]
}

impl Reloads {
    pub(crate) fn new(files: &IdentityFiles) -> Self {
        Self {
            tried: Mutex::new(fingerprint(files)),
        }
    }

    /// Whether the files differ from the last time; remembers them.
    fn changed(&self, files: &IdentityFiles) -> bool {
        let seen = fingerprint(files);
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *tried, seen) != seen
    }
}

impl MeshIdentity {
    /// Watches the files until `shutdown`; a change is taken over within about two seconds. Files
    /// that do not fit together (a rotation half-way) are logged once and the old set stays.
    pub fn spawn_reload(self: &Arc<Self>, shutdown: CancellationToken) -> JoinHandle<()> {
        let identity = Arc::clone(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(POLL_INTERVAL_MS));
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let watched = Arc::clone(&identity);
                let polled = tokio::task::spawn_blocking(move || watched.poll_files()).await;
                if let Err(error) = polled {
                    tracing::error!(%error, "the identity reload failed");
                }
            }
        })
    }

    /// One look at the files.
    pub(crate) fn poll_files(&self) {
        if !self.reloads.changed(self.files()) {
            return;
        }
        match self.reload_now() {
            Ok(()) => {
                metrics::counter!("rpc_identity_reloads_total", "result" => "ok").increment(1);
                let not_after = self.not_after();
                tracing::info!(spiffe_id = %self.spiffe_id(), %not_after, "identity reloaded");
            }
            Err(error) => {
                metrics::counter!("rpc_identity_reloads_total", "result" => "refused").increment(1);
                let error = chain(&error);
                tracing::warn!(
                    error,
                    "new identity files do not fit together, the old set stays"
                );
            }
        }
    }
}
