//! The service over mTLS: what it signs opens with its certificate, and only the scheduler may ask.

use std::{path::Path, sync::Arc};

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use evidence::{MAX_DOCUMENT_BYTES, ScanStatement};
use ids::{JobId, Role, Sha256Digest, SpiffeId, Timestamp, canonical};
use keys::ca::{Authority, LeafRequest, create_root};
use proto::{
    evidence::v1::SignedDocument,
    scan::v1::{
        GetReportRequest, RescanRequest, Run, ScanMeshRequest, ScanRequest,
        scan_service_client::ScanServiceClient,
    },
};
use rpc::{
    ClientConfig, HealthState, IdentityFiles, MeshIdentity,
    status::{Code, reason_of},
};
use scanner::{Deps, Handle};

use crate::bench::{Bench, NOW};

const HOUR_MS: i64 = 3_600_000;

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

fn id(role: Role, name: &str) -> SpiffeId {
    SpiffeId::new("mesh.example", role, name).unwrap()
}

fn identities(directory: &Path, wanted: &[(Role, &str)]) -> Vec<Arc<MeshIdentity>> {
    let root = create_root("mesh.example", now(), HOUR_MS, [7; 20]).unwrap();
    let ca = directory.join("ca.crt.pem");
    std::fs::write(&ca, &root.certificate_pem).unwrap();
    let authority = Authority::load(&root.certificate_pem, &root.key_pem).unwrap();
    let issue = |(index, (role, name)): (usize, &(Role, &str))| {
        let leaf = authority.issue(&LeafRequest {
            spiffe_id: &id(*role, name),
            names: &["127.0.0.1".to_owned()],
            now: now(),
            ttl_ms: HOUR_MS,
            serial: [u8::try_from(index).unwrap() + 1; 20],
        });
        let leaf = leaf.unwrap();
        let certificate = directory.join(format!("{role}.crt.pem"));
        let key = directory.join(format!("{role}.key.pem"));
        std::fs::write(&certificate, &leaf.certificate_pem).unwrap();
        keys::write_secret(&key, &leaf.key_pem).unwrap();
        MeshIdentity::load(&IdentityFiles { certificate, key, ca: ca.clone() }).unwrap()
    };
    wanted.iter().enumerate().map(issue).collect()
}

pub(crate) fn run() -> Run {
    Run {
        job_id: JobId::new(1, [7; 10]).to_string(),
        training_digest: Sha256Digest::of(b"training").to_hex(),
    }
}

/// What a document says, once its signature by the scanner is checked.
pub(crate) fn opened(mesh: &Mesh, document: Option<SignedDocument>) -> ScanStatement {
    let document: evidence::Document = document.unwrap().into();
    let roots = mesh.scheduler.roots_der();
    let signer = keys::verify_chain(&document.certificates, &roots, now()).unwrap();
    assert_eq!(*signer.spiffe_id(), id(Role::Scanner, "s1"));
    let envelope = Envelope::parse(&document.envelope, MAX_DOCUMENT_BYTES).unwrap();
    let payload = envelope.open(IN_TOTO_PAYLOAD_TYPE, signer.public_key()).unwrap();
    canonical::from_slice(payload, MAX_DOCUMENT_BYTES).unwrap()
}

pub(crate) struct Mesh {
    pub(crate) bench: Bench,
    pub(crate) scheduler: Arc<MeshIdentity>,
    user: Arc<MeshIdentity>,
    pub(crate) service: Handle,
}

impl Mesh {
    pub(crate) async fn start(behaviour: &str) -> Self {
        let bench = Bench::new();
        let config = bench.config(behaviour);
        Self::with(bench, config).await
    }

    pub(crate) async fn with(bench: Bench, config: scanner::Config) -> Self {
        let roles = [(Role::Scanner, "s1"), (Role::Scheduler, "main"), (Role::User, "ada")];
        let mut made = identities(bench.directory.path(), &roles).into_iter();
        let mut next = || made.next().unwrap();
        let (identity, scheduler, user) = (next(), next(), next());
        let at: Timestamp = NOW.parse().unwrap();
        let deps = Deps {
            identity,
            images: Arc::clone(&bench.images) as _,
            cache: Arc::clone(&bench.cache),
            clock: Arc::new(move || at),
        };
        let service = scanner::start(config, deps).await.unwrap();
        Self { bench, scheduler, user, service }
    }

    pub(crate) fn client(&self, who: &Arc<MeshIdentity>) -> ScanServiceClient<rpc::Channel> {
        let url = format!("https://{}", self.service.local_addr());
        let config = ClientConfig::new(url, id(Role::Scanner, "s1"));
        ScanServiceClient::new(rpc::connect(&config, Arc::clone(who)).unwrap())
            .max_decoding_message_size(rpc::MAX_RESPONSE_BYTES)
    }

    pub(crate) fn request(&self) -> ScanRequest {
        ScanRequest { run: Some(run()), image: self.bench.image().to_string() }
    }
}

#[tokio::test]
async fn the_scheduler_gets_evidence_that_the_scanner_signed() {
    let mesh = Mesh::start("ok").await;
    assert_eq!(mesh.service.health().state(), HealthState::Ready);
    let answer = mesh.client(&mesh.scheduler).scan(mesh.request()).await.unwrap();
    let statement = opened(&mesh, answer.into_inner().scan);
    let image = mesh.bench.image();
    assert_eq!(statement.subject.len(), 1);
    assert_eq!(statement.subject[0].name, Some(image.to_string()));
    assert_eq!(statement.subject[0].sha256_digest(), Some(image.digest()));
    let named = statement.predicate.aibom.run.unwrap();
    assert_eq!(named.job.to_string(), run().job_id);
    assert_eq!(named.training, Sha256Digest::of(b"training"));
    assert_eq!(statement.predicate.metadata.scan_started_on.to_string(), NOW);
    assert!(!statement.predicate.scanner.result.is_empty());
    mesh.service.stop().await.unwrap();
}

