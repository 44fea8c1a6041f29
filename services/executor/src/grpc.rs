//! The scheduler as the executor sees it: its dispatch and artifact services behind plain types.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use evidence::Document;
use ids::{Digests, Sha256Digest};
use proto::{
    artifact::v1::{
        self as artifact, artifact_service_client::ArtifactServiceClient, stat_request,
        upload_request,
    },
    dispatch::v1::{
        self as dispatch, complete_request, dispatch_service_client::DispatchServiceClient,
    },
};
use rpc::{ClientConfig, MeshIdentity};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming};

use crate::{
    failure::{Failure, Kind, clean},
    host::HostFacts,
    order::{Lease, LeaseKey},
};

/// The reason that the scheduler gives when another holds the lease.
const LEASE_LOST: &str = "LEASE_LOST";
/// Upload messages between disk and network.
const QUEUE_CHUNKS: usize = 8;

/// Why a call to the scheduler came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The lease is another's.
    #[error("the lease is lost")]
    LeaseLost,
    /// No answer, or one that says to try again.
    #[error("the scheduler is away: {0}")]
    Away(String),
    /// The call itself is refused; trying again changes nothing.
    #[error("the scheduler refused: {0}")]
    Refused(String),
    /// The answer is not what the contract says.
    #[error("the scheduler's answer is unusable: {0}")]
    Answer(&'static str),
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        if rpc::reason_of(&status).as_deref() == Some(LEASE_LOST) {
            return Self::LeaseLost;
        }
        let text = clean(&rpc::describe(&status), 1024);
        match status.code() {
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Cancelled
            | Code::ResourceExhausted
            | Code::Internal
            | Code::Unknown => Self::Away(text),
            _ => Self::Refused(text),
        }
    }
}

/// Whether to go on, as a renewal tells it.
#[derive(Debug)]
pub enum Renewed {
    /// Go on with this grant.
    Continue(Option<Document>),
    /// Stop: the user cancelled.
    Cancel,
}

/// News for the user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    /// Log bytes since the last news, at most 256 KiB.
    pub log: Vec<u8>,
    /// Epochs done.
    pub epoch: u32,
    /// Epochs asked for.
    pub epochs: u32,
    /// Metrics of the last epoch, at most 64.
    pub metrics: std::collections::BTreeMap<String, f64>,
}

/// The result of an attempt on the wire.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Training evidence, and the grant that it names.
    Success {
        /// What this executor signed.
        training: Document,
        /// What the scheduler signed.
        grant: Document,
    },
    /// A failure.
    Failure(Failure),
}

/// A download in progress.
#[derive(Debug)]
pub struct Download(Streaming<artifact::DownloadResponse>);

impl Download {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the stream breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        Ok(self.0.message().await?.map(|message| message.chunk))
    }
}

/// What an upload is of.
#[derive(Debug, Clone)]
pub struct UploadHead {
    /// Names it across reconnects.
    pub upload_id: String,
    /// SHA-256 of the whole.
    pub sha256: Sha256Digest,
    /// Length of the whole in bytes.
    pub size: u64,
    /// Where this call begins.
    pub offset: u64,
}

/// The scheduler over one channel. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scheduler {
    dispatch: DispatchServiceClient<rpc::Channel>,
    artifacts: ArtifactServiceClient<rpc::Channel>,
}

fn lease_ref(key: LeaseKey) -> artifact::LeaseRef {
    artifact::LeaseRef {
        job_id: key.job.to_string(),
        attempt: key.attempt,
        fencing_token: key.token,
    }
}

fn lease(wire: dispatch::Lease, trace: Option<String>) -> Result<Lease, CallError> {
    let job = wire.job_id.parse().map_err(|_| CallError::Answer("lease.job_id"))?;
    let key = LeaseKey { job, attempt: wire.attempt, token: wire.fencing_token };
    let request = wire.request.ok_or(CallError::Answer("lease.request"))?.into();
    let grant = wire.grant.ok_or(CallError::Answer("lease.grant"))?.into();
    Ok(Lease { key, request, grant, trace })
}

const fn kind(kind: Kind) -> dispatch::FailureKind {
    match kind {
        Kind::Job => dispatch::FailureKind::Job,
        Kind::Refused => dispatch::FailureKind::Refused,
        Kind::Infrastructure => dispatch::FailureKind::Infrastructure,
        Kind::Cancelled => dispatch::FailureKind::Cancelled,
    }
}

impl Scheduler {
    /// A client of the scheduler that `config` names; connects at the first call.
    ///
    /// # Errors
    /// When the address is no `https://host:port` or TLS cannot be set up.
    pub fn connect(
        config: &ClientConfig,
        identity: Arc<MeshIdentity>,
    ) -> Result<Self, rpc::ConnectError> {
        let channel = rpc::connect(config, identity)?;
        let limit = rpc::MAX_RESPONSE_BYTES;
        Ok(Self {
            dispatch: DispatchServiceClient::new(channel.clone()).max_decoding_message_size(limit),
            artifacts: ArtifactServiceClient::new(channel).max_decoding_message_size(limit),
        })
    }

