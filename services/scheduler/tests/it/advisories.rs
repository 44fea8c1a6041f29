//! Images are scanned again by themselves; who may read what was found.

use std::sync::{Arc, Mutex};

use envelope::IN_TOTO_PAYLOAD_TYPE;
use evidence::{Document, ScanStatement};
use ids::{Role, Sha256Digest};
use proto::{
    advisory::v1::{
        GetAdvisoryRequest, GetAdvisoryResponse, ListAdvisoriesRequest,
        advisory_service_client::AdvisoryServiceClient,
    },
    scan::v1::{
        GetReportRequest, GetReportResponse, RescanRequest, RescanResponse, ScanFilesRequest,
        ScanFilesResponse, ScanMeshRequest, ScanMeshResponse, ScanRequest, ScanResponse,
        scan_service_server::{ScanService, ScanServiceServer},
    },
    signer::v1::{
        AttestRequest, AttestResponse, GetPolicyRequest, GetPolicyResponse, GetTrustRootRequest,
        GetTrustRootResponse, ListKeysRequest, ListKeysResponse,
        signer_service_server::{SignerService, SignerServiceServer},
    },
};
use rpc::{CancellationToken, MeshIdentity, Server, ServerConfig, Services};
use testkit::{evidence::Fixture, mesh::Party};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use crate::world::{World, reason, write_identity};

/// A scanner that answers with `scan` and says what it was asked; a signer that knows a trust root.
#[derive(Clone)]
struct Fake {
    scan: Arc<Mutex<Option<Document>>>,
    asked: mpsc::Sender<String>,
    root: Vec<u8>,
}

fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unavailable("the test says so"))
}

type Reports = tokio_stream::Empty<Result<GetReportResponse, Status>>;

#[tonic::async_trait]
impl ScanService for Fake {
    type GetReportStream = Reports;

    async fn scan(&self, _: Request<ScanRequest>) -> Result<Response<ScanResponse>, Status> {
        not_here()
    }

    async fn scan_files(
        &self,
        _: Request<tonic::Streaming<ScanFilesRequest>>,
    ) -> Result<Response<ScanFilesResponse>, Status> {
        not_here()
    }

    async fn scan_mesh(
        &self,
        _: Request<ScanMeshRequest>,
    ) -> Result<Response<ScanMeshResponse>, Status> {
        not_here()
    }

    async fn rescan(
        &self,
        request: Request<RescanRequest>,
    ) -> Result<Response<RescanResponse>, Status> {
        let scan = self.scan.lock().unwrap().clone();
        let _ = self.asked.send(request.into_inner().image).await;
        let scan = scan.ok_or_else(|| Status::unavailable("the test says so"))?;
        Ok(Response::new(RescanResponse { scan: Some(scan.into()) }))
    }

    async fn get_report(&self, _: Request<GetReportRequest>) -> Result<Response<Reports>, Status> {
        not_here()
    }
}

#[tonic::async_trait]
impl SignerService for Fake {
    async fn attest(&self, _: Request<AttestRequest>) -> Result<Response<AttestResponse>, Status> {
        not_here()
    }

    async fn get_trust_root(
        &self,
        _: Request<GetTrustRootRequest>,
    ) -> Result<Response<GetTrustRootResponse>, Status> {
        Ok(Response::new(GetTrustRootResponse { trust_root: self.root.clone() }))
    }

    async fn get_policy(
        &self,
        _: Request<GetPolicyRequest>,
    ) -> Result<Response<GetPolicyResponse>, Status> {
        not_here()
    }

    async fn list_keys(
        &self,
        _: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        not_here()
    }
}

async fn serve(world: &World, party: &Party, services: Services) -> String {
    let files = write_identity(world.directory.path(), &world.mesh, party);
    let identity = MeshIdentity::load(&files).unwrap();
    let bound = Server::bind(ServerConfig::default(), identity).await.unwrap();
    let url = format!("https://{}", bound.local_addr());
    bound.health().set_ready();
    tokio::spawn(bound.serve(services, CancellationToken::new()));
    url
}

/// A world with a fake scanner and signer, and what the scanner is asked.
struct Setting {
    world: World,
    fake: Fake,
    heard: mpsc::Receiver<String>,
    image: Sha256Digest,
    scan: ScanStatement,
}

const RESCAN: &str = "[rescan]\nevery_s = 1\n";

impl Setting {
    /// The image of the fixture's request is a configured trainer.
    async fn new() -> Self {
        let world = World::new();
        let (asked, heard) = mpsc::channel(64);
        let mesh = &world.mesh;
        let root = mesh.seal_root(&mesh.trust_root());
        let fake = Fake { scan: Arc::default(), asked, root };
        let scanner = Services::new().add(ScanServiceServer::new(fake.clone()));
        let signer = Services::new().add(SignerServiceServer::new(fake.clone()));
        let scanner = serve(&world, &world.mesh.scanner, scanner).await;
        let signer = serve(&world, &world.mesh.signer, signer).await;
        let world = world.with_peers(&scanner, &signer);
        let mut scan = Fixture::new().parts().scans.remove(0);
        scan.predicate.aibom.run = None;
        let image = world.request(0).spec.trainer.image;
        let trainers = format!("[trainers]\nkeras = {:?}\n{RESCAN}", image.to_string());
        let image = image.digest();
        let setting = Self { world: world.with_config(&trainers), fake, heard, image, scan };
        setting.answer(&setting.world.mesh.scanner);
        setting
    }

