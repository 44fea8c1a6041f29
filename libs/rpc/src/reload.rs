//! Hot reload: polls the identity's files and swaps the set when they changed and fit together.

use std::{
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{IdentityFiles, MeshIdentity, status::chain};

/// How often the files are looked at, in milliseconds.
const POLL_INTERVAL_MS: u64 = 2_000;

/// Inode, length, and time of the last change (s, ns): no key is read to see that it changed.
type Stamp = Option<(u64, u64, i64, i64)>;

/// What is known about the files.
#[derive(Debug)]
pub(crate) struct Reloads {
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The stamps of the set that is in use.
    loaded: [Stamp; 3],
    /// The stamps of the last set that was refused, so that it is logged once.
    refused: Option<[Stamp; 3]>,
}

fn stamps(files: &IdentityFiles) -> [Stamp; 3] {
    let of = |path: &Path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.ino(), file.len(), file.ctime(), file.ctime_nsec()))
    };
    [of(&files.certificate), of(&files.key), of(&files.ca)]
}

impl Reloads {
    /// Remembers the files as they are just before they are read.
    pub(crate) fn new(files: &IdentityFiles) -> Self {
        Self { seen: Mutex::new(Seen { loaded: stamps(files), refused: None }) }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one look at the files led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Unchanged,
    Reloaded,
    /// Logged: the first time for these files.
    Refused,
    /// Not logged again.
    StillRefused,
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

    /// One look at the files. A set that was refused is tried again each time: the clock moves
    /// on, and a file can change within one tick of its time stamps.
    pub(crate) fn poll_files(&self) -> Polled {
        let stamps = stamps(self.files());
        if self.reloads.seen().loaded == stamps {
            return Polled::Unchanged;
        }
        let reloaded = self.reload_now();
        let mut seen = self.reloads.seen();
        match reloaded {
            Ok(()) => {
                *seen = Seen { loaded: stamps, refused: None };
                metrics::counter!("rpc_identity_reloads_total", "result" => "ok").increment(1);
                let not_after = self.not_after();
                tracing::info!(spiffe_id = %self.spiffe_id(), %not_after, "identity reloaded");
                Polled::Reloaded
            }
            Err(_) if seen.refused == Some(stamps) => Polled::StillRefused,
            Err(error) => {
                seen.refused = Some(stamps);
                metrics::counter!("rpc_identity_reloads_total", "result" => "refused").increment(1);
                let error = chain(&error);
                tracing::warn!(error, "new identity files do not fit together, the old set stays");
                Polled::Refused
            }
        }
    }
}
