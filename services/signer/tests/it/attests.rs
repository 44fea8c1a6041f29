//! Attesting: who may, what is signed, what is refused, and that the answer never changes.

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use keys::SigningKey as _;
use proto::signer::v1::{AttestRequest, GetTrustRootRequest};
use testkit::evidence::Part;
use tonic::Code;

use crate::mesh::{TestMesh, signed};

#[tokio::test]
async fn the_scheduler_gets_a_signed_aibom_and_the_same_one_after_a_restart() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let first = mesh.scheduler(&running).attest(mesh.request()).await.unwrap().into_inner();
    let first = signed(first);
    assert_eq!(first.salt.len(), 32);
    let aibom = bom::assemble(&mesh.fixture.verified(), &mesh.fixture.decision()).unwrap();
    assert_eq!(first.aibom, aibom.as_bytes());
    let envelope = Envelope::parse(&first.attestation, usize::MAX).unwrap();
    let key = mesh.fixture.mesh().platform_key();
    let payload = envelope.open(IN_TOTO_PAYLOAD_TYPE, key.public_key()).unwrap();
    let signed_at = bom::signed_at(payload).unwrap();
    let expected = bom::statement(&aibom, &mesh.fixture.verified(), signed_at).unwrap();
    assert_eq!(payload, expected);

    let again = mesh.scheduler(&running).attest(mesh.request()).await.unwrap().into_inner();
    assert_eq!(signed(again), first);
    running.stop().await;
    let running = mesh.start().await;
    let again = mesh.scheduler(&running).attest(mesh.request()).await.unwrap().into_inner();
    assert_eq!(signed(again), first);
    running.stop().await;
}

#[tokio::test]
async fn concurrent_calls_for_one_job_get_one_answer() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let client = mesh.scheduler(&running);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (mut client, request) = (client.clone(), mesh.request());
        calls.spawn(async move { client.attest(request).await.unwrap().into_inner() });
    }
    let mut answers = calls.join_all().await;
    answers.dedup();
    assert_eq!(answers.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn other_evidence_for_a_signed_job_is_refused() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    mesh.scheduler(&running).attest(mesh.request()).await.unwrap();
    let mesh = mesh.with(|f| f.training(|t| t.predicate.run_details.reported.epochs = 7));
    let refused = mesh.scheduler(&running).attest(mesh.request()).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("JOB_ALREADY_SIGNED"));
    running.stop().await;
}

#[tokio::test]
async fn refused_evidence_names_its_rule() {
    let mesh = TestMesh::new();
    let stranger = mesh.fixture.wrong_ca().executor;
    let mesh = mesh.with(|f| f.signer(Part::Training, stranger));
    let running = mesh.start().await;
    let refused = mesh.scheduler(&running).attest(mesh.request()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("EVIDENCE_REFUSED"));
    assert!(refused.message().contains("training.certificate"), "{}", refused.message());
    running.stop().await;
}

#[tokio::test]
async fn only_the_scheduler_may_ask_for_a_signature() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let parties = mesh.fixture.mesh();
    for party in [&parties.user, &parties.executor, &parties.scanner, &parties.ledger] {
        let refused = mesh.client(&running, party).attest(mesh.request()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{}", party.id);
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some("ROLE_NOT_ALLOWED"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_message_without_evidence_is_refused() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut lacking = mesh.request();
    lacking.evidence.as_mut().unwrap().grant = None;
    for request in [AttestRequest { evidence: None }, lacking] {
        let refused = mesh.scheduler(&running).attest(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some("MISSING_FIELD"));
    }
    running.stop().await;
}

#[tokio::test]
async fn everybody_of_the_mesh_reads_the_trust_root() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut user = mesh.client(&running, &mesh.fixture.mesh().user);
    let answer = user.get_trust_root(GetTrustRootRequest {}).await.unwrap().into_inner();
    assert_eq!(evidence::TrustRoot::parse(&answer.trust_root).unwrap(), mesh.fixture.trust_root());
    running.stop().await;
}
