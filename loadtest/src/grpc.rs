//! Submit on both sides: the caller of every round, and a server that answers it at once.

use evidence::Document;
use prost::Message as _;
use proto::job::v1::{
    self as wire,
    job_service_client::JobServiceClient,
    job_service_server::{JobService, JobServiceServer},
};
use rpc::{Channel, Services};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, server::NamedService as _};

/// A submission, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Submission(wire::SubmitRequest);

impl Submission {
    /// The message that carries `document`.
    pub(crate) fn new(document: Document) -> Self {
        Self(wire::SubmitRequest { request: Some(document.into()) })
    }

    /// Its length on the wire, in bytes.
    pub(crate) fn length(&self) -> usize {
        self.0.encoded_len()
    }

    /// Its bytes on the wire.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// What a server does with those bytes first.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Document> {
        wire::SubmitRequest::decode(bytes).ok()?.request.map(Into::into)
    }
}

/// One stream of calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller(JobServiceClient<Channel>);

impl Caller {
    /// Calls over `channel`.
    pub(crate) fn new(channel: Channel) -> Self {
        Self(JobServiceClient::new(channel).max_decoding_message_size(rpc::MAX_RESPONSE_BYTES))
    }

    /// Sends one submission and waits for the answer; true when it made a new job.
    ///
    /// # Errors
    /// What the server said.
    pub(crate) async fn submit(&mut self, submission: &Submission) -> Result<bool, String> {
        let answer = self.0.submit(submission.0.clone()).await;
        let answer = answer.map_err(|status| rpc::describe(&status))?.into_inner();
        Ok(answer.job.is_some() && !answer.existed)
    }
}

/// Answers Submit with a constant job, and does nothing else.
#[derive(Debug)]
struct Echo {
    answer: wire::SubmitResponse,
}

/// The service of the echo. Its answer is as long as the scheduler's.
pub(crate) fn echo_services() -> Services {
    let time = Some(prost_types::Timestamp { seconds: 1_795_000_000, nanos: 123_000_000 });
    let job = wire::Job {
        id: "019aa000-0000-7000-8000-000000000000".to_owned(),
        state: wire::JobState::Queued.into(),
        created_at: time,
        updated_at: time,
        model_name: "wine-quality".to_owned(),
        request_digest: "0".repeat(64),
        ..wire::Job::default()
    };
    let echo = Echo { answer: wire::SubmitResponse { job: Some(job), existed: false } };
    let limit = rpc::message_limit(JobServiceServer::<Echo>::NAME);
    Services::new().add(JobServiceServer::new(echo).max_decoding_message_size(limit))
}

type Never<T> = ReceiverStream<Result<T, Status>>;

fn only_submit<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the echo answers Submit only"))
}

#[tonic::async_trait]
impl JobService for Echo {
    type WatchStream = Never<wire::WatchResponse>;
    type LogsStream = Never<wire::LogsResponse>;

    async fn submit(
        &self,
        _: Request<wire::SubmitRequest>,
    ) -> Result<Response<wire::SubmitResponse>, Status> {
        Ok(Response::new(self.answer.clone()))
    }

    async fn get(
        &self,
        _: Request<wire::GetRequest>,
    ) -> Result<Response<wire::GetResponse>, Status> {
        only_submit()
    }

    async fn list(
        &self,
        _: Request<wire::ListRequest>,
    ) -> Result<Response<wire::ListResponse>, Status> {
        only_submit()
    }

    async fn watch(
        &self,
        _: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        only_submit()
    }

    async fn cancel(
        &self,
        _: Request<wire::CancelRequest>,
    ) -> Result<Response<wire::CancelResponse>, Status> {
        only_submit()
    }

    async fn logs(
        &self,
        _: Request<wire::LogsRequest>,
    ) -> Result<Response<Self::LogsStream>, Status> {
        only_submit()
    }

    async fn list_trainers(
        &self,
        _: Request<wire::ListTrainersRequest>,
    ) -> Result<Response<wire::ListTrainersResponse>, Status> {
        only_submit()
    }

    async fn list_records(
        &self,
        _: Request<wire::ListRecordsRequest>,
    ) -> Result<Response<wire::ListRecordsResponse>, Status> {
        only_submit()
    }

    async fn get_monitor_key(
        &self,
        _: Request<wire::GetMonitorKeyRequest>,
    ) -> Result<Response<wire::GetMonitorKeyResponse>, Status> {
        only_submit()
    }

    async fn disclose(
        &self,
        _: Request<wire::DiscloseRequest>,
    ) -> Result<Response<wire::DiscloseResponse>, Status> {
        only_submit()
    }
}