#[tokio::test]
async fn others_than_the_scheduler_are_refused() {
    let mesh = Mesh::start("ok").await;
    let status = mesh.client(&mesh.user).scan(mesh.request()).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(mesh.bench.runs(), 0);
}

#[tokio::test]
async fn bad_requests_name_the_field() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let good = mesh.request();
    let bad = |change: fn(&mut Run)| {
        let mut run = run();
        change(&mut run);
        ScanRequest { run: Some(run), ..good.clone() }
    };
    for (field, request) in [
        ("run", ScanRequest { run: None, ..good.clone() }),
        ("run.job_id", bad(|run| run.job_id = "1".into())),
        ("image", ScanRequest { image: "python:latest".into(), ..good.clone() }),
        ("run.training_digest", bad(|run| run.training_digest = "ab".into())),
    ] {
        let status = client.scan(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(field), "{}", status.message());
    }
}

#[tokio::test]
async fn without_trivy_the_service_is_not_ready_and_says_why() {
    let mesh = Mesh::start("missing").await;
    assert!(
        matches!(mesh.service.health().state(), HealthState::NotReady(why) if why.contains("no usable Trivy"))
    );
    let status = mesh.client(&mesh.scheduler).scan(mesh.request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason_of(&status).as_deref(), Some("TRIVY_MISSING"));
}

#[tokio::test]
async fn an_image_that_the_engine_lacks_is_not_found() {
    let mesh = Mesh::start("ok").await;
    let image = format!("sha256:{}", Sha256Digest::of(b"missing"));
    let request = ScanRequest { image, ..mesh.request() };
    let status = mesh.client(&mesh.scheduler).scan(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(reason_of(&status).as_deref(), Some("IMAGE_NOT_FOUND"));
}

#[tokio::test]
async fn the_programs_of_the_mesh_are_named_by_digest_and_one_without_a_list_is_a_gap() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let package = serde_json::json!({
        "Name": "time", "Version": "0.1.40", "Identifier": {"PURL": "pkg:cargo/time@0.1.40"},
    });
    let listed = serde_json::json!([
        {"Target": "ledger", "Class": "lang-pkgs", "Type": "rustbinary", "Packages": [package]}
    ]);
    mesh.bench.filesystem("rootfs", &listed);
    let request = || ScanMeshRequest { run: Some(run()) };
    let statement = opened(&mesh, client.scan_mesh(request()).await.unwrap().into_inner().scan);
    let names: Vec<_> = statement.subject.iter().filter_map(|s| s.name.as_deref()).collect();
    assert_eq!(names, ["ledger", "plain"]);
    assert_eq!(statement.subject[0].sha256_digest(), Some(Sha256Digest::of(b"the ledger")));
    let aibom = &statement.predicate.aibom;
    assert_eq!(aibom.packages[0].path.as_deref(), Some("ledger"));
    let gap = "plain: the program has no list of what it was built from (cargo auditable)";
    assert_eq!(aibom.reason, gap);
    client.scan_mesh(request()).await.unwrap();
    assert_eq!(mesh.bench.runs(), 1, "from the cache");
    // Another program is another scan.
    std::fs::write(mesh.bench.path("ledger"), "another ledger").unwrap();
    let statement = opened(&mesh, client.scan_mesh(request()).await.unwrap().into_inner().scan);
    assert_eq!(statement.subject[0].sha256_digest(), Some(Sha256Digest::of(b"another ledger")));
    assert_eq!(mesh.bench.runs(), 2);
    std::fs::remove_file(mesh.bench.path("ledger")).unwrap();
    let status = client.scan_mesh(request()).await.unwrap_err();
    assert_eq!(reason_of(&status).as_deref(), Some("PROGRAM_UNREADABLE"));
}

#[tokio::test]
async fn a_rescan_is_of_no_run_and_the_raw_report_can_be_fetched() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let first = opened(&mesh, client.scan(mesh.request()).await.unwrap().into_inner().scan);
    let request = RescanRequest { image: mesh.request().image };
    let again = opened(&mesh, client.rescan(request).await.unwrap().into_inner().scan);
    assert_eq!(again.predicate.aibom.run, None);
    assert_eq!(again.predicate.scanner, first.predicate.scanner);
    assert_eq!(mesh.bench.runs(), 1);
    let sha256 = first.predicate.aibom.report_sha256;
    let request = GetReportRequest { sha256: sha256.to_hex() };
    let mut stream = client.get_report(request).await.unwrap().into_inner();
    let mut report = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        assert!(piece.chunk.len() <= 256 * 1024);
        report.extend_from_slice(&piece.chunk);
    }
    assert_eq!(report, std::fs::read(mesh.bench.path("report.json")).unwrap());
    let unknown = GetReportRequest { sha256: Sha256Digest::of(b"no report").to_hex() };
    let status = client.get_report(unknown).await.unwrap_err();
    assert_eq!(
        (status.code(), reason_of(&status).as_deref()),
        (Code::NotFound, Some("REPORT_NOT_FOUND"))
    );
}
