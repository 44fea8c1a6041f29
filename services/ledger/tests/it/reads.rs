//! Reading: for every identity of the mesh, and for anybody through the public listener.

use ids::{Role, Sha256Digest, SpiffeId};
use merkle::{checkpoint, leaf_hash, verify_consistency, verify_inclusion};
use proto::ledger::v1::{
    AppendRequest, GetCheckpointRequest, GetConsistencyRequest, GetInclusionRequest,
    ledger_service_client::LedgerServiceClient,
};
use rpc::{ClientConfig, HealthState, ServerConfig};
use testkit::mesh::TRUST_DOMAIN;
use tonic::Code;

use crate::mesh::{Client, Running, TestMesh};

fn hashes(wire: Vec<Vec<u8>>) -> Vec<Sha256Digest> {
    wire.into_iter().map(|bytes| Sha256Digest::from_bytes(bytes.try_into().unwrap())).collect()
}

async fn append(mesh: &TestMesh, running: &Running, n: u8) {
    let commitment = Sha256Digest::of(&[n]).as_bytes().to_vec();
    mesh.scheduler(running).append(AppendRequest { commitment, tag: vec![7; 16] }).await.unwrap();
}

async fn head(mesh: &TestMesh, client: &mut Client) -> merkle::Checkpoint {
    let note = client.get_checkpoint(GetCheckpointRequest {}).await.unwrap().into_inner();
    checkpoint::verify(&note.checkpoint, &mesh.key()).unwrap()
}

#[tokio::test]
async fn anybody_of_the_mesh_can_follow_the_log() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut user = mesh.client(&running, &mesh.mesh.user);
    assert_eq!(head(&mesh, &mut user).await.size, 0);
    for n in 0..4 {
        append(&mesh, &running, n).await;
    }
    let old = head(&mesh, &mut user).await;
    for n in 4..9 {
        append(&mesh, &running, n).await;
    }
    let new = head(&mesh, &mut user).await;
    assert_eq!((old.size, new.size), (4, 9));

    let request = GetConsistencyRequest { old_size: 4, new_size: 9 };
    let proof = hashes(user.get_consistency(request).await.unwrap().into_inner().proof);
    verify_consistency(old.size, &old.root, new.size, &new.root, &proof).unwrap();
    for (size, head) in [(4, &old), (9, &new), (0, &new)] {
        let request = GetInclusionRequest { index: 2, size, commitment: Vec::new() };
        let answer = user.get_inclusion(request).await.unwrap().into_inner();
        assert_eq!(answer.size, head.size);
        let leaf = leaf_hash(&answer.entry);
        verify_inclusion(&leaf, 2, answer.size, &hashes(answer.proof), &head.root).unwrap();
    }
    running.stop().await;
}

#[tokio::test]
async fn what_the_log_does_not_have_is_out_of_range() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    append(&mesh, &running, 0).await;
    let mut user = mesh.client(&running, &mesh.mesh.user);
    for (index, size) in [(1, 1), (1, 0), (0, 2), (u64::MAX, u64::MAX)] {
        let request = GetInclusionRequest { index, size, commitment: Vec::new() };
        let refused = user.get_inclusion(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::OutOfRange, "{index} {size}");
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some("OUT_OF_RANGE"));
    }
    for (old_size, new_size, code) in
        [(1, 2, Code::OutOfRange), (0, 1, Code::InvalidArgument), (2, 1, Code::InvalidArgument)]
    {
        let request = GetConsistencyRequest { old_size, new_size };
        let refused = user.get_consistency(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{old_size} {new_size}");
    }
    running.stop().await;
}

#[tokio::test]
async fn an_entry_is_found_by_its_commitment() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    for n in 0..3 {
        append(&mesh, &running, n).await;
    }
    let mut user = mesh.client(&running, &mesh.mesh.user);
    let ask = |n: u8| {
        let commitment = Sha256Digest::of(&[n]).as_bytes().to_vec();
        GetInclusionRequest { index: 0, size: 0, commitment }
    };
    let answer = user.get_inclusion(ask(1)).await.unwrap().into_inner();
    assert_eq!((answer.index, answer.size), (1, 3));
    let refused = user.get_inclusion(ask(9)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("UNKNOWN_COMMITMENT"));
    running.stop().await;
}

#[tokio::test]
async fn the_public_listener_reads_and_never_appends() {
    let mesh = TestMesh::new();
    let public = ServerConfig { public: true, ..ServerConfig::default() };
    let config = ledger::Config { public: Some(public), ..mesh.config() };
    let running = mesh.start_with(config).await;
    assert_eq!(running.handle.health().state(), HealthState::Ready);
    let address = running.handle.public_address().unwrap();
    let server = SpiffeId::new(TRUST_DOMAIN, Role::Ledger, "main").unwrap();
    let config = ClientConfig::new(format!("https://{address}"), server);
    let roots = vec![mesh.mesh.ca.certificate_der()];
    let mut anybody = LedgerServiceClient::new(rpc::connect_public(&config, roots).unwrap());
    assert_eq!(head(&mesh, &mut anybody).await.size, 0);
    let request = AppendRequest { commitment: vec![0; 32], tag: vec![7; 16] };
    let refused = anybody.append(request).await.unwrap_err();
    assert!(matches!(refused.code(), Code::Unauthenticated | Code::PermissionDenied));
    running.stop().await;
}
