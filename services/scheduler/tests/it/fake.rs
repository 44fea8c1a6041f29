//! Fakes of scanner and signer behind real mTLS: one scan for everything, and the answer to evidence
//! that a test chooses.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use evidence::{Document, EvidenceSet};
use ids::{Sha256Digest, Timestamp};
use policy::Policy;
use proto::{
    scan::v1::{
        GetReportRequest, GetReportResponse, RescanRequest, RescanResponse, ScanFilesRequest,
        ScanFilesResponse, ScanMeshRequest, ScanMeshResponse, ScanRequest, ScanResponse,
        scan_service_server::{ScanService, ScanServiceServer},
    },
    signer::v1::{
        AttestRequest, AttestResponse, GetPolicyRequest, GetPolicyResponse, GetTrustRootRequest,
        GetTrustRootResponse, Hold, ListKeysRequest, ListKeysResponse, SignedAibom, Violation,
        attest_response::Outcome,
        signer_service_server::{SignerService, SignerServiceServer},
    },
};
use rpc::{CancellationToken, MeshIdentity, Server, ServerConfig, Services, status};
use testkit::{evidence::Fixture, mesh::Party};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming};

use crate::world::{World, write_identity};

/// What the fake signer says to evidence.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Come again.
    Away,
    /// Refused for good.
    Refused,
    /// Signed: an attestation of its own for each grant, of which no bundle can be made.
    Signed,
    /// Held by version 1 of a policy, or a later one, for these CVEs.
    Held { version: u64, cves: Vec<&'static str> },
}

/// The evidence that every hold of the fake is about.
pub(crate) fn evidence() -> Sha256Digest {
    Sha256Digest::of(b"the evidence")
}

/// What the fake signer attests about the job of that grant.
pub(crate) fn attestation(grant: &Sha256Digest) -> Vec<u8> {
    format!("the attestation of {grant}").into_bytes()
}

/// The policy of that version.
pub(crate) fn policy(version: u64) -> Sha256Digest {
    Sha256Digest::of(format!("policy {version}").as_bytes())
}

#[derive(Clone)]
struct Fake {
    scan: Document,
    trust_root: Vec<u8>,
    policy: Vec<u8>,
    asked: mpsc::Sender<EvidenceSet>,
    answer: Arc<Mutex<Answer>>,
    rootless: Arc<AtomicBool>,
}

/// The fakes, as a test steers them.
pub(crate) struct Fakes {
    answer: Arc<Mutex<Answer>>,
    rootless: Arc<AtomicBool>,
    asked: mpsc::Receiver<EvidenceSet>,
}

impl Fakes {
    /// Starts both; gives a world whose scheduler calls them.
    pub(crate) async fn start(world: World, answer: Answer) -> (World, Self) {
        let (asked, heard) = mpsc::channel(64);
        let answer = Arc::new(Mutex::new(answer));
        let now = Timestamp::from(std::time::SystemTime::now());
        let scan = Fixture::signed_at(now).set().scans.remove(0);
        let trust_root = world.mesh.seal_root(&world.mesh.trust_root());
        let policy = Policy::standard(now).seal(&world.mesh.policy_key()).unwrap();
        let rootless = Arc::new(AtomicBool::new(false));
        let (said, none) = (Arc::clone(&answer), Arc::clone(&rootless));
        let fake = Fake { scan, trust_root, policy, asked, answer: said, rootless: none };
        let fake = Arc::new(fake);
        let scanner = Services::new().add(ScanServiceServer::from_arc(Arc::clone(&fake)));
        let signer = Services::new().add(SignerServiceServer::from_arc(fake));
        let scanner = serve(&world, &world.mesh.scanner, scanner).await;
        let signer = serve(&world, &world.mesh.signer, signer).await;
        (world.with_peers(&scanner, &signer), Self { answer, rootless, asked: heard })
    }

