//! The scans of a job, at the same time: its trainer's image, its inputs, its outputs, and the
//! programs of the mesh. The raw report behind each is kept by its digest.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use artifacts::{ArtifactStore, UploadId};
use envelope::Envelope;
use evidence::{Document, MAX_DOCUMENT_BYTES, ScanStatement, ScanTarget, ScannedRun};
use futures::{FutureExt as _, StreamExt as _, future::join_all};
use ids::Sha256Digest;
use proto::scan::v1::File;
use schedule::JobRecord;
use tokio::sync::Semaphore;

use crate::{
    grpc::{Peers, Pieces},
    live::Live,
    stages::StageError,
};

/// Streams of files that are under way at once, over all jobs.
const STREAMS_MAX: usize = 8;

/// Asks for scans.
pub(crate) struct Scanning {
    store: ArtifactStore,
    peers: Peers,
    live: Live,
    streams: Semaphore,
    /// One report at a time: jobs on one image wait for the same.
    reports: Semaphore,
}

/// What of a job's scans is done; says so after each.
struct Count {
    open: Mutex<Vec<ScanTarget>>,
    done: AtomicUsize,
    all: usize,
    say: Box<dyn Fn(String) + Send + Sync>,
}

impl Count {
    fn say(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = open.iter().map(|target| target.as_str()).collect();
        let names = if names.is_empty() { "done".to_owned() } else { names.join(", ") };
        let (done, all) = (self.done.load(Ordering::Relaxed), self.all);
        (self.say)(format!("scanning: {names} ({done} of {all} done)"));
    }

    fn ended(&self, target: ScanTarget) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|open| *open != target);
        self.done.fetch_add(1, Ordering::Relaxed);
        self.say();
    }
}

impl Scanning {
    pub(crate) fn new(store: ArtifactStore, peers: Peers, live: Live) -> Self {
        Self {
            store,
            peers,
            live,
            streams: Semaphore::new(STREAMS_MAX),
            reports: Semaphore::new(1),
        }
    }

    /// Every scan of `job`, in the order of their targets. `moved` is told of progress.
    ///
    /// # Errors
    /// When one fails; the others are done then, and known when they are asked for again.
    pub(crate) async fn all(
        &self,
        job: &JobRecord,
        moved: impl Fn() + Send + Sync + 'static,
    ) -> Result<Vec<Document>, StageError> {
        let training = job.documents.training.ok_or_else(|| StageError::ours("no training"))?;
        let run = ScannedRun { job: job.id, training };
        let (live, id) = (self.live.clone(), job.id);
        let say = Box::new(move |text| {
            live.stage(id, text);
            moved();
        });
        let (open, all) = (Mutex::new(ScanTarget::ALL.to_vec()), ScanTarget::ALL.len());
        let count = Count { open, done: AtomicUsize::new(0), all, say };
        count.say();
        let scans = ScanTarget::ALL.map(|target| self.counted(job, run, target, &count).boxed());
        let mut outcomes = join_all(scans).await;
        // What cannot be mended by trying again comes first.
        let last = |outcome: &Result<_, StageError>| {
            outcome.as_ref().err().is_some_and(|error: &StageError| !error.again)
        };
        if let Some(at) = outcomes.iter().position(last) {
            outcomes.swap(0, at);
        }
        let scans: Vec<Option<Document>> = outcomes.into_iter().collect::<Result<_, _>>()?;
        Ok(scans.into_iter().flatten().collect())
    }

    async fn counted(
        &self,
        job: &JobRecord,
        run: ScannedRun,
        target: ScanTarget,
        count: &Count,
    ) -> Result<Option<Document>, StageError> {
        let scan = self.one(job, run, target).await;
        count.ended(target);
        let named = |message: String| format!("{target}: {message}");
        scan.map_err(|error| StageError { message: named(error.message), ..error })
    }

    async fn one(
        &self,
        job: &JobRecord,
        run: ScannedRun,
        target: ScanTarget,
    ) -> Result<Option<Document>, StageError> {
        let document = match target {
            ScanTarget::Image => {
                let image = job.spec.trainer.image.to_string();
                self.peers.scan_image(run, image).await?
            }
            ScanTarget::Inputs => {
                let inputs = job.spec.inputs.each().map(|(_, f)| file(&f.name, f.sha256, f.size));
                self.files(run, target, inputs.to_vec()).await?
            }
            ScanTarget::Outputs => {
                let outputs = job.outputs.iter().map(|f| file(&f.name, f.sha256, f.size));
                self.files(run, target, outputs.collect()).await?
            }
            ScanTarget::Mesh => match self.peers.scan_mesh(run).await? {
                Some(document) => document,
                None => return Ok(None),
            },
        };
        self.keep_report(&document).await?;
        Ok(Some(document))
    }

