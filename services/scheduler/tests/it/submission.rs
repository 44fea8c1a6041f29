//! The link of the submit step: signed with the training evidence, and the same bytes for ever.

use std::sync::Arc;

use envelope::{IN_TOTO_PAYLOAD_TYPE, ResourceDescriptor, link::verify_exact};
use evidence::{Document, EvidenceSet, submit_link};
use ids::Digests;
use keys::SigningKey as _;
use proto::{
    artifact::v1::LeaseRef,
    dispatch::v1::{CompleteRequest, Lease, Success, complete_request::Result as Outcome},
    scan::v1::{
        ScanRequest, ScanResponse,
        scan_service_server::{ScanService, ScanServiceServer},
    },
    signer::v1::{
        AttestRequest, AttestResponse, GetTrustRootRequest, GetTrustRootResponse, ListKeysRequest,
        ListKeysResponse,
        signer_service_server::{SignerService, SignerServiceServer},
    },
};
use rpc::{CancellationToken, MeshIdentity, Server, ServerConfig, Services};
use testkit::{evidence::Fixture, mesh::Party};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use crate::world::{World, upload, write_identity};

/// A scanner that finds `scan`, and a signer that takes nothing but tells what it was asked.
#[derive(Clone)]
struct Fake {
    scan: Document,
    asked: mpsc::Sender<EvidenceSet>,
}

#[tonic::async_trait]
impl ScanService for Fake {
    async fn scan(&self, _: Request<ScanRequest>) -> Result<Response<ScanResponse>, Status> {
        Ok(Response::new(ScanResponse { scan: Some(self.scan.clone().into()) }))
    }
}

#[tonic::async_trait]
impl SignerService for Fake {
    async fn attest(
        &self,
        request: Request<AttestRequest>,
    ) -> Result<Response<AttestResponse>, Status> {
        let evidence = request.into_inner().evidence.unwrap();
        self.asked.send(evidence.try_into().unwrap()).await.unwrap();
        Err(Status::unavailable("the test says so"))
    }

    async fn get_trust_root(
        &self,
        _: Request<GetTrustRootRequest>,
    ) -> Result<Response<GetTrustRootResponse>, Status> {
        Err(Status::unavailable("the test says so"))
    }

    async fn list_keys(
        &self,
        _: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Err(Status::unavailable("the test says so"))
    }
}

/// Serves as `party`; gives the URL.
async fn serve(world: &World, party: &Party, services: Services) -> String {
    let files = write_identity(world.directory.path(), &world.mesh, party);
    let identity = MeshIdentity::load(&files).unwrap();
    let bound = Server::bind(ServerConfig::default(), identity).await.unwrap();
    let url = format!("https://{}", bound.local_addr());
    bound.health().set_ready();
    tokio::spawn(bound.serve(services, CancellationToken::new()));
    url
}

/// Uploads a model and reports it, as far as the scheduler looks.
pub(crate) async fn complete(world: &World, url: &str, lease: Lease) {
    let model = b"the trained model";
    let reference = LeaseRef {
        job_id: lease.job_id.clone(),
        attempt: lease.attempt,
        fencing_token: lease.fencing_token,
    };
    let client = world.artifacts(url, &world.mesh.executor);
    upload(client, uuid::Uuid::from_u128(9), model, 0, Some(reference)).await.unwrap();
    let grant: Document = lease.grant.unwrap().into();
    let mut training = Fixture::new().parts().training;
    training.subject = vec![ResourceDescriptor::both("model.keras", &Digests::of(model))];
    training.predicate.build_definition.internal_parameters.grant = grant.digest();
    let training = world.mesh.executor.sign(IN_TOTO_PAYLOAD_TYPE, &training);
    let success = Success { training: Some(training.into()), grant: Some(grant.into()) };
    let report = CompleteRequest {
        job_id: lease.job_id,
        attempt: lease.attempt,
        fencing_token: lease.fencing_token,
        result: Some(Outcome::Success(success)),
    };
    let mut dispatch = world.dispatch(url, &world.mesh.executor);
    dispatch.complete(report.clone()).await.unwrap();
    dispatch.complete(report).await.unwrap();
}

#[tokio::test]
async fn the_signer_is_sent_the_same_link_after_a_restart() {
    let world = World::new();
    let (asked, mut heard) = mpsc::channel(16);
    let scan = Fixture::new().set().scans.remove(0);
    let fake = Arc::new(Fake { scan, asked });
    let scanner = Services::new().add(ScanServiceServer::from_arc(Arc::clone(&fake)));
    let signer = Services::new().add(SignerServiceServer::from_arc(fake));
    let scanner = serve(&world, &world.mesh.scanner, scanner).await;
    let signer = serve(&world, &world.mesh.signer, signer).await;
    let world = world.with_peers(&scanner, &signer);

    let running = world.start().await;
    world.upload_input(&running.url).await;
    world.submit(&running.url, 1).await;
    let lease = world.lease(&running.url, &world.mesh.executor).await.unwrap();
    complete(&world, &running.url, lease).await;
    let first = heard.recv().await.unwrap();
    running.stop().await;

    let request = world.request(1);
    let link = submit_link(&request, first.request.digest());
    let key = world.mesh.scheduler.key.public_key();
    assert_eq!(verify_exact(&first.submission.envelope, &link, key), Ok(()));
    assert_eq!(first.submission.certificates.concat(), world.mesh.scheduler.certificate_der);

    while heard.try_recv().is_ok() {}
    let running = world.start().await;
    assert_eq!(heard.recv().await.unwrap(), first);
    running.stop().await;
}
