//! ArtifactService: bytes in and out, for those who may.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use artifacts::{Stored, Upload, UploadId};
use futures::StreamExt as _;
use ids::{JobId, Role, Sha256Digest, SpiffeId};
use proto::artifact::v1 as wire;
use rpc::Peer;
use schedule::LeaseKey;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{Refusal, State, refusal::job_id};
use crate::records::{Owner, Write};

/// What a job may upload beyond its outputs: its log, in bytes.
const LOG_ALLOWANCE_BYTES: u64 = 32 * 1024 * 1024;
/// Uploads whose promise is remembered for `Stat`; the oldest are forgotten first.
const PROMISES_MAX: usize = 4_096;

/// Attempts whose uploads are counted; jobs are in order of age, so the oldest go first.
const ATTEMPTS_MAX: usize = 4_096;
/// Uploads of one attempt.
const UPLOADS_MAX: usize = 256;

type Promises = HashMap<(SpiffeId, UploadId), (Sha256Digest, u64)>;

/// The service.
#[derive(Debug)]
pub(crate) struct Artifacts {
    state: State,
    promises: Mutex<Promises>,
    /// Bytes that each upload of an attempt was promised: a resumed one counts once.
    used: Mutex<BTreeMap<(JobId, u32), HashMap<UploadId, u64>>>,
}

/// For whom bytes are stored, and how many may still come.
struct Allowance {
    owner: Owner,
    attempt: Option<((JobId, u32), u64)>,
}

fn digest(text: &str) -> Result<Sha256Digest, Refusal> {
    text.parse().map_err(|e| Refusal::argument("sha256", e))
}