    async fn files(
        &self,
        run: ScannedRun,
        target: ScanTarget,
        files: Vec<(File, Sha256Digest)>,
    ) -> Result<Document, StageError> {
        // Never closed.
        let _place = self.streams.acquire().await;
        for (file, digest) in &files {
            let stored = self.store.stat(digest).await.map_err(StageError::ours)?;
            if stored != Some(file.size) {
                let (name, sha256) = (&file.name, &file.sha256);
                return Err(StageError::ours(format_args!(
                    "{name} (sha256:{sha256}) is not stored"
                )));
            }
        }
        let pieces = self.pieces(files.iter().map(|(_, digest)| *digest).collect());
        let files = files.into_iter().map(|(file, _)| file).collect();
        self.peers.scan_files(run, target, files, pieces).await
    }

    /// The bytes of these artifacts. Where one cannot be read they end, and the scanner says so.
    fn pieces(&self, digests: Vec<Sha256Digest>) -> Pieces {
        let store = self.store.clone();
        let each = futures::stream::iter(digests).then(move |digest| {
            let store = store.clone();
            async move { (digest, store.read(&digest, 0).await) }
        });
        let pieces = each.flat_map(|(digest, opened)| match opened {
            Ok((_, pieces)) => pieces
                .map(move |piece| {
                    piece.inspect_err(|error| tracing::warn!(%digest, %error, "cannot be read"))
                })
                .left_stream(),
            Err(error) => {
                tracing::warn!(%digest, %error, "cannot be opened");
                futures::stream::once(async move { Err(error) }).right_stream()
            }
        });
        let whole = pieces.take_while(|piece| std::future::ready(piece.is_ok()));
        Pieces::new(whole.filter_map(|piece| std::future::ready(piece.ok())))
    }

    /// Keeps the raw report that a scan names. One that the scanner has lost is not waited for.
    async fn keep_report(&self, document: &Document) -> Result<(), StageError> {
        let sha256 = report_of(document).map_err(|reason| {
            StageError::ours(format_args!("scanner: the answer is no scan: {reason}"))
        })?;
        if self.store.stat(&sha256).await.map_err(StageError::ours)?.is_some() {
            return Ok(());
        }
        let _place = self.reports.acquire().await;
        if self.store.stat(&sha256).await.map_err(StageError::ours)?.is_some() {
            return Ok(());
        }
        let Some(report) = self.peers.report(sha256).await? else {
            tracing::warn!(%sha256, "the scanner does not have the raw report any more");
            return Ok(());
        };
        let size = report.len() as u64;
        // The digest names the upload, too: what a lost one staged is gone on with.
        let (name, _) = sha256.as_bytes().split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let id = UploadId(uuid::Uuid::from_bytes(*name));
        let mut upload = self.store.begin(id, sha256, size).await.map_err(StageError::ours)?;
        let here = usize::try_from(upload.offset()).unwrap_or(usize::MAX).min(report.len());
        upload.write(report.slice(here..)).await.map_err(StageError::ours)?;
        upload.finish().await.map_err(StageError::ours)?;
        Ok(())
    }
}

fn file(name: &str, sha256: Sha256Digest, size: u64) -> (File, Sha256Digest) {
    (File { name: name.to_owned(), sha256: sha256.to_hex(), size }, sha256)
}

/// The digest of the raw report that a scan names; the signature is for signer and verifier.
pub(crate) fn report_of(document: &Document) -> Result<Sha256Digest, String> {
    let envelope = Envelope::parse(&document.envelope, MAX_DOCUMENT_BYTES);
    let envelope = envelope.map_err(|error| error.to_string())?;
    let statement: ScanStatement =
        serde_json::from_slice(envelope.unverified_payload()).map_err(|error| error.to_string())?;
    Ok(statement.predicate.aibom.report_sha256)
}

#[cfg(test)]
mod tests;
