//! The checks off the async threads, with bounded concurrency, and counted.

use std::sync::Arc;

use artifacts::ArtifactStore;
use bytes::Bytes;
use envelope::link::{LinkCheck, verify_links};
use evidence::{Check, Checks};
use ids::{Digests, Hasher, SpiffeId};
use keys::PublicKey;
use tokio::sync::Semaphore;
use verify::{Part, RecordedFile, Verdict, Verified, verify_artifact, verify_bundle};

use trust::PinnedRoot;

use crate::Clock;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("only the job's owner may ask what the store holds")]
    NotOwner,
    #[error("this verifier has no artifact store")]
    NoStore,
    #[error("the verifier failed over this request")]
    Failed(#[source] tokio::task::JoinError),
}

/// What the calls share.
pub(crate) struct Verdicts {
    root: Arc<PinnedRoot>,
    store: Option<ArtifactStore>,
    clock: Clock,
    places: Semaphore,
}

/// What a file turned out to be.
pub(crate) struct FileVerdict {
    pub(crate) verdict: Verdict,
    pub(crate) file: Option<RecordedFile>,
    pub(crate) digests: Digests,
}

impl Verdicts {
    pub(crate) fn new(
        root: Arc<PinnedRoot>,
        store: Option<ArtifactStore>,
        clock: Clock,
        checks_max: usize,
    ) -> Self {
        Self { root, store, clock, places: Semaphore::new(checks_max) }
    }

    /// Runs `work` on a thread that may block, with one of the places.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, VerifyError> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        tokio::task::spawn_blocking(work).await.map_err(VerifyError::Failed)
    }

    /// Is this bundle what it claims to be?
    pub(crate) async fn bundle(
        &self,
        bytes: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Verdict, VerifyError> {
        let root = Arc::clone(&self.root);
        let verdict = self.run(move || verify_bundle(bytes.as_ref(), &root.current().root)).await?;
        count("bundle", verdict.is_verified());
        Ok(verdict)
    }

    /// Do these links satisfy their layout?
    pub(crate) async fn links(
        &self,
        links: Vec<Vec<u8>>,
        layout: Vec<u8>,
        owner: PublicKey,
    ) -> Result<Vec<Check>, VerifyError> {
        let now = (self.clock)();
        let work = move || {
            let links: Vec<&[u8]> = links.iter().map(Vec::as_slice).collect();
            verify_links(&links, &layout, &owner, now)
        };
        let checks = self.run(work).await?;
        let named = |LinkCheck { name, passed, detail }| Check { name, passed, detail };
        let checks: Vec<Check> = checks.into_iter().map(named).collect();
        count("link", checks.iter().all(|check| check.passed));
        Ok(checks)
    }

    /// Adds the check `file.known` on the hashed file to the bundle's verdict.
    pub(crate) fn file(&self, mut verdict: Verdict, hasher: Hasher) -> FileVerdict {
        let size = hasher.length();
        let digests = hasher.finish();
        let checks = &mut verdict.checks;
        let file = if let Some(verified) = &verdict.subject {
            verify_artifact(verified, "file.known", None, &digests, size, checks).cloned()
        } else {
            checks.require("file.known", false, "", "not checked: the bundle does not hold");
            None
        };
        count("file", checks.all_passed());
        FileVerdict { verdict, file, digests }
    }

    /// Re-hashes what the store holds of a bundle that holds, for its owner.
    pub(crate) async fn stored(
        &self,
        bytes: Vec<u8>,
        caller: &SpiffeId,
    ) -> Result<Verdict, VerifyError> {
        let store = self.store.as_ref().ok_or(VerifyError::NoStore)?;
        let mut verdict = self.bundle(bytes).await?;
        let Some(verified) = &verdict.subject else { return Ok(verdict) };
        if verified.evidence().request().user != *caller {
            return Err(VerifyError::NotOwner);
        }
        // One call re-hashes one file at a time, and few calls do at once.
        let _place = self.places.acquire().await;
        rehash(store, verified, &mut verdict.checks).await;
        count("stored", verdict.checks.all_passed());
        Ok(verdict)
    }
}

async fn rehash(store: &ArtifactStore, verified: &Verified, checks: &mut Checks) {
    let published = verified.files().iter().filter(|file| file.part != Part::Aibom);
    for file in published {
        let outcome = match store.stat(&file.sha256).await {
            Ok(Some(size)) => match store.rehash(&file.sha256).await {
                Ok(digests) => file.matches(&digests, size),
                Err(error) => Err(error.to_string()),
            },
            Ok(None) => Err(format!("the store has no artifact {}", file.sha256)),
            Err(error) => Err(error.to_string()),
        };
        let detail = format!("the {}, unchanged in the store", file.part);
        checks.record(format!("stored.{}", file.name), outcome.map(|()| ((), detail)));
    }
}

/// Hashes the next piece of a file off the async threads.
pub(crate) async fn hash(mut hasher: Hasher, chunk: Bytes) -> Result<Hasher, VerifyError> {
    let hashed = tokio::task::spawn_blocking(move || {
        hasher.update(&chunk);
        hasher
    });
    hashed.await.map_err(VerifyError::Failed)
}

fn count(kind: &'static str, verified: bool) {
    let result = if verified { "verified" } else { "refused" };
    metrics::counter!("verify_total", "kind" => kind, "result" => result).increment(1);
}
