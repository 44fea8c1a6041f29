//! Appending: who may, what comes back, and that it is there after a restart.

use bundle::{Inclusion, TAG_BYTES, commitment};
use merkle::TlogProof;
use proto::ledger::v1::{AppendRequest, AppendResponse, GetCheckpointRequest};
use tonic::Code;

use crate::mesh::TestMesh;

const SALT: [u8; 32] = [3; 32];

fn request(attestation: &[u8]) -> AppendRequest {
    let commitment = commitment(&SALT, attestation).as_bytes().to_vec();
    AppendRequest { commitment, tag: vec![7; TAG_BYTES] }
}

fn inclusion(answer: AppendResponse) -> Inclusion {
    Inclusion { salt: SALT.to_vec(), entry: answer.entry, proof: answer.proof }
}

#[tokio::test]
async fn the_scheduler_appends_and_the_proof_is_what_a_bundle_needs() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut client = mesh.scheduler(&running);
    for n in 0..3_u8 {
        let answer = client.append(request(&[n])).await.unwrap().into_inner();
        assert_eq!(answer.index, u64::from(n));
        let logged = inclusion(answer).check(&[n], &mesh.pinned()).unwrap();
        assert_eq!(logged.tree_size(), u64::from(n) + 1);
    }
    let again = client.append(request(&[0])).await.unwrap().into_inner();
    assert_eq!(again.index, 0);
    assert_eq!(inclusion(again).check(&[0], &mesh.pinned()).unwrap().tree_size(), 3);
    running.stop().await;
}

#[tokio::test]
async fn concurrent_appends_are_all_proved() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let client = mesh.scheduler(&running);
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..64_u8 {
        let mut client = client.clone();
        calls.spawn(async move { (n, client.append(request(&[n])).await.unwrap().into_inner()) });
    }
    let mut indexes = Vec::new();
    while let Some(call) = calls.join_next().await {
        let (n, answer) = call.unwrap();
        indexes.push(answer.index);
        inclusion(answer).check(&[n], &mesh.pinned()).unwrap();
    }
    indexes.sort_unstable();
    assert_eq!(indexes, (0..64).collect::<Vec<u64>>());
    running.stop().await;
}

#[tokio::test]
async fn an_entry_outlives_the_process() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let first = mesh.scheduler(&running).append(request(b"a")).await.unwrap().into_inner();
    running.stop().await;

    let running = mesh.start().await;
    let mut client = mesh.scheduler(&running);
    let head = client.get_checkpoint(GetCheckpointRequest {}).await.unwrap().into_inner();
    assert_eq!(head.checkpoint, TlogProof::parse(&first.proof).unwrap().checkpoint);
    let again = client.append(request(b"a")).await.unwrap().into_inner();
    assert_eq!(again, first);
    running.stop().await;
}

#[tokio::test]
async fn only_the_scheduler_may_append() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let others = [&mesh.mesh.user, &mesh.mesh.executor, &mesh.mesh.signer, &mesh.mesh.verifier];
    for party in others {
        let refused = mesh.client(&running, party).append(request(b"a")).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{}", party.id);
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some("ROLE_NOT_ALLOWED"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_commitment_is_32_bytes() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    for length in [0, 31, 33] {
        let request = AppendRequest { commitment: vec![0; length], tag: vec![7; TAG_BYTES] };
        let refused = mesh.scheduler(&running).append(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some("INVALID_COMMITMENT"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_tag_is_16_bytes() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    for length in [0, 15, 17] {
        let request = AppendRequest { commitment: vec![0; 32], tag: vec![0; length] };
        let refused = mesh.scheduler(&running).append(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some("INVALID_TAG"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_ledger_with_another_key_does_not_start_on_the_same_state() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    mesh.scheduler(&running).append(request(b"a")).await.unwrap();
    running.stop().await;

    let config = mesh.config();
    let pem = keys::generate_ed25519(&[77; 32]).unwrap();
    keys::write_secret(&config.key, &pem).unwrap();
    let shutdown = rpc::CancellationToken::new();
    let error = ledger::start(config, ledger::Deps::real(), shutdown).await.unwrap_err();
    assert!(error.to_string().contains("was the key or origin changed"), "{error}");
}

#[test]
fn the_example_configuration_is_read_and_unknown_keys_are_refused() {
    let example = include_str!("../../config.example.toml");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.toml");
    std::fs::write(&path, example).unwrap();
    ledger::Config::read(&path).unwrap();
    std::fs::write(&path, format!("nonsense = 1\n{example}")).unwrap();
    let error = anyhow::Error::from(ledger::Config::read(&path).unwrap_err());
    assert!(format!("{error:#}").contains("nonsense"), "{error:#}");
    for (key, value) in [("publish_every_ms", 0), ("cosign_every_ms", 3_600_001)] {
        std::fs::write(&path, format!("{key} = {value}\n{example}")).unwrap();
        let error = ledger::Config::read(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("{key} = {value}: 10 to 3600000")), "{error}");
    }
}
