//! A scheduler on a free port, with identities of a test mesh; its stage services are away unless a
//! test stands in for them.

use std::{path::Path, sync::Arc};

use envelope::{IN_TOTO_PAYLOAD_TYPE, ResourceDescriptor};
use evidence::Document;
use ids::{Digests, Sha256Digest, Timestamp};
use job::{REQUEST_PAYLOAD_TYPE, Request};
use proto::{
    artifact::v1::{
        LeaseRef, UploadHeader, UploadRequest, artifact_service_client::ArtifactServiceClient,
        upload_request::Part,
    },
    dispatch::v1::{
        CompleteRequest, Inventory, Lease, LeaseRequest, RegisterRequest, Success,
        complete_request::Result as Outcome, dispatch_service_client::DispatchServiceClient,
    },
    job::v1::{
        Job, JobState, SubmitRequest, SubmitResponse, WatchRequest,
        job_service_client::JobServiceClient, watch_response::Event,
    },
    review::v1::review_service_client::ReviewServiceClient,
};
use rpc::{CancellationToken, Channel, ClientConfig, IdentityFiles, MeshIdentity};
use testkit::{
    evidence::Fixture,
    mesh::{Mesh, Party},
};
use tonic::Status;

pub(crate) const INPUT: &[u8] = b"mode=ok\n1,2,3\n";
/// What [`World::complete`] leaves.
pub(crate) const MODEL: &[u8] = b"the trained model";
/// What the trainer of [`World::complete`] printed.
pub(crate) const LOG: &[u8] = b"epoch 1 of 1";

pub(crate) struct World {
    pub(crate) mesh: Mesh,
    pub(crate) directory: tempfile::TempDir,
    scanner: String,
    signer: String,
    ledger: String,
    more: String,
}

/// Where nobody listens.
const AWAY: &str = "https://127.0.0.1:1";

pub(crate) struct Running {
    pub(crate) url: String,
    shutdown: CancellationToken,
    handle: scheduler::Handle,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.handle.stopped().await.unwrap();
    }
}

pub(crate) fn write_identity(directory: &Path, mesh: &Mesh, party: &Party) -> IdentityFiles {
    let name = format!("{}-{}", party.id.role(), party.id.name());
    let files = IdentityFiles {
        certificate: directory.join(format!("{name}.crt.pem")),
        key: directory.join(format!("{name}.key.pem")),
        ca: directory.join("ca.crt.pem"),
    };
    std::fs::write(&files.certificate, &party.certificate_pem).unwrap();
    keys::write_secret(&files.key, &party.key_pem).unwrap();
    std::fs::write(&files.ca, mesh.ca.certificate_pem()).unwrap();
    files
}

impl World {
    pub(crate) fn new() -> Self {
        rpc::install_crypto();
        let now = Timestamp::from(std::time::SystemTime::now());
        Self {
            mesh: Mesh::new("scheduler-it", now),
            directory: tempfile::tempdir().unwrap(),
            scanner: AWAY.to_owned(),
            signer: AWAY.to_owned(),
            ledger: AWAY.to_owned(),
            more: String::new(),
        }
    }

    /// The same world with a scanner and a signer at these URLs.
    pub(crate) fn with_peers(mut self, scanner: &str, signer: &str) -> Self {
        (self.scanner, self.signer) = (scanner.to_owned(), signer.to_owned());
        self
    }

    /// The same world with a ledger at this URL.
    pub(crate) fn with_ledger(mut self, ledger: &str) -> Self {
        ledger.clone_into(&mut self.ledger);
        self
    }

    /// The same world with further sections of the configuration.
    pub(crate) fn with_config(mut self, more: &str) -> Self {
        more.clone_into(&mut self.more);
        self
    }

    pub(crate) fn config_text(&self) -> String {
        let files = write_identity(self.directory.path(), &self.mesh, &self.mesh.scheduler);
        let at = |name: &str| self.directory.path().join(name).display().to_string();
        let peer = |role: &str, url: &str| {
            format!("[{role}]\nurl = {url:?}\nspiffe_id = \"spiffe://mesh.test/{role}/main\"\n")
        };
        format!(
            "state_dir = {:?}\n[server]\nlisten = \"127.0.0.1:0\"\ndrain_ms = 200\n[identity]\ncertificate = {:?}\nkey = {:?}\nca = {:?}\n[artifacts]\nurl = {:?}\nstaging_dir = {:?}\n{}{}{}{}",
            at("state"),
            files.certificate,
            files.key,
            files.ca,
            at("artifacts"),
            at("staging"),
            peer("scanner", &self.scanner),
            peer("signer", &self.signer),
            peer("ledger", &self.ledger),
            self.more,
        )
    }

    pub(crate) fn config(&self) -> scheduler::Config {
        let path = self.directory.path().join("scheduler.toml");
        std::fs::write(&path, self.config_text()).unwrap();
        scheduler::Config::read(&path).unwrap()
    }

    pub(crate) async fn start(&self) -> Running {
        let shutdown = CancellationToken::new();
        let handle = scheduler::start(self.config(), shutdown.clone()).await.unwrap();
        Running { url: format!("https://{}", handle.address()), shutdown, handle }
    }

    pub(crate) fn channel(&self, url: &str, party: &Party) -> Channel {
        let files = write_identity(self.directory.path(), &self.mesh, party);
        let identity: Arc<MeshIdentity> = MeshIdentity::load(&files).unwrap();
        rpc::connect(&ClientConfig::new(url, self.mesh.scheduler.id.clone()), identity).unwrap()
    }