    /// From now on the signer says this.
    pub(crate) fn say(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// From now on the signer refuses to tell the trust root, or tells it again.
    pub(crate) fn hide_root(&self, hidden: bool) {
        self.rootless.store(hidden, Ordering::SeqCst);
    }

    /// What the signer was asked next.
    pub(crate) async fn heard(&mut self) -> EvidenceSet {
        self.asked.recv().await.unwrap()
    }

    /// Forgets what the signer was asked so far.
    pub(crate) fn forget(&mut self) {
        while self.asked.try_recv().is_ok() {}
    }
}

/// Serves as `party`; gives the URL.
pub(crate) async fn serve(world: &World, party: &Party, services: Services) -> String {
    let files = write_identity(world.directory.path(), &world.mesh, party);
    let identity = MeshIdentity::load(&files).unwrap();
    let bound = Server::bind(ServerConfig::default(), identity).await.unwrap();
    let url = format!("https://{}", bound.local_addr());
    bound.health().set_ready();
    tokio::spawn(bound.serve(services, CancellationToken::new()));
    url
}

fn away() -> Status {
    Status::unavailable("the test says so")
}

#[tonic::async_trait]
impl ScanService for Fake {
    type GetReportStream = tokio_stream::Empty<Result<GetReportResponse, Status>>;

    async fn scan(&self, _: Request<ScanRequest>) -> Result<Response<ScanResponse>, Status> {
        Ok(Response::new(ScanResponse { scan: Some(self.scan.clone().into()) }))
    }

    async fn scan_files(
        &self,
        _: Request<Streaming<ScanFilesRequest>>,
    ) -> Result<Response<ScanFilesResponse>, Status> {
        Ok(Response::new(ScanFilesResponse { scan: Some(self.scan.clone().into()) }))
    }

    async fn scan_mesh(
        &self,
        _: Request<ScanMeshRequest>,
    ) -> Result<Response<ScanMeshResponse>, Status> {
        Err(status::new(status::Code::FailedPrecondition, "NO_PROGRAMS", "none is configured"))
    }

    async fn rescan(&self, _: Request<RescanRequest>) -> Result<Response<RescanResponse>, Status> {
        Err(away())
    }

    async fn get_report(
        &self,
        _: Request<GetReportRequest>,
    ) -> Result<Response<Self::GetReportStream>, Status> {
        Err(Status::not_found("the test keeps no reports"))
    }
}

#[tonic::async_trait]
impl SignerService for Fake {
    async fn attest(
        &self,
        request: Request<AttestRequest>,
    ) -> Result<Response<AttestResponse>, Status> {
        let evidence_set = request.into_inner().evidence.unwrap();
        let evidence_set: EvidenceSet = evidence_set.try_into().unwrap();
        let grant = evidence_set.grant.digest();
        self.asked.send(evidence_set).await.unwrap();
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Answer::Away => Err(away()),
            Answer::Refused => {
                let code = status::Code::FailedPrecondition;
                Err(status::new(code, "EVIDENCE_REFUSED", "release.role: an impostor"))
            }
            Answer::Signed => {
                let signed = SignedAibom {
                    aibom: b"{}".to_vec(),
                    attestation: attestation(&grant),
                    salt: vec![7; 32],
                    ..SignedAibom::default()
                };
                Ok(Response::new(AttestResponse { outcome: Some(Outcome::Signed(signed)) }))
            }
            Answer::Held { version, cves } => {
                let violation = |cve: &str| Violation {
                    kind: "vulnerability".into(),
                    id: cve.into(),
                    subject: "pkg:pypi/keras@3.0.0".into(),
                    severity: "CRITICAL".into(),
                    detail: "upgrade to 3.0.1".into(),
                };
                let hold = Hold {
                    evidence_digest: evidence().to_hex(),
                    policy_name: "standard".into(),
                    policy_version: version,
                    policy_digest: policy(version).to_hex(),
                    violations: cves.into_iter().map(violation).collect(),
                    more: 0,
                };
                Ok(Response::new(AttestResponse { outcome: Some(Outcome::Hold(hold)) }))
            }
        }
    }

    async fn get_trust_root(
        &self,
        _: Request<GetTrustRootRequest>,
    ) -> Result<Response<GetTrustRootResponse>, Status> {
        if self.rootless.load(Ordering::SeqCst) {
            let code = status::Code::FailedPrecondition;
            return Err(status::new(code, "NO_TRUST_ROOT", "the test says so"));
        }
        Ok(Response::new(GetTrustRootResponse { trust_root: self.trust_root.clone() }))
    }

    async fn list_keys(
        &self,
        _: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Err(away())
    }

    async fn get_policy(
        &self,
        _: Request<GetPolicyRequest>,
    ) -> Result<Response<GetPolicyResponse>, Status> {
        Ok(Response::new(GetPolicyResponse { policy: self.policy.clone() }))
    }
}