fn upload_id(text: &str) -> Result<UploadId, Refusal> {
    let id = uuid::Uuid::try_parse(text).map_err(|e| Refusal::argument("upload_id", e))?;
    Ok(UploadId(id))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Artifacts {
    pub(crate) fn new(state: State) -> Self {
        Self { state, promises: Mutex::default(), used: Mutex::default() }
    }

    fn lease(&self, caller: &Peer, lease: Option<wire::LeaseRef>) -> Result<LeaseKey, Refusal> {
        let lease = lease.ok_or_else(|| Refusal::argument("lease", "executors must name one"))?;
        Ok(LeaseKey {
            job: job_id(&lease.job_id)?,
            attempt: lease.attempt,
            token: lease.fencing_token,
            executor: caller.spiffe_id().clone(),
        })
    }

    /// Users store for themselves; an executor stores for its attempt, within the job's limit. The
    /// job's user gets it when the job is published, and not before.
    async fn may_write(
        &self,
        caller: &Peer,
        lease: Option<wire::LeaseRef>,
    ) -> Result<Allowance, Refusal> {
        if caller.role() == Role::User {
            return Ok(Allowance { owner: Owner::User(caller.spiffe_id().clone()), attempt: None });
        }
        let key = self.lease(caller, lease)?;
        let attempt = (key.job, key.attempt);
        let held =
            self.state.core.query(move |m| m.holds(&key).map(|r| r.spec.resources.output_mib));
        let output_mib = held.await??;
        let limit = u64::from(output_mib).saturating_mul(1024 * 1024);
        let limit = limit.saturating_add(LOG_ALLOWANCE_BYTES);
        let owner = Owner::Attempt(attempt.0, attempt.1);
        Ok(Allowance { owner, attempt: Some((attempt, limit)) })
    }

    /// Users read what is theirs; an executor reads its lease's inputs.
    async fn may_read(
        &self,
        caller: &Peer,
        artifact: Sha256Digest,
        lease: Option<wire::LeaseRef>,
    ) -> Result<(), Refusal> {
        if caller.role() == Role::User {
            let user = Owner::User(caller.spiffe_id().clone());
            let owned = self.state.records.owned(&artifact, &user)?;
            return owned.map(|_| ()).ok_or_else(|| Refusal::NoArtifact(artifact.to_hex()));
        }
        let key = self.lease(caller, lease)?;
        let inputs = self.state.core.query(move |m| {
            m.holds(&key).map(|r| r.spec.inputs.each().map(|(_, file)| file.sha256))
        });
        if inputs.await??.contains(&artifact) {
            return Ok(());
        }
        Err(Refusal::OutsideLease(format!("sha256:{artifact} is no input of the job")))
    }

    /// Counts the upload against the attempt's limit.
    fn reserve(&self, allowance: &Allowance, id: UploadId, size: u64) -> Result<(), Refusal> {
        let Some((attempt, limit)) = allowance.attempt else { return Ok(()) };
        let mut used = lock(&self.used);
        while used.len() > ATTEMPTS_MAX {
            used.pop_first();
        }
        let uploads = used.entry(attempt).or_default();
        let others = uploads.iter().filter(|(other, _)| **other != id).map(|(_, size)| size);
        if uploads.len() > UPLOADS_MAX || others.sum::<u64>().saturating_add(size) > limit {
            return Err(Refusal::Quota { limit });
        }
        uploads.insert(id, size);
        Ok(())
    }

    fn remember(&self, caller: &Peer, id: UploadId, promise: (Sha256Digest, u64)) {
        let mut promises = lock(&self.promises);
        if promises.len() >= PROMISES_MAX {
            promises.clear();
        }
        promises.insert((caller.spiffe_id().clone(), id), promise);
    }

    async fn receive(
        &self,
        mut upload: Upload,
        header: &wire::UploadHeader,
        mut stream: Streaming<wire::UploadRequest>,
    ) -> Result<Stored, Status> {
        // A sender that begins before what is already here is let catch up.
        let mut skip = upload.offset().saturating_sub(header.offset);
        loop {
            let message = match stream.message().await {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(status) => {
                    upload.suspend().await.map_err(Refusal::from)?;
                    return Err(status);
                }
            };
            let Some(wire::upload_request::Part::Chunk(mut chunk)) = message.part else {
                return Err(Refusal::argument("part", "one header, then chunks").into());
            };
            let passed = skip.min(chunk.len() as u64);
            skip = skip.saturating_sub(passed);
            let fresh = chunk.split_off(usize::try_from(passed).unwrap_or(chunk.len()));
            if !fresh.is_empty() {
                upload.write(fresh).await.map_err(Refusal::from)?;
            }
        }
        // What came is kept: the sender goes on from there.
        if upload.offset() < header.size {
            let got = upload.suspend().await.map_err(Refusal::from)?;
            return Err(Refusal::Incomplete { got, size: header.size }.into());
        }
        Ok(upload.finish().await.map_err(Refusal::from)?)
    }
}

type DownloadStream =
    std::pin::Pin<Box<dyn Stream<Item = Result<wire::DownloadResponse, Status>> + Send>>;

#[tonic::async_trait]
impl wire::artifact_service_server::ArtifactService for Artifacts {
    type DownloadStream = DownloadStream;

    async fn upload(
        &self,
        request: Request<Streaming<wire::UploadRequest>>,
    ) -> Result<Response<wire::UploadResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let mut stream = request.into_inner();
        let first = stream.message().await?.and_then(|message| message.part);
        let Some(wire::upload_request::Part::Header(header)) = first else {
            return Err(Refusal::argument("part", "the first message is the header").into());
        };
        let allowance = self.may_write(&caller, header.lease.clone()).await?;
        let (id, expected) = (upload_id(&header.upload_id)?, digest(&header.sha256)?);
        self.reserve(&allowance, id, header.size)?;
        self.remember(&caller, id, (expected, header.size));
        let begun = self.state.store.begin(id, expected, header.size).await;
        let upload = begun.map_err(Refusal::from)?;
        if header.offset > upload.offset() {
            let problem = format!("{} is past the {} bytes here", header.offset, upload.offset());
            return Err(Refusal::argument("offset", problem).into());
        }
        let stored = self.receive(upload, &header, stream).await?;
        let owner = Write::Owner {
            artifact: stored.digests.sha256,
            size: stored.size,
            who: allowance.owner,
        };
        let none = std::iter::empty();
        self.state.records.commit(none, vec![owner], None).await.map_err(Refusal::from)?;
        Ok(Response::new(wire::UploadResponse {
            sha256: stored.digests.sha256.to_hex(),
            sha512: stored.digests.sha512.to_hex(),
            size: stored.size,
        }))
    }

    async fn download(
        &self,
        request: Request<wire::DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let message = request.into_inner();
        let artifact = digest(&message.sha256)?;
        self.may_read(&caller, artifact, message.lease).await?;
        let read = self.state.store.read(&artifact, message.offset).await;
        let (size, chunks) = read.map_err(Refusal::from)?;
        let head = wire::DownloadResponse { chunk: bytes::Bytes::new(), size };
        let head = futures::stream::once(async move { Ok(head) });
        let rest = chunks.map(|chunk| match chunk {
            Ok(chunk) => Ok(wire::DownloadResponse { chunk, size: 0 }),
            Err(error) => Err(Refusal::from(error).into()),
        });
        Ok(Response::new(Box::pin(head.chain(rest))))
    }

    async fn stat(
        &self,
        request: Request<wire::StatRequest>,
    ) -> Result<Response<wire::StatResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let message = request.into_inner();
        let response = match message.target {
            Some(wire::stat_request::Target::Sha256(text)) => {
                let artifact = digest(&text)?;
                let readable = self.may_read(&caller, artifact, message.lease).await;
                match readable {
                    Ok(()) => {
                        let size = self.state.store.stat(&artifact).await.map_err(Refusal::from)?;
                        wire::StatResponse { stored: size.is_some(), size: size.unwrap_or(0) }
                    }
                    Err(Refusal::NoArtifact(_)) => wire::StatResponse::default(),
                    Err(refusal) => return Err(refusal.into()),
                }
            }
            Some(wire::stat_request::Target::UploadId(text)) => {
                let key = (caller.spiffe_id().clone(), upload_id(&text)?);
                let promise = lock(&self.promises).get(&key).copied();
                let mut size = 0;
                if let Some((expected, length)) = promise
                    && let Ok(upload) = self.state.store.begin(key.1, expected, length).await
                {
                    size = upload.offset();
                }
                wire::StatResponse { stored: false, size }
            }
            None => return Err(Refusal::argument("target", "is missing").into()),
        };
        Ok(Response::new(response))
    }
}
