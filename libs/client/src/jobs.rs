//! JobService as a user calls it.

use evidence::Document;
use ids::JobId;
use proto::job::v1::{self as wire, job_service_client::JobServiceClient};
use rpc::Channel;
use serde::Serialize;

use crate::{
    CallError, JobView, LogStream, TrainerView, Watch,
    call::retry,
    job_view::{Malformed, malformed},
};

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The job.
    pub job: JobView,
    /// Whether this very request had been stored before.
    pub existed: bool,
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPage {
    /// Newest first.
    pub jobs: Vec<JobView>,
    /// Asks for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A client of the scheduler's JobService. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jobs {
    client: JobServiceClient<Channel>,
}

pub(crate) fn view(what: &str, job: Option<wire::Job>) -> Result<JobView, CallError> {
    let job = job.ok_or_else(|| malformed("job", &"nothing"));
    job.and_then(JobView::try_from).map_err(|error| CallError::malformed(what, error))
}

impl Jobs {
    /// A client over `channel`.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        let client =
            JobServiceClient::new(channel).max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
        Self { client }
    }

    pub(crate) fn raw(&self) -> JobServiceClient<Channel> {
        self.client.clone()
    }

    /// Hands in a signed request; the same document again gives the same job.
    ///
    /// # Errors
    /// When the scheduler refuses it or stays unreachable.
    pub async fn submit(&self, request: &Document) -> Result<Submitted, CallError> {
        let what = "cannot submit the job";
        let message = wire::SubmitRequest { request: Some(request.clone().into()) };
        let answer = retry(what, || {
            let (mut client, message) = (self.raw(), message.clone());
            async move { client.submit(message).await }
        })
        .await?
        .into_inner();
        Ok(Submitted { job: view(what, answer.job)?, existed: answer.existed })
    }

    /// One job of the caller's.
    ///
    /// # Errors
    /// NOT_FOUND when there is none, or when the scheduler stays unreachable.
    pub async fn get(&self, id: JobId) -> Result<JobView, CallError> {
        let what = format!("cannot get the job {id}");
        let answer = retry(what.clone(), || {
            let mut client = self.raw();
            async move { client.get(wire::GetRequest { id: id.to_string() }).await }
        });
        view(&what, answer.await?.into_inner().job)
    }

    /// A page of the caller's jobs, newest first; `size` is 1 to 500.
    ///
    /// # Errors
    /// When the scheduler refuses or stays unreachable.
    pub async fn list(&self, size: u32, after: Option<&str>) -> Result<JobPage, CallError> {
        let what = "cannot list the jobs";
        let token = after.unwrap_or_default().to_owned();
        let message = wire::ListRequest { page_size: size, page_token: token };
        let answer = retry(what, || {
            let (mut client, message) = (self.raw(), message.clone());
            async move { client.list(message).await }
        });
        let answer = answer.await?.into_inner();
        let jobs: Result<_, Malformed> = answer.jobs.into_iter().map(JobView::try_from).collect();
        Ok(JobPage {
            jobs: jobs.map_err(|error| CallError::malformed(what, error))?,
            next: (!answer.next_page_token.is_empty()).then_some(answer.next_page_token),
        })
    }

    /// Asks for a job to be stopped; the answer may not be terminal yet.
    ///
    /// # Errors
    /// NOT_FOUND when there is none, or when the scheduler stays unreachable.
    pub async fn cancel(&self, id: JobId) -> Result<JobView, CallError> {
        let what = format!("cannot cancel the job {id}");
        let answer = retry(what.clone(), || {
            let mut client = self.raw();
            async move { client.cancel(wire::CancelRequest { id: id.to_string() }).await }
        });
        view(&what, answer.await?.into_inner().job)
    }

    /// Every transition of a job so far, then the further ones with the progress between them.
    #[must_use]
    pub fn watch(&self, id: JobId) -> Watch {
        Watch::new(self.clone(), id)
    }

    /// What the training container printed, from its first byte.
    #[must_use]
    pub fn logs(&self, id: JobId) -> LogStream {
        LogStream::new(self.clone(), id)
    }

    /// The trainers that can be asked for.
    ///
    /// # Errors
    /// When the scheduler stays unreachable or names an image otherwise than by digest.
    pub async fn trainers(&self) -> Result<Vec<TrainerView>, CallError> {
        let what = "cannot list the trainers";
        let answer = retry(what, || {
            let mut client = self.raw();
            async move { client.list_trainers(wire::ListTrainersRequest {}).await }
        });
        let trainers = answer.await?.into_inner().trainers.into_iter().map(|trainer| {
            let image = trainer.image.parse();
            let image = image.map_err(|_| malformed("trainers.image", &trainer.image))?;
            Ok(TrainerView { name: trainer.name, image })
        });
        let trainers: Result<_, Malformed> = trainers.collect();
        trainers.map_err(|error| CallError::malformed(what, error))
    }
}