    pub(crate) fn jobs(&self, url: &str, party: &Party) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel(url, party))
    }

    pub(crate) fn dispatch(&self, url: &str, party: &Party) -> DispatchServiceClient<Channel> {
        DispatchServiceClient::new(self.channel(url, party))
    }

    pub(crate) fn review(&self, url: &str, party: &Party) -> ReviewServiceClient<Channel> {
        ReviewServiceClient::new(self.channel(url, party))
    }

    pub(crate) fn artifacts(&self, url: &str, party: &Party) -> ArtifactServiceClient<Channel> {
        ArtifactServiceClient::new(self.channel(url, party))
    }

    /// A request of alice's whose three inputs are [`INPUT`]; `number` makes it another request.
    pub(crate) fn request(&self, number: u64) -> Request {
        let fixture = Fixture::new().number(number);
        let mut request = fixture.parts().request;
        request.user = self.mesh.user.id.clone();
        request.idempotency_key = uuid::Uuid::from_u128(u128::from(number) + 1);
        let inputs = &mut request.spec.inputs;
        for file in [&mut inputs.model, &mut inputs.dataset, &mut inputs.definition] {
            file.sha256 = Sha256Digest::of(INPUT);
            file.size = INPUT.len() as u64;
        }
        request
    }

    pub(crate) fn sign(&self, request: &Request) -> SubmitRequest {
        let document: Document = self.mesh.user.sign(REQUEST_PAYLOAD_TYPE, request);
        SubmitRequest { request: Some(document.into()) }
    }

    pub(crate) async fn upload_input(&self, url: &str) {
        let id = uuid::Uuid::from_u128(7);
        let client = self.artifacts(url, &self.mesh.user);
        upload(client, id, INPUT, 0, None).await.unwrap();
    }

    pub(crate) async fn submit(&self, url: &str, number: u64) -> Job {
        let request = self.sign(&self.request(number));
        let answer = self.jobs(url, &self.mesh.user).submit(request).await.unwrap();
        let SubmitResponse { job, .. } = answer.into_inner();
        job.unwrap()
    }

    /// Uploads [`MODEL`] and [`LOG`] and reports them twice, as far as the scheduler looks.
    pub(crate) async fn complete(&self, url: &str, lease: Lease) {
        let reference = LeaseRef {
            job_id: lease.job_id.clone(),
            attempt: lease.attempt,
            fencing_token: lease.fencing_token,
        };
        let client = self.artifacts(url, &self.mesh.executor);
        for (number, content) in [(9, MODEL), (10, LOG)] {
            let id = uuid::Uuid::from_u128(number);
            upload(client.clone(), id, content, 0, Some(reference.clone())).await.unwrap();
        }
        let grant: Document = lease.grant.unwrap().into();
        let mut training = Fixture::new().parts().training;
        training.subject = vec![ResourceDescriptor::both("model.keras", &Digests::of(MODEL))];
        let log = ResourceDescriptor::both("training.log", &Digests::of(LOG));
        training.predicate.run_details.byproducts = vec![log];
        training.predicate.build_definition.internal_parameters.grant = grant.digest();
        let training = self.mesh.executor.sign(IN_TOTO_PAYLOAD_TYPE, &training);
        let success = Success { training: Some(training.into()), grant: Some(grant.into()) };
        let report = CompleteRequest {
            job_id: lease.job_id,
            attempt: lease.attempt,
            fencing_token: lease.fencing_token,
            result: Some(Outcome::Success(success)),
        };
        let mut dispatch = self.dispatch(url, &self.mesh.executor);
        dispatch.complete(report.clone()).await.unwrap();
        dispatch.complete(report).await.unwrap();
    }

    /// Follows a job of alice's until it was in `state` so many times; gives it as it was then.
    pub(crate) async fn reaches(&self, url: &str, id: &str, state: JobState, times: usize) -> Job {
        let mut jobs = self.jobs(url, &self.mesh.user);
        let watch = WatchRequest { id: id.to_owned() };
        let mut stream = jobs.watch(watch).await.unwrap().into_inner();
        let mut seen = 0;
        loop {
            let event = stream.message().await.unwrap().expect("it ended before").event;
            let Some(Event::Transition(transition)) = event else { continue };
            let job = transition.job.unwrap();
            seen += usize::from(job.state() == state);
            if seen == times {
                return job;
            }
        }
    }

    /// Registers `executor` and takes a lease.
    pub(crate) async fn lease(&self, url: &str, executor: &Party) -> Option<Lease> {
        let image = self.request(0).spec.trainer.image.to_string();
        let mut dispatch = self.dispatch(url, executor);
        let inventory = Some(Inventory { images: vec![image], ..Inventory::default() });
        dispatch.register(RegisterRequest { inventory }).await.unwrap();
        let answer = dispatch.lease(LeaseRequest { wait_ms: 5_000 }).await.unwrap();
        answer.into_inner().lease
    }
}

/// Sends `content` from `offset` on as one header and small chunks.
pub(crate) async fn upload(
    mut client: ArtifactServiceClient<Channel>,
    id: uuid::Uuid,
    content: &[u8],
    offset: usize,
    lease: Option<LeaseRef>,
) -> Result<proto::artifact::v1::UploadResponse, Status> {
    let header = UploadHeader {
        upload_id: id.to_string(),
        sha256: Sha256Digest::of(content).to_hex(),
        size: content.len() as u64,
        offset: offset as u64,
        lease,
    };
    let mut messages = vec![UploadRequest { part: Some(Part::Header(header)) }];
    for chunk in content[offset..].chunks(5) {
        let chunk = bytes::Bytes::copy_from_slice(chunk);
        messages.push(UploadRequest { part: Some(Part::Chunk(chunk)) });
    }
    Ok(client.upload(tokio_stream::iter(messages)).await?.into_inner())
}

pub(crate) fn reason(status: &Status) -> String {
    rpc::reason_of(status).unwrap_or_else(|| format!("{status:?}"))
}