    /// Says what this executor has; gives the lease's time to live.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn register(
        &self,
        host: &HostFacts,
        images: Vec<String>,
        trainers: std::collections::HashMap<String, String>,
    ) -> Result<Duration, CallError> {
        let gpus = host.gpus.iter().map(|fact| dispatch::Gpu {
            name: fact.gpu.name.clone(),
            uuid: fact.uuid.clone(),
            memory_bytes: fact.gpu.memory_bytes,
            driver: fact.gpu.driver.clone(),
        });
        let inventory = dispatch::Inventory {
            cpus: host.host.cpus,
            memory_bytes: host.host.memory_bytes,
            gpus: gpus.collect(),
            images,
            trainers,
        };
        let request = dispatch::RegisterRequest { inventory: Some(inventory) };
        let answer = self.dispatch.clone().register(request).await?.into_inner();
        match answer.lease_ttl_ms {
            0 => Err(CallError::Answer("lease_ttl_ms is 0")),
            ms => Ok(Duration::from_millis(u64::from(ms))),
        }
    }

    /// Waits for a job.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn lease(&self, wait: Duration) -> Result<Option<Lease>, CallError> {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let answer = self.dispatch.clone().lease(dispatch::LeaseRequest { wait_ms }).await?;
        let trace = answer.metadata().get("traceparent");
        let trace = trace.and_then(|text| text.to_str().ok()).map(str::to_owned);
        answer.into_inner().lease.map(|wire| lease(wire, trace)).transpose()
    }

    /// Keeps a lease.
    ///
    /// # Errors
    /// When it is lost, or the call fails.
    pub async fn renew(&self, key: LeaseKey) -> Result<Renewed, CallError> {
        let request = dispatch::RenewRequest {
            job_id: key.job.to_string(),
            attempt: key.attempt,
            fencing_token: key.token,
        };
        let answer = self.dispatch.clone().renew(request).await?.into_inner();
        match answer.directive() {
            dispatch::Directive::Cancel => Ok(Renewed::Cancel),
            dispatch::Directive::Continue => Ok(Renewed::Continue(answer.grant.map(Into::into))),
            dispatch::Directive::Unspecified => Err(CallError::Answer("directive")),
        }
    }

    /// Tells news.
    ///
    /// # Errors
    /// When the lease is lost, or the call fails.
    pub async fn progress(&self, key: LeaseKey, news: News) -> Result<(), CallError> {
        let request = dispatch::ProgressRequest {
            job_id: key.job.to_string(),
            attempt: key.attempt,
            fencing_token: key.token,
            log: news.log,
            epoch: news.epoch,
            epochs: news.epochs,
            metrics: news.metrics.into_iter().collect(),
        };
        self.dispatch.clone().progress(request).await?;
        Ok(())
    }

    /// Ends an attempt; the same call may be sent again.
    ///
    /// # Errors
    /// When the lease is lost, or the call fails.
    pub async fn complete(&self, key: LeaseKey, outcome: Outcome) -> Result<(), CallError> {
        let result = match outcome {
            Outcome::Success { training, grant } => {
                let (training, grant) = (Some(training.into()), Some(grant.into()));
                complete_request::Result::Success(dispatch::Success { training, grant })
            }
            Outcome::Failure(failure) => complete_request::Result::Failure(dispatch::Failure {
                kind: kind(failure.kind).into(),
                reason: failure.reason.as_str().to_owned(),
                message: failure.message,
            }),
        };
        let request = dispatch::CompleteRequest {
            job_id: key.job.to_string(),
            attempt: key.attempt,
            fencing_token: key.token,
            result: Some(result),
        };
        self.dispatch.clone().complete(request).await?;
        Ok(())
    }

    /// Begins to read an input of the lease at `offset`.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn download(
        &self,
        key: LeaseKey,
        sha256: Sha256Digest,
        offset: u64,
    ) -> Result<Download, CallError> {
        let request = artifact::DownloadRequest {
            sha256: sha256.to_hex(),
            offset,
            lease: Some(lease_ref(key)),
        };
        Ok(Download(self.artifacts.clone().download(request).await?.into_inner()))
    }

    /// Sends the bytes from `head.offset` on that `chunks` gives, and waits until they are stored.
    ///
    /// # Errors
    /// When the call fails, or what was stored has other digests.
    pub async fn upload(
        &self,
        key: LeaseKey,
        head: UploadHead,
        mut chunks: mpsc::Receiver<Bytes>,
    ) -> Result<Digests, CallError> {
        let (sink, messages) = mpsc::channel(QUEUE_CHUNKS);
        let header = artifact::UploadHeader {
            upload_id: head.upload_id,
            sha256: head.sha256.to_hex(),
            size: head.size,
            offset: head.offset,
            lease: Some(lease_ref(key)),
        };
        let feed = async move {
            let mut part = Some(upload_request::Part::Header(header));
            while let Some(next) = part {
                let message = artifact::UploadRequest { part: Some(next) };
                if sink.send(message).await.is_err() {
                    return;
                }
                part = chunks.recv().await.map(upload_request::Part::Chunk);
            }
        };
        let mut client = self.artifacts.clone();
        let call = client.upload(Request::new(ReceiverStream::new(messages)));
        let (answer, ()) = tokio::join!(call, feed);
        let answer = answer?.into_inner();
        let sha256 = answer.sha256.parse().map_err(|_| CallError::Answer("sha256"))?;
        let sha512 = answer.sha512.parse().map_err(|_| CallError::Answer("sha512"))?;
        Ok(Digests { sha256, sha512 })
    }

    /// How many bytes of an upload are stored.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn uploaded(&self, key: LeaseKey, upload_id: &str) -> Result<u64, CallError> {
        let request = artifact::StatRequest {
            target: Some(stat_request::Target::UploadId(upload_id.to_owned())),
            lease: Some(lease_ref(key)),
        };
        let answer = self.artifacts.clone().stat(request).await?.into_inner();
        Ok(if answer.stored { 0 } else { answer.size })
    }
}
