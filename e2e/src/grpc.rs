//! Calls that the `aibom` command never makes: as another party, to any method, with any message.

use std::sync::Arc;

use evidence::{Document, EvidenceSet};
use proto::{
    artifact::v1::{DownloadRequest, LeaseRef, artifact_service_client::ArtifactServiceClient},
    dispatch::v1::{
        CompleteRequest, Inventory, Lease, LeaseRequest, ProgressRequest, RegisterRequest,
        RenewRequest, complete_request, dispatch_service_client::DispatchServiceClient,
    },
    job::v1::{GetMonitorKeyRequest, job_service_client::JobServiceClient},
    ledger::v1::{
        GetCheckpointRequest, GetInclusionRequest, ledger_service_client::LedgerServiceClient,
    },
    review::v1::{ReleaseRequest, review_service_client::ReviewServiceClient},
    scan::v1::{Run, ScanRequest, scan_service_client::ScanServiceClient},
    signer::v1::{AttestRequest, attest_response, signer_service_client::SignerServiceClient},
    verifier::v1::{Verdict, VerifyStoredRequest, verifier_service_client::VerifierServiceClient},
};
use rpc::{Channel, ClientConfig, IdentityFiles, MeshIdentity, status::Status};
use tonic::{Request, codegen::http::uri::PathAndQuery};

pub use proto::{dispatch::v1 as dispatch, signer::v1::attest_response::Outcome};

/// A refusal as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The gRPC code, such as `PERMISSION_DENIED`.
    pub code: &'static str,
    /// The stable reason; empty when there was none.
    pub reason: String,
    /// The message for people.
    pub message: String,
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self {
            code: rpc::status::code_name(status.code()),
            reason: rpc::reason_of(&status).unwrap_or_default(),
            message: status.message().to_owned(),
        }
    }
}

/// The answer to a call.
pub type Answer<T> = Result<T, Refused>;

/// A connection to one service as one party.
#[derive(Debug, Clone)]
pub struct Caller(Channel);

impl Caller {
    /// Connects as the party of `files` when first used.
    ///
    /// # Errors
    /// When the files do not make an identity.
    pub fn new(service: &ClientConfig, files: &IdentityFiles) -> anyhow::Result<Self> {
        Ok(Self(rpc::connect(service, Arc::clone(&MeshIdentity::load(files)?))?))
    }

