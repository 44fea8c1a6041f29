//! JobService: what users ask.

use std::time::SystemTime;

use envelope::Envelope;
use evidence::Document;
use ids::{JobId, Sha256Digest, SpiffeId, canonical};
use job::{REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request as JobRequest};
use proto::job::v1 as wire;
use rpc::Peer;
use schedule::{Event, JobRecord, Submission};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    Refusal, State, disclosure,
    refusal::job_id,
    signer::{NotSigner, now, signer},
};
use crate::{
    proto as convert,
    records::{Owner, Write, as_document},
};

/// The longest request envelope, in bytes.
const MAX_REQUEST_BYTES: usize = 256 * 1024;
/// Messages that wait for a slow watcher.
const WATCH_QUEUE_MAX: usize = 16;
/// The most log bytes in one message.
const LOG_CHUNK_BYTES: usize = 256 * 1024;

type Stream<T> = ReceiverStream<Result<T, Status>>;

/// The service.
#[derive(Debug)]
pub(crate) struct Jobs {
    state: State,
}

impl Jobs {
    pub(crate) const fn new(state: State) -> Self {
        Self { state }
    }

    /// Checks the user's signature and every bound.
    fn open(&self, document: &Document, caller: &Peer) -> Result<JobRequest, Refusal> {
        let bad = |e: &dyn std::fmt::Display| Refusal::Signature(e.to_string());
        let (signer, key) = signer(document, caller, &self.state.identity.roots_der(), now())
            .map_err(|e| match e {
                NotSigner::Chain(why) => Refusal::Signature(why),
                NotSigner::Other { signer, caller } => Refusal::NotYours { signer, caller },
            })?;
        let envelope =
            Envelope::parse(&document.envelope, MAX_REQUEST_BYTES).map_err(|e| bad(&e))?;
        let payload = envelope.open(REQUEST_PAYLOAD_TYPE, &key).map_err(|e| bad(&e))?;
        let request: JobRequest = canonical::from_slice(payload, MAX_REQUEST_BYTES)
            .map_err(|e| Refusal::argument("request", e))?;
        if request.schema != REQUEST_SCHEMA {
            return Err(Refusal::argument("request.schema", format!("{:?}", request.schema)));
        }
        if request.user != signer {
            let caller = signer.to_string();
            return Err(Refusal::NotYours { signer: request.user.to_string(), caller });
        }
        job::validate(&request.spec).map_err(|e| Refusal::argument("request.spec", e))?;
        Ok(request)
    }

