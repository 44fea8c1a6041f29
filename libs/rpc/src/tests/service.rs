//! An artifact service that shows what a handler sees, and misbehaves when asked to.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::Stream;
use proto::artifact::v1::{
    DownloadRequest, DownloadResponse, StatRequest, StatResponse, UploadRequest, UploadResponse,
    artifact_service_server::ArtifactService, stat_request::Target, upload_request::Part,
};
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};

#[derive(Clone, Default)]
pub(super) struct Probe {
    /// Handlers that run now.
    pub(super) running: Arc<AtomicUsize>,
    /// The most that ran at once.
    pub(super) most: Arc<AtomicUsize>,
    /// Handlers that began.
    pub(super) begun: Arc<AtomicUsize>,
}

struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Probe {
    fn begin(&self) -> InFlight {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        InFlight(Arc::clone(&self.running))
    }

    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

/// A request that makes the handler take this long, in milliseconds.
pub(super) fn slow(ms: u64) -> StatRequest {
    StatRequest { target: Some(Target::Sha256(format!("slow:{ms}"))), lease: None }
}

/// A request that is answered at once.
pub(super) fn quick() -> StatRequest {
    StatRequest { target: Some(Target::Sha256("quick".into())), lease: None }
}

#[tonic::async_trait]
impl ArtifactService for Probe {
    async fn stat(&self, request: Request<StatRequest>) -> Result<Response<StatResponse>, Status> {
        let _running = self.begin();
        let peer = crate::peer(&request)?.clone();
        let left_ms = crate::deadline(&request)
            .map(|at| at.saturating_duration_since(Instant::now()).as_millis().to_string());
        if let Some(Target::Sha256(text)) = &request.get_ref().target
            && let Some(ms) = text.strip_prefix("slow:")
        {
            tokio::time::sleep(Duration::from_millis(ms.parse().unwrap())).await;
        }
        let mut response = Response::new(StatResponse { stored: true, size: 1 });
        let seen = response.metadata_mut();
        seen.insert("peer", peer.spiffe_id().to_string().parse().unwrap());
        seen.insert("remote", peer.remote_addr().to_string().parse().unwrap());
        seen.insert("key", peer.public_key().key_id().to_string().parse().unwrap());
        if let Some(left_ms) = left_ms {
            seen.insert("left-ms", left_ms.parse().unwrap());
        }
        if let Some(traceparent) = telemetry::current_traceparent() {
            seen.insert("seen-traceparent", traceparent.parse().unwrap());
        }
        Ok(response)
    }

    async fn upload(
        &self,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let _running = self.begin();
        let mut parts = request.into_inner();
        let mut size = 0;
        while let Some(part) = parts.next().await {
            if let Some(Part::Chunk(chunk)) = part?.part {
                size += chunk.len() as u64;
            }
        }
        Ok(Response::new(UploadResponse { size, ..UploadResponse::default() }))
    }

    type DownloadStream = Pin<Box<dyn Stream<Item = Result<DownloadResponse, Status>> + Send>>;

    /// `sha256` is a number of chunks, after which "stuck" streams never end.
    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let running = self.begin();
        let text = request.into_inner().sha256;
        let stuck = text.starts_with("stuck");
        let chunks: usize = if stuck { 1 } else { text.parse().unwrap() };
        let chunk = move |_| {
            let _held = &running;
            Ok(DownloadResponse { chunk: vec![7; 64 * 1024].into(), size: 0 })
        };
        let body = tokio_stream::iter(0..chunks).map(chunk);
        if stuck {
            let never = futures::stream::pending();
            return Ok(Response::new(Box::pin(body.chain(never))));
        }
        Ok(Response::new(Box::pin(body)))
    }
}
