//! `aibom.scan.v1` on the wire: decode, call, sign, encode. The policy layer has authorised.

use std::sync::Arc;

use evidence::ScannedRun;
use ids::{JobId, Sha256Digest};
use job::Image;
use proto::scan::v1::{
    GetReportRequest, GetReportResponse, RescanRequest, RescanResponse, ScanFilesRequest,
    ScanFilesResponse, ScanMeshRequest, ScanMeshResponse, ScanRequest, ScanResponse,
    scan_service_server::{ScanService, ScanServiceServer},
};
use rpc::{
    Coded, MeshIdentity, Services,
    status::{Code, to_status},
};
use tonic::{Request, Response, Status};

use crate::{
    archive::ArchiveError,
    child::ChildError,
    engine::EngineError,
    scan::{ScanError, Scans},
    statement::{self, SignError, Subject},
    tool::ToolMissing,
};

/// The full name of the service.
const SERVICE: &str = "aibom.scan.v1.ScanService";

/// A request that names something badly.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {reason}")]
struct InvalidRequest {
    field: &'static str,
    reason: String,
}

impl Coded for InvalidRequest {
    fn code(&self) -> Code {
        Code::InvalidArgument
    }

    fn reason(&self) -> &'static str {
        "INVALID_REQUEST"
    }
}

impl Coded for ScanError {
    fn code(&self) -> Code {
        match self {
            Self::ToolMissing(_) => Code::Unavailable,
            Self::Engine(error) | Self::Archive(ArchiveError::Engine(error)) => match error {
                EngineError::NotFound(_) => Code::NotFound,
                EngineError::OtherDigest(_) => Code::FailedPrecondition,
                EngineError::Engine { .. } => Code::Unavailable,
            },
            Self::Archive(ArchiveError::TooLarge { .. }) => Code::ResourceExhausted,
            Self::Archive(ArchiveError::Save { .. } | ArchiveError::Broken { .. })
            | Self::Scratch { .. }
            | Self::Program(_) => Code::Unavailable,
            Self::Archive(ArchiveError::Binding(_)) => Code::DataLoss,
            Self::ExportTimedOut { .. } => Code::DeadlineExceeded,
            Self::Tool(error) => match error {
                ChildError::TimedOut { .. } => Code::DeadlineExceeded,
                ChildError::TooMuch { .. } | ChildError::Scratch { .. } => Code::ResourceExhausted,
                ChildError::Start(_)
                | ChildError::Read(_)
                | ChildError::NotConfined { .. }
                | ChildError::Engine(_) => Code::Unavailable,
                ChildError::Failed { .. } => Code::Internal,
            },
            Self::Report(_) => Code::Internal,
            Self::Replaced => Code::Aborted,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::ToolMissing(error) => match error {
                ToolMissing::Binary { .. } | ToolMissing::Image { .. } => "TRIVY_MISSING",
                ToolMissing::Sandbox(_) => "TRIVY_NOT_CONFINED",
                ToolMissing::Engine(_) => "ENGINE_UNAVAILABLE",
            },
            Self::Engine(error) | Self::Archive(ArchiveError::Engine(error)) => match error {
                EngineError::NotFound(_) => "IMAGE_NOT_FOUND",
                EngineError::OtherDigest(_) => "IMAGE_DIGEST_UNKNOWN",
                EngineError::Engine { .. } => "ENGINE_UNAVAILABLE",
            },
            Self::Archive(ArchiveError::TooLarge { .. }) => "IMAGE_TOO_LARGE",
            Self::Archive(ArchiveError::Save { .. }) | Self::Scratch { .. } => "SCRATCH_FAILED",
            Self::Archive(ArchiveError::Broken { .. }) => "EXPORT_BROKEN",
            Self::Program(_) => "PROGRAM_UNREADABLE",
            Self::Archive(ArchiveError::Binding(_)) => "IMAGE_MISMATCH",
            Self::ExportTimedOut { .. } => "EXPORT_TIMED_OUT",
            Self::Tool(error) => match error {
                ChildError::TimedOut { .. } => "TRIVY_TIMED_OUT",
                ChildError::TooMuch { .. } => "REPORT_TOO_LARGE",
                ChildError::Scratch { .. } => "SCRATCH_TOO_LARGE",
                ChildError::Start(_) | ChildError::Read(_) => "TRIVY_NOT_STARTED",
                ChildError::NotConfined { .. } => "TRIVY_NOT_CONFINED",
                ChildError::Engine(_) => "ENGINE_UNAVAILABLE",
                ChildError::Failed { .. } => "TRIVY_FAILED",
            },
            Self::Report(_) => "REPORT_INVALID",
            Self::Replaced => "REPLACED_DURING_SCAN",
        }
    }
}

