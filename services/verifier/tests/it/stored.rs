//! VerifyStored: what the store still holds of a bundle, for its owner alone.

use artifacts::ArtifactStore;
use ids::{Role, Sha256Digest};
use proto::verifier::v1::VerifyStoredRequest;
use testkit::evidence::{inputs, outputs};
use tonic::Code;

use crate::{
    made,
    mesh::{TestMesh, failures},
};

fn request(mesh: &TestMesh) -> VerifyStoredRequest {
    VerifyStoredRequest { bundle: made::bundle(&mesh.fixture).to_bytes().unwrap() }
}

/// Every file that the fixture names, put into the store as the scheduler would.
async fn fill(mesh: &TestMesh) {
    let store = ArtifactStore::open(&mesh.store_config("scheduler-staging")).unwrap();
    let inputs = inputs().map(|(_, _, bytes)| bytes);
    let outputs = outputs().map(|(_, bytes)| bytes);
    for bytes in inputs.into_iter().chain(outputs).chain([&b"epoch 1\n"[..]]) {
        store.put_bytes(bytes).await.unwrap();
    }
}

#[tokio::test]
async fn every_stored_file_is_hashed_again() {
    let mesh = TestMesh::new();
    fill(&mesh).await;
    let running = mesh.start().await;
    let answer = mesh.user(&running).verify_stored(request(&mesh)).await.unwrap().into_inner();
    let verdict = answer.verdict.unwrap();
    assert_eq!(failures(&verdict), Vec::<&str>::new());
    let stored = verdict.checks.iter().filter(|c| c.name.starts_with("stored.")).count();
    assert_eq!(stored, 8);

    // One file rots, one is lost.
    let path = |bytes: &[u8]| {
        let hex = Sha256Digest::of(bytes).to_hex();
        mesh.directory.path().join("artifacts/sha256").join(&hex[..2]).join(hex)
    };
    let (_, _, dataset) = inputs()[1];
    let (_, trained) = outputs()[1];
    std::fs::remove_file(path(dataset)).unwrap();
    std::fs::remove_file(path(trained)).unwrap();
    std::fs::write(path(trained), b"the trained mode1").unwrap();
    let answer = mesh.user(&running).verify_stored(request(&mesh)).await.unwrap().into_inner();
    assert_eq!(failures(&answer.verdict.unwrap()), ["stored.wine.csv", "stored.model.keras"]);
    running.stop().await;
}

#[tokio::test]
async fn only_the_owner_may_ask() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let other = mesh.fixture.mesh().ca.party(Role::User, "mallory");
    let refused = mesh.client(&running, &other).verify_stored(request(&mesh)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("NOT_OWNER"));
    let scheduler = &mesh.fixture.mesh().scheduler;
    let refused = mesh.client(&running, scheduler).verify_stored(request(&mesh)).await.unwrap_err();
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("ROLE_NOT_ALLOWED"));
    running.stop().await;
}

#[tokio::test]
async fn a_bundle_that_does_not_hold_tells_nothing_of_the_store() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut bundle = made::bundle(&mesh.fixture);
    bundle.aibom.push(b' ');
    let request = VerifyStoredRequest { bundle: bundle.to_bytes().unwrap() };
    let answer = mesh.user(&running).verify_stored(request).await.unwrap().into_inner();
    let verdict = answer.verdict.unwrap();
    assert_eq!(failures(&verdict), ["aibom.rederive"]);
    assert!(verdict.checks.iter().all(|check| !check.name.starts_with("stored.")));
    running.stop().await;
}

#[tokio::test]
async fn a_verifier_without_a_store_says_so() {
    let mesh = TestMesh::new();
    let config = verifier::Config { artifacts: None, ..mesh.config() };
    let running = mesh.start_with(config).await;
    let refused = mesh.user(&running).verify_stored(request(&mesh)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("NO_STORE"));
    running.stop().await;
}