    /// Every input must be the user's own upload.
    fn inputs_are_there(&self, request: &JobRequest) -> Result<(), Refusal> {
        for (_, file) in request.spec.inputs.each() {
            let user = Owner::User(request.user.clone());
            let stored = self.state.records.owned(&file.sha256, &user)?;
            let name = || file.name.clone();
            match stored {
                None => {
                    let digest = file.sha256.to_hex();
                    return Err(Refusal::InputMissing { name: name(), digest });
                }
                Some(stored) if stored != file.size => {
                    return Err(Refusal::InputSize { name: name(), stored, stated: file.size });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    async fn record(&self, id: JobId, user: &SpiffeId) -> Result<JobRecord, Refusal> {
        let user = user.clone();
        let found = self.state.core.query(move |m| m.job_of(id, &user).cloned()).await?;
        Ok(found?)
    }
}

fn random() -> Result<[u8; 10], Refusal> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(|e| Refusal::argument("randomness", e))?;
    Ok(bytes)
}

#[tonic::async_trait]
impl wire::job_service_server::JobService for Jobs {
    type WatchStream = Stream<wire::WatchResponse>;
    type LogsStream = Stream<wire::LogsResponse>;

    async fn submit(
        &self,
        request: Request<wire::SubmitRequest>,
    ) -> Result<Response<wire::SubmitResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let message = request.into_inner();
        let document: Document =
            message.request.ok_or_else(|| Refusal::argument("request", "is missing"))?.into();
        let job = self.open(&document, &caller)?;
        self.inputs_are_there(&job)?;
        let unix_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let unix_ms = unix_ms.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(0));
        let id = JobId::new(unix_ms, random()?);
        let digest = document.digest();
        let (_, bytes) = as_document(&document).map_err(|e| Refusal::argument("request", e))?;
        let mut writes = vec![Write::Document(digest, bytes)];
        writes.extend(telemetry::current_traceparent().map(|trace| Write::Trace(id, trace)));
        let submission = Box::new(Submission {
            id,
            user: job.user,
            idempotency_key: job.idempotency_key,
            // What is asked for, not when: who asks again later under the same key means the same.
            payload: Sha256Digest::of(
                &canonical::rewrite(&job.spec).map_err(|e| Refusal::argument("request", e))?,
            ),
            request: digest,
            spec: job.spec,
        });
        let event = Event::Submitted { submission };
        let applied = self.state.core.apply(event, writes).await.map_err(Refusal::from)?;
        let existed = applied.changes.job.is_some_and(|(_, existed)| existed);
        let job = applied.record.as_ref().map(convert::job);
        // In the caller's trace, which the job goes on with.
        tracing::info!(job = job.as_ref().map(|job| job.id.as_str()), existed, "request stored");
        Ok(Response::new(wire::SubmitResponse { job, existed }))
    }

    async fn get(
        &self,
        request: Request<wire::GetRequest>,
    ) -> Result<Response<wire::GetResponse>, Status> {
        let user = rpc::peer(&request)?.spiffe_id().clone();
        let record = self.record(job_id(&request.get_ref().id)?, &user).await?;
        Ok(Response::new(wire::GetResponse { job: Some(convert::job(&record)) }))
    }

    async fn list(
        &self,
        request: Request<wire::ListRequest>,
    ) -> Result<Response<wire::ListResponse>, Status> {
        let user = rpc::peer(&request)?.spiffe_id().clone();
        let message = request.into_inner();
        let size = match message.page_size {
            0 => 50,
            n if n <= 500 => n as usize,
            n => return Err(Refusal::argument("page_size", format!("{n} is over 500")).into()),
        };
        let before = match message.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|e| Refusal::argument("page_token", e))?),
        };
        let read = move |m: &schedule::Machine| -> Vec<wire::Job> {
            m.jobs_of(&user, before).take(size + 1).map(convert::job).collect()
        };
        let mut jobs = self.state.core.query(read).await.map_err(Refusal::from)?;
        let more = jobs.len() > size;
        jobs.truncate(size);
        let last = jobs.last().filter(|_| more).map(|job| job.id.clone());
        let next_page_token = last.unwrap_or_default();
        Ok(Response::new(wire::ListResponse { jobs, next_page_token }))
    }

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let user = rpc::peer(&request)?.spiffe_id().clone();
        let id = job_id(&request.get_ref().id)?;
        let moved = self.state.core.moved();
        let record = self.record(id, &user).await?;
        let (sender, receiver) = mpsc::channel(WATCH_QUEUE_MAX);
        tokio::spawn(follow(self.state.clone(), record, moved, sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn cancel(
        &self,
        request: Request<wire::CancelRequest>,
    ) -> Result<Response<wire::CancelResponse>, Status> {
        let user = rpc::peer(&request)?.spiffe_id().clone();
        let job = job_id(&request.get_ref().id)?;
        let event = Event::CancelAsked { job, user: user.clone() };
        self.state.core.apply(event, Vec::new()).await.map_err(Refusal::from)?;
        let record = self.record(job, &user).await?;
        Ok(Response::new(wire::CancelResponse { job: Some(convert::job(&record)) }))
    }

    async fn logs(
        &self,
        request: Request<wire::LogsRequest>,
    ) -> Result<Response<Self::LogsStream>, Status> {
        let user = rpc::peer(&request)?.spiffe_id().clone();
        let id = job_id(&request.get_ref().id)?;
        let moved = self.state.core.moved();
        self.record(id, &user).await?;
        let (sender, receiver) = mpsc::channel(WATCH_QUEUE_MAX);
        tokio::spawn(tail(self.state.clone(), id, moved, sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn list_trainers(
        &self,
        _request: Request<wire::ListTrainersRequest>,
    ) -> Result<Response<wire::ListTrainersResponse>, Status> {
        let trainers = self.state.fleet.trainers().into_iter();
        let trainers =
            trainers.map(|(name, image)| wire::Trainer { name, image: image.to_string() });
        Ok(Response::new(wire::ListTrainersResponse { trainers: trainers.collect() }))
    }

    async fn list_records(
        &self,
        request: Request<wire::ListRecordsRequest>,
    ) -> Result<Response<wire::ListRecordsResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let answer = disclosure::records(&self.state, &caller, &request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn get_monitor_key(
        &self,
        request: Request<wire::GetMonitorKeyRequest>,
    ) -> Result<Response<wire::GetMonitorKeyResponse>, Status> {
        let key = self.state.tags.key(rpc::peer(&request)?.spiffe_id()).to_vec();
        Ok(Response::new(wire::GetMonitorKeyResponse { key }))
    }

    async fn disclose(
        &self,
        request: Request<wire::DiscloseRequest>,
    ) -> Result<Response<wire::DiscloseResponse>, Status> {
        let user = rpc::peer(&request)?.spiffe_id().clone();
        let answer = disclosure::disclose(&self.state, &user, request.into_inner()).await?;
        Ok(Response::new(answer))
    }
}

type Moved = tokio::sync::broadcast::Receiver<JobId>;

/// Waits until job `id` may have changed. False when the service or the caller is gone.
async fn changed<T>(id: JobId, moved: &mut Moved, caller: &mpsc::Sender<T>) -> bool {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        let next = tokio::select! {
            () = caller.closed() => return false,
            next = moved.recv() => next,
        };
        match next {
            Ok(other) if other != id => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Sends every transition after `sent`, then progress; until the terminal state.
async fn follow(
    state: State,
    mut record: JobRecord,
    mut moved: Moved,
    sender: mpsc::Sender<Result<wire::WatchResponse, Status>>,
) {
    let (mut sent, mut progress) = (0, None);
    loop {
        let mut events = Vec::new();
        for past in record.history.iter().filter(|past| past.sequence > sent) {
            let transition = convert::transition(&record, past);
            events.push(wire::watch_response::Event::Transition(transition));
        }
        sent = record.sequence;
        let now = state.live.progress(record.id);
        if let Some(news) = now.as_ref().filter(|_| now != progress) {
            events.push(wire::watch_response::Event::Progress(convert::progress(news)));
        }
        progress = now;
        for event in events {
            if sender.send(Ok(wire::WatchResponse { event: Some(event) })).await.is_err() {
                return;
            }
        }
        let id = record.id;
        if record.state.is_terminal() || !changed(id, &mut moved, &sender).await {
            return;
        }
        match state.core.query(move |m| m.job(id).cloned()).await {
            Ok(Some(newer)) => record = newer,
            Ok(None) => return,
            Err(error) => {
                let _ = sender.send(Err(Refusal::from(error).into())).await;
                return;
            }
        }
    }
}

/// Sends the log as it grows, until the job ends.
async fn tail(
    state: State,
    id: JobId,
    mut moved: Moved,
    sender: mpsc::Sender<Result<wire::LogsResponse, Status>>,
) {
    let mut position = 0;
    loop {
        let ended = state.core.query(move |m| m.job(id).is_none_or(|r| r.lease.is_none())).await;
        let kept = state.records.log(id).ok().flatten();
        let piece = match (state.live.log(id, position, LOG_CHUNK_BYTES), kept) {
            (Some((piece, after)), _) => {
                position = after;
                piece
            }
            (None, Some((dropped, kept))) => {
                // The job ended: what was not sent yet comes from the kept end.
                let sent = usize::try_from(position.saturating_sub(dropped)).unwrap_or(0);
                let rest = kept.get(sent..).unwrap_or_default();
                for piece in rest.chunks(LOG_CHUNK_BYTES) {
                    let chunk = wire::LogsResponse { chunk: piece.to_vec() };
                    if sender.send(Ok(chunk)).await.is_err() {
                        return;
                    }
                }
                return;
            }
            (None, None) => Vec::new(),
        };
        if !piece.is_empty() {
            if sender.send(Ok(wire::LogsResponse { chunk: piece })).await.is_err() {
                return;
            }
            continue;
        }
        let terminal = state.core.query(move |m| m.job(id).is_none_or(|r| r.state.is_terminal()));
        if terminal.await.unwrap_or(true) && ended.unwrap_or(true) {
            return;
        }
        if !changed(id, &mut moved, &sender).await {
            return;
        }
    }
}
