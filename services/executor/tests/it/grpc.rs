//! A scheduler that gives out what a test puts in, and keeps what it hears.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use evidence::{Document, GRANT_PAYLOAD_TYPE, GRANT_SCHEMA, Grant, Grantee, Program};
use futures::Stream;
use ids::{Digests, JobId, Sha256Digest, Timestamp};
use proto::{
    artifact::v1::{
        self as artifact,
        artifact_service_server::{ArtifactService, ArtifactServiceServer},
        upload_request::Part,
    },
    dispatch::v1::{
        self as wire,
        dispatch_service_server::{DispatchService, DispatchServiceServer},
    },
};
use rpc::{CancellationToken, Server, ServerConfig, Services};
use testkit::mesh::Mesh;
use tokio::sync::watch;
use tonic::{Code, Request, Response, Status, Streaming, server::NamedService as _};

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// A lease ends this long after its last renewal.
pub(crate) const TTL_MS: u32 = 3_000;

/// How renewals are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Renewals {
    /// Go on.
    #[default]
    Continue,
    /// The user cancelled.
    Cancel,
    /// Another holds it.
    Lost,
    /// Nobody answers.
    Away,
}

/// What the fake knows.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) artifacts: HashMap<String, bytes::Bytes>,
    pub(crate) leases: VecDeque<wire::Lease>,
    pub(crate) grants: HashMap<String, Grant>,
    pub(crate) renewals: Renewals,
    pub(crate) renewed: u32,
    pub(crate) downloads: u32,
    pub(crate) uploads: u32,
    pub(crate) break_downloads: u32,
    pub(crate) break_uploads: u32,
    pub(crate) break_completes: u32,
    pub(crate) registered: Vec<wire::RegisterRequest>,
    pub(crate) completed: Vec<wire::CompleteRequest>,
    pub(crate) log: Vec<u8>,
    pub(crate) epochs: Vec<(u32, u32)>,
    pub(crate) lease_refs: Vec<artifact::LeaseRef>,
}

/// The fake scheduler.
#[derive(Clone)]
pub(crate) struct FakeScheduler {
    mesh: Arc<Mesh>,
    heard: Arc<Mutex<Heard>>,
    changed: watch::Sender<u64>,
}

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

fn away() -> Status {
    Status::unavailable("the test says so")
}

impl FakeScheduler {
    pub(crate) fn new(mesh: Arc<Mesh>) -> Self {
        Self { mesh, heard: Arc::default(), changed: watch::Sender::new(0) }
    }

    /// Serves until `shutdown`; gives the address.
    pub(crate) async fn serve(
        &self,
        files: &rpc::IdentityFiles,
        shutdown: CancellationToken,
    ) -> std::net::SocketAddr {
        let identity = rpc::MeshIdentity::load(files).unwrap();
        let bound = Server::bind(ServerConfig::default(), identity).await.unwrap();
        let address = bound.local_addr();
        let dispatch = DispatchServiceServer::new(self.clone())
            .max_decoding_message_size(rpc::message_limit(DispatchServiceServer::<Self>::NAME));
        let artifacts = ArtifactServiceServer::new(self.clone())
            .max_decoding_message_size(rpc::message_limit(ArtifactServiceServer::<Self>::NAME));
        bound.health().set_ready();
        tokio::spawn(bound.serve(Services::new().add(dispatch).add(artifacts), shutdown));
        address
    }

