//! `aibom.scan.v1` on the wire: decode, call, sign, encode. The policy layer has authorised.

mod errors;
mod requests;

use std::sync::Arc;

use bytes::Bytes;
use evidence::{Document, ScannedRun};
use futures::{StreamExt as _, stream::BoxStream};
use proto::scan::v1::{
    GetReportRequest, GetReportResponse, RescanRequest, RescanResponse, ScanFilesRequest,
    ScanFilesResponse, ScanMeshRequest, ScanMeshResponse, ScanRequest, ScanResponse,
    scan_files_request::Part,
    scan_service_server::{ScanService, ScanServiceServer},
};
use rpc::{MeshIdentity, Services, status::to_status};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    files::{Files, FilesError, in_time},
    scan::{ScanError, Scanned, Scans},
    statement,
};
use errors::{InvalidRequest, NoReport};

/// The full name of the service.
const SERVICE: &str = "aibom.scan.v1.ScanService";
/// The length of a piece of a report, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// Answers `ScanService`.
#[derive(Debug)]
struct Handler {
    scans: Arc<Scans>,
    identity: Arc<MeshIdentity>,
}

impl Handler {
    fn sealed(&self, run: Option<ScannedRun>, scanned: &Scanned) -> Result<Document, Status> {
        // Key and chain of one moment: a renewal in between must not mix them.
        let credentials = self.identity.current();
        let (key, chain) = (credentials.signing_key(), credentials.certificate_chain_der());
        let document = statement::seal(run, scanned, key.as_ref(), chain);
        let document = document.map_err(|e| to_status(&e))?;
        tracing::info!(
            job = run.map(|run| tracing::field::display(run.job)),
            target = %scanned.target,
            cached = scanned.cached,
            incomplete = scanned.reasons().join("; "),
            "scan signed"
        );
        Ok(document)
    }

    /// Takes the bytes that were announced, and scans them.
    async fn received(
        &self,
        files: &Files,
        mut stream: Streaming<ScanFilesRequest>,
    ) -> Result<Scanned, Status> {
        let failed = |error: FilesError| to_status(&ScanError::from(error));
        let receiving = self.scans.receive(files).await;
        let mut receiving = receiving.map_err(|e| to_status(&e))?;
        // Who waited for a stream may have waited for these very files.
        if let Some(known) = self.scans.known(files).await.map_err(|e| to_status(&e))? {
            return Ok(known);
        }
        while !receiving.is_whole() {
            let next = in_time(stream.message()).await.map_err(failed)?;
            let Some(message) = next? else { break };
            let Some(Part::Chunk(chunk)) = message.part else {
                let wrong = InvalidRequest::new("part", "one head, then chunks");
                return Err(to_status(&wrong));
            };
            receiving.push(&chunk).await.map_err(failed)?;
        }
        let scanned = self.scans.scan_files(files, receiving).await;
        scanned.map_err(|e| to_status(e.as_ref()))
    }
}

#[tonic::async_trait]
impl ScanService for Handler {
    async fn scan(&self, request: Request<ScanRequest>) -> Result<Response<ScanResponse>, Status> {
        let request = request.get_ref();
        let run = requests::run(request.run.as_ref()).map_err(|e| to_status(&e))?;
        let image = requests::image(&request.image).map_err(|e| to_status(&e))?;
        let scanned = self.scans.scan(&image).await.map_err(|e| to_status(e.as_ref()))?;
        let document = self.sealed(Some(run), &scanned)?;
        Ok(Response::new(ScanResponse { scan: Some(document.into()) }))
    }

    async fn scan_files(
        &self,
        request: Request<Streaming<ScanFilesRequest>>,
    ) -> Result<Response<ScanFilesResponse>, Status> {
        let mut stream = request.into_inner();
        let first = stream.message().await?.and_then(|message| message.part);
        let files = requests::files(first).map_err(|e| to_status(&e))?;
        let known = self.scans.known(&files).await.map_err(|e| to_status(&e))?;
        let scanned = match known {
            Some(scanned) => scanned,
            None => Box::pin(self.received(&files, stream)).await?,
        };
        let document = self.sealed(Some(files.run), &scanned)?;
        Ok(Response::new(ScanFilesResponse { scan: Some(document.into()) }))
    }

    async fn scan_mesh(
        &self,
        request: Request<ScanMeshRequest>,
    ) -> Result<Response<ScanMeshResponse>, Status> {
        let run = requests::run(request.get_ref().run.as_ref()).map_err(|e| to_status(&e))?;
        let scanned = self.scans.scan_mesh().await.map_err(|e| to_status(e.as_ref()))?;
        let document = self.sealed(Some(run), &scanned)?;
        Ok(Response::new(ScanMeshResponse { scan: Some(document.into()) }))
    }

    async fn rescan(
        &self,
        request: Request<RescanRequest>,
    ) -> Result<Response<RescanResponse>, Status> {
        let image = requests::image(&request.get_ref().image).map_err(|e| to_status(&e))?;
        let scanned = self.scans.scan(&image).await.map_err(|e| to_status(e.as_ref()))?;
        let document = self.sealed(None, &scanned)?;
        Ok(Response::new(RescanResponse { scan: Some(document.into()) }))
    }

    type GetReportStream = BoxStream<'static, Result<GetReportResponse, Status>>;

    async fn get_report(
        &self,
        request: Request<GetReportRequest>,
    ) -> Result<Response<Self::GetReportStream>, Status> {
        let sha256 = requests::digest("sha256", &request.get_ref().sha256);
        let sha256 = sha256.map_err(|e| to_status(&e))?;
        let report = self.scans.report(sha256).await;
        let mut rest = Bytes::from(report.ok_or_else(|| to_status(&NoReport(sha256)))?);
        let pieces = std::iter::from_fn(move || {
            let piece = rest.split_to(PIECE_BYTES.min(rest.len()));
            (!piece.is_empty()).then_some(Ok(GetReportResponse { chunk: piece }))
        });
        Ok(Response::new(futures::stream::iter(pieces).boxed()))
    }
}

/// The services of this process.
pub(crate) fn services(scans: Arc<Scans>, identity: Arc<MeshIdentity>) -> Services {
    let limit = rpc::message_limit(SERVICE);
    let server = ScanServiceServer::new(Handler { scans, identity });
    Services::new().add(server.max_decoding_message_size(limit))
}
