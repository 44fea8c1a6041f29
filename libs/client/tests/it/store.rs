//! A store in memory, behind real mTLS, that fails in the ways it is told to.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use bytes::Bytes;
use client::Artifacts;
use ids::{Digests, Sha256Digest, Timestamp};
use proto::artifact::v1::{
    DownloadRequest, DownloadResponse, StatRequest, StatResponse, UploadRequest, UploadResponse,
    artifact_service_server::{ArtifactService, ArtifactServiceServer},
    stat_request::Target,
    upload_request::Part,
};
use rpc::{
    CancellationToken, Channel, ClientConfig, IdentityFiles, MeshIdentity, Server, ServerConfig,
    Services,
    status::{Code, new},
};
use testkit::mesh::{Mesh, Party};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

/// What goes wrong with the next call of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    CutUploadAfter(usize),
    RefuseUpload,
    DifferentUpload,
    CutDownloadAfter(usize),
    FlipDownload,
    OversizeDownload,
}

#[derive(Debug, Default)]
struct State {
    stored: HashMap<String, Vec<u8>>,
    staged: HashMap<String, Vec<u8>>,
    faults: VecDeque<Fault>,
    received: u64,
}

#[derive(Debug, Clone, Default)]
struct Fake(Arc<Mutex<State>>);

pub(crate) struct Store {
    fake: Fake,
    channel: Channel,
    shutdown: CancellationToken,
    _files: tempfile::TempDir,
}

fn identity(party: &Party, ca: &str, directory: &std::path::Path) -> Arc<MeshIdentity> {
    let name = party.id.role();
    let path = |end: &str| directory.join(format!("{name}.{end}"));
    std::fs::write(path("pem"), &party.certificate_pem).unwrap();
    keys::write_secret(&path("key.pem"), &party.key_pem).unwrap();
    std::fs::write(path("ca.pem"), ca).unwrap();
    MeshIdentity::load(&IdentityFiles {
        certificate: path("pem"),
        key: path("key.pem"),
        ca: path("ca.pem"),
    })
    .unwrap()
}

impl Store {
    pub(crate) async fn start() -> Self {
        rpc::install_crypto();
        let files = tempfile::tempdir().unwrap();
        let mesh = Mesh::new("client", Timestamp::from(SystemTime::now()));
        let ca = mesh.ca.certificate_pem();
        let server = identity(&mesh.scheduler, ca, files.path());
        let user = identity(&mesh.user, ca, files.path());
        let bound = Server::bind(ServerConfig::default(), server).await.unwrap();
        let url = format!("https://{}", bound.local_addr());
        let fake = Fake::default();
        let service = ArtifactServiceServer::new(fake.clone());
        let shutdown = CancellationToken::new();
        tokio::spawn(bound.serve(Services::new().add(service), shutdown.clone()));
        let channel =
            rpc::connect(&ClientConfig::new(url, mesh.scheduler.id.clone()), user).unwrap();
        Self { fake, channel, shutdown, _files: files }
    }

    pub(crate) fn artifacts(&self) -> Artifacts {
        Artifacts::new(self.channel.clone())
    }

    pub(crate) fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.fake.0.lock().unwrap().faults = faults.into_iter().collect();
    }

    pub(crate) fn put(&self, bytes: Vec<u8>) -> Sha256Digest {
        let digest = Sha256Digest::of(&bytes);
        self.fake.0.lock().unwrap().stored.insert(digest.to_hex(), bytes);
        digest
    }

    pub(crate) fn stored(&self, digest: Sha256Digest) -> Option<Vec<u8>> {
        self.fake.0.lock().unwrap().stored.get(&digest.to_hex()).cloned()
    }

    pub(crate) fn received(&self) -> u64 {
        self.fake.0.lock().unwrap().received
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

#[tonic::async_trait]
impl ArtifactService for Fake {
    async fn upload(
        &self,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let mut stream = request.into_inner();
        let Some(Part::Header(header)) = stream.message().await?.and_then(|m| m.part) else {
            return Err(Status::invalid_argument("no header"));
        };
        let fault = self.0.lock().unwrap().faults.pop_front();
        match fault {
            Some(Fault::RefuseUpload) => return Err(Status::permission_denied("refused")),
            Some(Fault::DifferentUpload) => {
                return Err(new(Code::AlreadyExists, "UPLOAD_DIFFERENT", "another"));
            }
            _ => {}
        }
        let cut = match fault {
            Some(Fault::CutUploadAfter(bytes)) => bytes,
            _ => usize::MAX,
        };
        loop {
            let message = stream.message().await?;
            let mut state = self.0.lock().unwrap();
            let staged = state.staged.entry(header.upload_id.clone()).or_default();
            let Some(Part::Chunk(chunk)) = message.and_then(|m| m.part) else { break };
            staged.extend_from_slice(&chunk);
            let length = staged.len();
            state.received += chunk.len() as u64;
            if length >= cut {
                return Err(new(Code::Unavailable, "STORE_FAILED", "cut"));
            }
        }
        let mut state = self.0.lock().unwrap();
        let bytes = state.staged.remove(&header.upload_id).unwrap_or_default();
        let digests = Digests::of(&bytes);
        if digests.sha256.to_hex() != header.sha256 {
            return Err(new(Code::InvalidArgument, "UPLOAD_DIGEST", "another digest"));
        }
        let size = bytes.len() as u64;
        state.stored.insert(header.sha256.clone(), bytes);
        let (sha256, sha512) = (header.sha256, digests.sha512.to_hex());
        Ok(Response::new(UploadResponse { sha256, sha512, size }))
    }

    type DownloadStream = Pin<Box<dyn Stream<Item = Result<DownloadResponse, Status>> + Send>>;

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let DownloadRequest { sha256, offset, .. } = request.into_inner();
        let mut state = self.0.lock().unwrap();
        let Some(mut bytes) = state.stored.get(&sha256).cloned() else {
            return Err(Status::not_found("no such artifact"));
        };
        let size = bytes.len() as u64;
        let mut cut = usize::MAX;
        match state.faults.pop_front() {
            Some(Fault::CutDownloadAfter(after)) => cut = after,
            Some(Fault::FlipDownload) => bytes[0] ^= 1,
            Some(Fault::OversizeDownload) => bytes.push(0),
            _ => {}
        }
        let rest = bytes[usize::try_from(offset).unwrap()..].to_vec();
        let whole = rest.len() <= cut;
        let sent = rest[..rest.len().min(cut)].chunks(256 * 1024);
        let mut messages: Vec<_> = sent
            .map(|chunk| Ok(DownloadResponse { chunk: Bytes::copy_from_slice(chunk), size }))
            .collect();
        if !whole {
            messages.push(Err(new(Code::Unavailable, "STORE_FAILED", "cut")));
        }
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }

    async fn stat(&self, request: Request<StatRequest>) -> Result<Response<StatResponse>, Status> {
        let state = self.0.lock().unwrap();
        let answer = match request.into_inner().target {
            Some(Target::Sha256(digest)) => {
                let size = state.stored.get(&digest).map(|bytes| bytes.len() as u64);
                StatResponse { stored: size.is_some(), size: size.unwrap_or(0) }
            }
            Some(Target::UploadId(id)) => match state.staged.get(&id) {
                Some(staged) => StatResponse { stored: false, size: staged.len() as u64 },
                None => return Err(Status::not_found("no such upload")),
            },
            None => return Err(Status::invalid_argument("no target")),
        };
        Ok(Response::new(answer))
    }
}