    /// Connects without any certificate; `roots` are DER.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn without_certificate(
        service: &ClientConfig,
        roots: Vec<Vec<u8>>,
    ) -> anyhow::Result<Self> {
        Ok(Self(rpc::connect_public(service, roots)?))
    }

    /// The channel, for clients of `libs/client`.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.0.clone()
    }

    /// Calls any method (`package.Service/Method`) with an empty message, and drops the answer.
    ///
    /// # Errors
    /// What the service refused with.
    pub async fn call(&self, method: &str) -> Answer<()> {
        let path: PathAndQuery = format!("/{method}").parse().map_err(|_| Refused {
            code: "UNKNOWN",
            reason: String::new(),
            message: "not a method".to_owned(),
        })?;
        let mut client = tonic::client::Grpc::new(self.0.clone());
        let codec = tonic_prost::ProstCodec::<(), ()>::default();
        client.unary(Request::new(()), path, codec).await.map(drop).map_err(Into::into)
    }

    /// Asks reflection for the services that are there.
    ///
    /// # Errors
    /// What the service refused with.
    pub async fn reflect(&self) -> Answer<()> {
        use tonic_reflection::pb::v1::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest,
        };
        let question = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new(self.0.clone());
        let answers = client.server_reflection_info(tokio_stream::once(question)).await?;
        let answer = answers.into_inner().message().await?;
        if answer.is_some_and(|answer| answer.message_response.is_some()) {
            return Ok(());
        }
        Err(Status::unknown("reflection said nothing").into())
    }

    // === The signer ===

    /// `SignerService/Attest`.
    ///
    /// # Errors
    /// What the signer refused with.
    pub async fn attest(&self, set: &EvidenceSet) -> Answer<attest_response::Outcome> {
        let mut client = SignerServiceClient::new(self.0.clone())
            .max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
        let message = AttestRequest { evidence: Some(set.clone().into()) };
        let answer = client.attest(message).await?.into_inner();
        answer.outcome.ok_or_else(|| Status::unknown("no outcome in the answer").into())
    }

    // === The scanner ===

    /// `ScanService/Scan`.
    ///
    /// # Errors
    /// What the scanner refused with.
    pub async fn scan(&self, job: &str, image: &str, training: &str) -> Answer<Document> {
        let mut client = ScanServiceClient::new(self.0.clone())
            .max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
        let run = Run { job_id: job.to_owned(), training_digest: training.to_owned() };
        let message = ScanRequest { run: Some(run), image: image.to_owned() };
        let scan = client.scan(message).await?.into_inner().scan;
        scan.map(Into::into).ok_or_else(|| Status::unknown("no scan in the answer").into())
    }

    // === The ledger ===

    /// The size of the log, from its newest checkpoint.
    ///
    /// # Errors
    /// What the ledger refused with.
    pub async fn log_size(&self) -> Answer<u64> {
        let mut client = LedgerServiceClient::new(self.0.clone());
        let checkpoint = client.get_checkpoint(GetCheckpointRequest {}).await?.into_inner();
        let size = checkpoint.checkpoint.lines().nth(1).and_then(|line| line.parse().ok());
        size.ok_or_else(|| Status::unknown("the checkpoint has no size").into())
    }

    /// An entry of the log, as it was hashed.
    ///
    /// # Errors
    /// What the ledger refused with.
    pub async fn entry(&self, index: u64) -> Answer<Vec<u8>> {
        let mut client = LedgerServiceClient::new(self.0.clone());
        let message = GetInclusionRequest { index, ..GetInclusionRequest::default() };
        Ok(client.get_inclusion(message).await?.into_inner().entry)
    }

    // === The verifier ===

    /// `VerifierService/VerifyStored`.
    ///
    /// # Errors
    /// What the verifier refused with.
    pub async fn verify_stored(&self, bundle: Vec<u8>) -> Answer<Verdict> {
        let mut client = VerifierServiceClient::new(self.0.clone())
            .max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
        let answer = client.verify_stored(VerifyStoredRequest { bundle }).await?.into_inner();
        answer.verdict.ok_or_else(|| Status::unknown("no verdict in the answer").into())
    }

    // === The scheduler, as a user ===

    /// `JobService/GetMonitorKey`.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn monitor_key(&self) -> Answer<Vec<u8>> {
        let mut client = JobServiceClient::new(self.0.clone());
        Ok(client.get_monitor_key(GetMonitorKeyRequest {}).await?.into_inner().key)
    }

    // === The scheduler, as an approver ===

    /// `ReviewService/Release`.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn release(&self, release: &Document) -> Answer<()> {
        let mut client = ReviewServiceClient::new(self.0.clone());
        let message = ReleaseRequest { release: Some(release.clone().into()) };
        Ok(client.release(message).await.map(drop)?)
    }

    // === The scheduler, as an executor ===

    fn dispatch(&self) -> DispatchServiceClient<Channel> {
        DispatchServiceClient::new(self.0.clone())
            .max_decoding_message_size(rpc::MAX_RESPONSE_BYTES)
    }

    /// `DispatchService/Register` with these images.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn register(&self, images: &[String]) -> Answer<()> {
        let inventory = Inventory { cpus: 1, images: images.to_vec(), ..Inventory::default() };
        let message = RegisterRequest { inventory: Some(inventory) };
        Ok(self.dispatch().register(message).await.map(drop)?)
    }

    /// `DispatchService/Lease`.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn lease(&self, wait_ms: u32) -> Answer<Option<Lease>> {
        Ok(self.dispatch().lease(LeaseRequest { wait_ms }).await?.into_inner().lease)
    }

    /// `DispatchService/Renew`.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn renew(&self, lease: &LeaseRef) -> Answer<()> {
        let LeaseRef { job_id, attempt, fencing_token } = lease.clone();
        Ok(self
            .dispatch()
            .renew(RenewRequest { job_id, attempt, fencing_token })
            .await
            .map(drop)?)
    }

    /// `DispatchService/Progress`.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn progress(&self, lease: &LeaseRef) -> Answer<()> {
        let LeaseRef { job_id, attempt, fencing_token } = lease.clone();
        let log = b"not from the container\n".to_vec();
        let message =
            ProgressRequest { job_id, attempt, fencing_token, log, ..ProgressRequest::default() };
        Ok(self.dispatch().progress(message).await.map(drop)?)
    }

    /// `DispatchService/Complete`.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn complete(&self, lease: &LeaseRef, result: complete_request::Result) -> Answer<()> {
        let LeaseRef { job_id, attempt, fencing_token } = lease.clone();
        let result = Some(result);
        let message = CompleteRequest { job_id, attempt, fencing_token, result };
        Ok(self.dispatch().complete(message).await.map(drop)?)
    }

    /// `ArtifactService/Download`, whole.
    ///
    /// # Errors
    /// What the scheduler refused with.
    pub async fn download(&self, sha256: &str, lease: Option<LeaseRef>) -> Answer<Vec<u8>> {
        let mut client = ArtifactServiceClient::new(self.0.clone());
        let message = DownloadRequest { sha256: sha256.to_owned(), offset: 0, lease };
        let mut stream = client.download(message).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(part) = stream.message().await? {
            bytes.extend_from_slice(&part.chunk);
        }
        Ok(bytes)
    }
}

/// Names a lease.
#[must_use]
pub fn lease(job: &str, attempt: u32, fencing_token: u64) -> LeaseRef {
    LeaseRef { job_id: job.to_owned(), attempt, fencing_token }
}