    /// From now on the scanner answers with the scan, signed by `party`.
    fn answer(&self, party: &Party) {
        let document = party.sign(IN_TOTO_PAYLOAD_TYPE, &self.scan);
        *self.fake.scan.lock().unwrap() = Some(document);
    }

    /// Waits until an answer from now on was taken: images are asked for one after the other.
    async fn taken(&mut self) {
        while self.heard.try_recv().is_ok() {}
        for _ in 0..3 {
            let image = self.heard.recv().await.unwrap();
            assert_eq!(image, format!("sha256:{}", self.image));
        }
    }

    async fn get(&self, url: &str, party: &Party) -> Result<GetAdvisoryResponse, Status> {
        let mut client = AdvisoryServiceClient::new(self.world.channel(url, party));
        let request = GetAdvisoryRequest { image_sha256: self.image.to_hex() };
        Ok(client.get_advisory(request).await?.into_inner())
    }

    async fn listed(&self, url: &str, party: &Party) -> Vec<String> {
        let mut client = AdvisoryServiceClient::new(self.world.channel(url, party));
        let page = client.list_advisories(ListAdvisoriesRequest::default()).await.unwrap();
        let page = page.into_inner();
        assert_eq!(page.next_page_token, "");
        page.advisories
            .into_iter()
            .map(|one| format!("{} {}", one.image_sha256, one.revision))
            .collect()
    }
}

#[tokio::test]
async fn an_image_is_scanned_again_by_itself_and_only_news_counts() {
    let mut setting = Setting::new().await;
    let running = setting.world.start().await;
    let url = running.url.clone();
    setting.taken().await;
    let alice = &setting.world.mesh.user;
    let first = setting.get(&url, alice).await.unwrap();
    assert_eq!(first.revision, 1, "asked three times, and it said the same each time");
    let scan: Document = first.scan.clone().unwrap().into();
    assert_eq!(Some(scan), *setting.fake.scan.lock().unwrap());

    setting.scan.predicate.aibom.database_sha256 = Some(Sha256Digest::of(b"a new database"));
    setting.answer(&setting.world.mesh.scanner);
    setting.taken().await;
    let second = setting.get(&url, &setting.world.mesh.user).await.unwrap();
    assert_eq!(second.revision, 2);

    // What a user could not verify is not kept, and a scanner that is away changes nothing.
    setting.scan.predicate.scanner.result.clear();
    setting.answer(&setting.world.mesh.executor);
    setting.taken().await;
    *setting.fake.scan.lock().unwrap() = None;
    setting.taken().await;
    assert_eq!(setting.get(&url, &setting.world.mesh.user).await.unwrap(), second);
    running.stop().await;

    let running = setting.world.start().await;
    assert_eq!(setting.get(&running.url, &setting.world.mesh.user).await.unwrap(), second);
    running.stop().await;
}

#[tokio::test]
async fn scans_of_images_that_a_user_has_nothing_to_do_with_do_not_exist() {
    let mut setting = Setting::new().await;
    let running = setting.world.start().await;
    setting.taken().await;
    let mesh = &setting.world.mesh;
    let carol = mesh.ca.party(Role::User, "carol");
    let listed = [format!("{} 1", setting.image)];
    for party in [&mesh.user, &carol, &mesh.approver] {
        assert_eq!(setting.listed(&running.url, party).await, listed, "a configured trainer");
    }
    let refused = setting.get(&running.url, &mesh.executor).await.unwrap_err();
    assert_eq!(reason(&refused), "ROLE_NOT_ALLOWED");
    running.stop().await;

    setting.world = setting.world.with_config(RESCAN);
    let running = setting.world.start().await;
    let (url, mesh) = (&running.url, &setting.world.mesh);
    assert_eq!(setting.listed(url, &mesh.approver).await, listed);
    assert_eq!(setting.get(url, &mesh.approver).await.unwrap().revision, 1);
    assert!(setting.listed(url, &mesh.user).await.is_empty());
    let refused = setting.get(url, &mesh.user).await.unwrap_err();
    assert_eq!(reason(&refused), "ADVISORY_NOT_FOUND");

    // A job that waits for an executor has not run on it.
    setting.world.upload_input(url).await;
    setting.world.submit(url, 1).await;
    let refused = setting.get(url, &mesh.user).await.unwrap_err();
    assert_eq!(reason(&refused), "ADVISORY_NOT_FOUND");
    let lease = setting.world.lease(url, &mesh.executor).await.unwrap();
    setting.world.complete(url, lease).await;
    assert_eq!(setting.get(url, &mesh.user).await.unwrap().revision, 1);
    let refused = setting.get(url, &carol).await.unwrap_err();
    assert_eq!(reason(&refused), "ADVISORY_NOT_FOUND");
    assert!(setting.listed(url, &carol).await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_list_names_what_is_wrong_with_its_page() {
    let world = World::new();
    let running = world.start().await;
    let mut client = AdvisoryServiceClient::new(world.channel(&running.url, &world.mesh.user));
    for (page_size, token) in [(501, ""), (1, "x")] {
        let request = ListAdvisoriesRequest { page_size, page_token: token.to_owned() };
        let refused = client.list_advisories(request).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_ARGUMENT");
    }
    let request = GetAdvisoryRequest { image_sha256: "sha256:00".to_owned() };
    assert_eq!(reason(&client.get_advisory(request).await.unwrap_err()), "INVALID_ARGUMENT");
    running.stop().await;
}
