//! What the scheduler asks of the scanner: to look at the image, the files and the programs.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use evidence::{Document, ScanTarget, ScannedRun};
use futures::{Stream, StreamExt as _, stream::BoxStream};
use ids::Sha256Digest;
use job::Reason;
use proto::{
    evidence::v1::SignedDocument,
    scan::v1::{
        File, FilesHead, GetReportRequest, RescanRequest, Run, ScanFilesRequest, ScanMeshRequest,
        ScanRequest, scan_files_request::Part,
    },
};
use rpc::status::Code;
use tonic::Status;

use super::{Peers, missing, stage_error};
use crate::stages::StageError;

/// The longest raw report that is taken, in bytes.
const REPORT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The bytes of files, one behind the other. A type of its own, because futures that hold a stream
/// without a name cannot be shown to be `Send`.
pub(crate) struct Pieces(BoxStream<'static, Bytes>);

impl Pieces {
    pub(crate) fn new(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self(pieces.boxed())
    }
}

impl Stream for Pieces {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.poll_next_unpin(context)
    }
}

fn run(run: ScannedRun) -> Option<Run> {
    Some(Run { job_id: run.job.to_string(), training_digest: run.training.to_hex() })
}

fn refused(status: &Status) -> StageError {
    stage_error("scanner", Reason::ScanFailed, status)
}

fn document(scan: Option<SignedDocument>) -> Result<Document, StageError> {
    Ok(scan.ok_or_else(|| missing("scanner"))?.into())
}

impl Peers {
    /// The scan of the trainer's image.
    pub(crate) async fn scan_image(
        &self,
        of: ScannedRun,
        image: String,
    ) -> Result<Document, StageError> {
        let request = ScanRequest { run: run(of), image };
        let answer = self.scanner.clone().scan(request).await.map_err(|s| refused(&s))?;
        document(answer.into_inner().scan)
    }

    /// The scan of files: name, digest and length of each, and their bytes in that order.
    pub(crate) async fn scan_files(
        &self,
        of: ScannedRun,
        target: ScanTarget,
        files: Vec<File>,
        pieces: Pieces,
    ) -> Result<Document, StageError> {
        let target = target.as_str().to_owned();
        let head = Part::Head(FilesHead { run: run(of), target, files });
        let parts = futures::stream::iter([head]).chain(pieces.map(Part::Chunk));
        let request = parts.map(|part| ScanFilesRequest { part: Some(part) });
        let answer = self.scanner.clone().scan_files(request).await.map_err(|s| refused(&s))?;
        document(answer.into_inner().scan)
    }

    /// The scan of the mesh's programs; `None` when the scanner is not told of any.
    pub(crate) async fn scan_mesh(&self, of: ScannedRun) -> Result<Option<Document>, StageError> {
        match self.scanner.clone().scan_mesh(ScanMeshRequest { run: run(of) }).await {
            Ok(answer) => document(answer.into_inner().scan).map(Some),
            Err(status) if rpc::reason_of(&status).as_deref() == Some("NO_PROGRAMS") => Ok(None),
            Err(status) => Err(refused(&status)),
        }
    }

    /// A scan of an image for its own sake.
    pub(crate) async fn rescan(&self, image: String) -> Result<Document, StageError> {
        let answer = self.scanner.clone().rescan(RescanRequest { image }).await;
        document(answer.map_err(|s| refused(&s))?.into_inner().scan)
    }

    /// The raw report of this digest; `None` when the scanner does not have it any more.
    pub(crate) async fn report(&self, sha256: Sha256Digest) -> Result<Option<Bytes>, StageError> {
        let request = GetReportRequest { sha256: sha256.to_hex() };
        let mut stream = match self.scanner.clone().get_report(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => return Err(refused(&status)),
        };
        let mut report = Vec::new();
        while let Some(piece) = stream.message().await.map_err(|s| refused(&s))? {
            if report.len().saturating_add(piece.chunk.len()) > REPORT_BYTES_MAX {
                return Err(StageError::ours(format_args!(
                    "scanner: the report {sha256} is longer than {REPORT_BYTES_MAX} bytes"
                )));
            }
            report.extend_from_slice(&piece.chunk);
        }
        if Sha256Digest::of(&report) == sha256 {
            return Ok(Some(report.into()));
        }
        Err(StageError::ours(format_args!("scanner: the report {sha256} came as other bytes")))
    }
}