impl Coded for SignError {
    fn code(&self) -> Code {
        match self {
            Self::Write(_) | Self::Seal(_) => Code::Internal,
            Self::TooLarge { .. } => Code::ResourceExhausted,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Write(_) | Self::Seal(_) => "SCAN_NOT_SIGNED",
            Self::TooLarge { .. } => "SCAN_TOO_LARGE",
        }
    }
}

fn subject(request: &ScanRequest) -> Result<Subject, InvalidRequest> {
    let invalid = |field: &'static str| {
        move |error: &dyn std::error::Error| InvalidRequest { field, reason: error.to_string() }
    };
    let run = request
        .run
        .as_ref()
        .ok_or_else(|| InvalidRequest { field: "run", reason: "is missing".to_owned() })?;
    Ok(Subject {
        run: Some(ScannedRun {
            job: run.job_id.parse::<JobId>().map_err(|e| invalid("run.job_id")(&e))?,
            training: run
                .training_digest
                .parse::<Sha256Digest>()
                .map_err(|e| invalid("run.training_digest")(&e))?,
        }),
        image: request.image.parse::<Image>().map_err(|e| invalid("image")(&e))?,
    })
}

/// Answers `ScanService`.
#[derive(Debug)]
struct Handler {
    scans: Arc<Scans>,
    identity: Arc<MeshIdentity>,
}

#[tonic::async_trait]
impl ScanService for Handler {
    async fn scan(&self, request: Request<ScanRequest>) -> Result<Response<ScanResponse>, Status> {
        let subject = subject(request.get_ref()).map_err(|e| to_status(&e))?;
        let scanned = self.scans.scan(&subject.image).await.map_err(|e| to_status(e.as_ref()))?;
        let statement = statement::statement(&subject, &scanned);
        // Key and chain of one moment: a renewal in between must not mix them.
        let credentials = self.identity.current();
        let (key, chain) = (credentials.signing_key(), credentials.certificate_chain_der());
        let document =
            statement::seal(&statement, key.as_ref(), chain).map_err(|e| to_status(&e))?;
        tracing::info!(
            job = subject.run.map(|run| tracing::field::display(run.job)),
            image = %subject.image,
            cached = scanned.cached,
            completeness = ?statement.predicate.aibom.completeness,
            "scan signed"
        );
        Ok(Response::new(ScanResponse { scan: Some(document.into()) }))
    }

    async fn scan_files(
        &self,
        _request: Request<tonic::Streaming<ScanFilesRequest>>,
    ) -> Result<Response<ScanFilesResponse>, Status> {
        Err(Status::unimplemented("ScanFiles"))
    }

    async fn scan_mesh(
        &self,
        _request: Request<ScanMeshRequest>,
    ) -> Result<Response<ScanMeshResponse>, Status> {
        Err(Status::unimplemented("ScanMesh"))
    }

    async fn rescan(
        &self,
        _request: Request<RescanRequest>,
    ) -> Result<Response<RescanResponse>, Status> {
        Err(Status::unimplemented("Rescan"))
    }

    type GetReportStream = futures::stream::Empty<Result<GetReportResponse, Status>>;

    async fn get_report(
        &self,
        _request: Request<GetReportRequest>,
    ) -> Result<Response<Self::GetReportStream>, Status> {
        Err(Status::unimplemented("GetReport"))
    }
}

/// The services of this process.
pub(crate) fn services(scans: Arc<Scans>, identity: Arc<MeshIdentity>) -> Services {
    let limit = rpc::message_limit(SERVICE);
    let server = ScanServiceServer::new(Handler { scans, identity });
    Services::new().add(server.max_decoding_message_size(limit))
}