    /// Changes what the fake knows.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Heard) -> T) -> T {
        let result = change(&mut self.heard.lock().unwrap());
        self.changed.send_modify(|version| *version += 1);
        result
    }

    /// Waits until the fake heard something.
    pub(crate) async fn wait<T>(&self, what: &str, look: impl Fn(&Heard) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let looking = async {
            loop {
                if let Some(found) = look(&self.heard.lock().unwrap()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        found.unwrap_or_else(|_| panic!("never happened: {what}"))
    }

    /// Waits for the end of a job.
    pub(crate) async fn completed(&self, job: JobId) -> wire::complete_request::Result {
        let job = job.to_string();
        self.wait("the end of the job", |heard| {
            heard.completed.iter().find(|c| c.job_id == job)?.result.clone()
        })
        .await
    }

    /// Puts an artifact in the store.
    pub(crate) fn store(&self, bytes: &[u8]) -> Sha256Digest {
        let digest = Sha256Digest::of(bytes);
        self.change(|heard| {
            heard.artifacts.insert(digest.to_hex(), bytes::Bytes::copy_from_slice(bytes))
        });
        digest
    }

    /// Queues a lease of `request` for the executor `to`.
    pub(crate) fn lease(&self, job: JobId, token: u64, request: Document, to: Grantee) {
        let grant = Grant {
            schema: GRANT_SCHEMA.to_owned(),
            job,
            attempt: 1,
            request: request.digest(),
            executor: to,
            nonce: Sha256Digest::of(job.as_bytes()),
            fencing_token: token,
            issued_at: now(),
            expires_at: now().plus_ms(i64::from(TTL_MS)),
            scheduler: Program { version: "0".to_owned(), digest: Digests::of(b"scheduler") },
            operator: None,
        };
        let document = self.sign(&grant);
        self.change(|heard| {
            heard.grants.insert(job.to_string(), grant);
            heard.leases.push_back(wire::Lease {
                job_id: job.to_string(),
                attempt: 1,
                fencing_token: token,
                request: Some(request.into()),
                grant: Some(document.into()),
            });
        });
    }

    fn sign(&self, grant: &Grant) -> Document {
        self.mesh.scheduler.sign(GRANT_PAYLOAD_TYPE, grant)
    }
}

#[tonic::async_trait]
impl DispatchService for FakeScheduler {
    async fn register(
        &self,
        request: Request<wire::RegisterRequest>,
    ) -> Result<Response<wire::RegisterResponse>, Status> {
        self.change(|heard| heard.registered.push(request.into_inner()));
        Ok(Response::new(wire::RegisterResponse { lease_ttl_ms: TTL_MS }))
    }

    async fn lease(
        &self,
        request: Request<wire::LeaseRequest>,
    ) -> Result<Response<wire::LeaseResponse>, Status> {
        let mut changed = self.changed.subscribe();
        let wait = Duration::from_millis(request.into_inner().wait_ms.into());
        let found = tokio::time::timeout(wait, async {
            loop {
                let lease = self.heard.lock().unwrap().leases.pop_front();
                if lease.is_some() {
                    return lease;
                }
                changed.changed().await.unwrap();
            }
        });
        let lease = found.await.unwrap_or(None);
        Ok(Response::new(wire::LeaseResponse { lease }))
    }

    async fn renew(
        &self,
        request: Request<wire::RenewRequest>,
    ) -> Result<Response<wire::RenewResponse>, Status> {
        let job = request.into_inner().job_id;
        let (renewals, grant) = self
            .change(|heard| {
                heard.renewed += 1;
                let grant = heard.grants.get_mut(&job)?;
                grant.expires_at = now().plus_ms(i64::from(TTL_MS));
                Some((heard.renewals, grant.clone()))
            })
            .ok_or_else(|| Status::not_found("no such job"))?;
        let directive = match renewals {
            Renewals::Continue => wire::Directive::Continue,
            Renewals::Cancel => wire::Directive::Cancel,
            Renewals::Away => return Err(away()),
            Renewals::Lost => {
                let code = Code::FailedPrecondition;
                return Err(rpc::status::new(code, "LEASE_LOST", "another holds it"));
            }
        };
        let grant = Some(self.sign(&grant).into());
        Ok(Response::new(wire::RenewResponse { directive: directive.into(), grant }))
    }

    async fn progress(
        &self,
        request: Request<wire::ProgressRequest>,
    ) -> Result<Response<wire::ProgressResponse>, Status> {
        let news = request.into_inner();
        assert!(news.log.len() <= 256 * 1024 && news.metrics.len() <= 64);
        self.change(|heard| {
            heard.log.extend(&news.log);
            heard.epochs.push((news.epoch, news.epochs));
        });
        Ok(Response::new(wire::ProgressResponse {}))
    }

    async fn complete(
        &self,
        request: Request<wire::CompleteRequest>,
    ) -> Result<Response<wire::CompleteResponse>, Status> {
        let broken = self.change(|heard| {
            let broken = heard.break_completes > 0;
            heard.break_completes = heard.break_completes.saturating_sub(1);
            if !broken {
                heard.completed.push(request.into_inner());
            }
            broken
        });
        if broken { Err(away()) } else { Ok(Response::new(wire::CompleteResponse {})) }
    }
}

type Chunks = Pin<Box<dyn Stream<Item = Result<artifact::DownloadResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ArtifactService for FakeScheduler {
    type DownloadStream = Chunks;

    async fn download(
        &self,
        request: Request<artifact::DownloadRequest>,
    ) -> Result<Response<Chunks>, Status> {
        let wanted = request.into_inner();
        let (bytes, broken) = self.change(|heard| {
            heard.downloads += 1;
            heard.lease_refs.extend(wanted.lease);
            let broken = heard.break_downloads > 0;
            heard.break_downloads = heard.break_downloads.saturating_sub(1);
            (heard.artifacts.get(&wanted.sha256).cloned(), broken)
        });
        let bytes = bytes.ok_or_else(|| Status::not_found("no such artifact"))?;
        let size = bytes.len() as u64;
        let from = usize::try_from(wanted.offset).unwrap();
        let rest = bytes.slice(from..);
        let rest = if broken { rest.slice(..rest.len() / 2) } else { rest };
        let mut chunks: Vec<Result<artifact::DownloadResponse, Status>> = rest
            .chunks(4_096)
            .map(|c| Ok(artifact::DownloadResponse { chunk: rest.slice_ref(c), size }))
            .collect();
        if broken {
            chunks.push(Err(away()));
        }
        Ok(Response::new(Box::pin(futures::stream::iter(chunks))))
    }

    async fn upload(
        &self,
        request: Request<Streaming<artifact::UploadRequest>>,
    ) -> Result<Response<artifact::UploadResponse>, Status> {
        let mut stream = request.into_inner();
        let (mut header, mut bytes) = (artifact::UploadHeader::default(), Vec::new());
        while let Some(message) = stream.message().await? {
            match message.part.unwrap() {
                Part::Header(first) => header = first,
                Part::Chunk(chunk) => bytes.extend_from_slice(&chunk),
            }
        }
        assert_eq!(header.offset, 0, "this fake keeps nothing of a broken upload");
        let broken = self.change(|heard| {
            heard.uploads += 1;
            heard.lease_refs.extend(header.lease.clone());
            let broken = heard.break_uploads > 0;
            heard.break_uploads = heard.break_uploads.saturating_sub(1);
            broken
        });
        if broken {
            return Err(away());
        }
        let digests = Digests::of(&bytes);
        assert_eq!((digests.sha256.to_hex(), bytes.len() as u64), (header.sha256, header.size));
        self.store(&bytes);
        Ok(Response::new(artifact::UploadResponse {
            sha256: digests.sha256.to_hex(),
            sha512: digests.sha512.to_hex(),
            size: header.size,
        }))
    }

    async fn stat(
        &self,
        _: Request<artifact::StatRequest>,
    ) -> Result<Response<artifact::StatResponse>, Status> {
        Ok(Response::new(artifact::StatResponse { stored: false, size: 0 }))
    }
}
