//! Starting, and what keeps a running signer from being ready.

use std::time::SystemTime;

use evidence::{KeyUse, Revocation};
use ids::Timestamp;
use keys::SigningKey as _;
use proto::signer::v1::{GetTrustRootRequest, ListKeysRequest};
use rpc::HealthState;
use tonic::Code;

use crate::mesh::{TestMesh, signed};

#[tokio::test]
async fn a_key_that_the_root_does_not_name_leaves_it_not_ready() {
    let mesh = TestMesh::new();
    let mut root = mesh.fixture.trust_root();
    let policies = root.signing_keys.pop();
    root.signing_keys = mesh.fixture.wrong_ca().trust_root().signing_keys;
    root.signing_keys.pop();
    root.signing_keys.extend(policies);
    let running = mesh.try_start(&root).await.unwrap();
    let HealthState::NotReady(reason) = running.handle.health().state() else { panic!("ready") };
    assert!(reason.contains("no aibom key") && reason.contains("in the store"), "{reason}");
    let refused = mesh.scheduler(&running).attest(mesh.request()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("KEY_MISSING"));
    running.stop().await;
}

#[tokio::test]
async fn a_key_outside_its_time_leaves_it_not_ready() {
    let mesh = TestMesh::new();
    let (from, until) = (4_000_000_000_000, 4_100_000_000_000);
    let mut root = mesh.fixture.trust_root();
    root.signing_keys[0].valid_from = Timestamp::from_unix_ms(from);
    root.signing_keys[0].valid_until = Timestamp::from_unix_ms(until);
    let running = mesh.try_start(&root).await.unwrap();
    assert!(matches!(running.handle.health().state(), HealthState::NotReady(_)));
    let refused = mesh.scheduler(&running).attest(mesh.request()).await.unwrap_err();
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("NO_KEY_NAMED"));
    running.stop().await;
}

#[tokio::test]
async fn a_root_of_another_trust_domain_refuses_to_start() {
    let mesh = TestMesh::new();
    let mut root = mesh.fixture.trust_root();
    root.trust_domain = "other.test".to_owned();
    let error = mesh.try_start(&root).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("other.test"), "{error}");
}

#[tokio::test]
async fn an_older_root_is_refused_while_running_and_after_a_restart() {
    let mesh = TestMesh::new();
    let mut root = mesh.fixture.trust_root();
    root.version = 7;
    let running = mesh.try_start(&root).await.unwrap();
    root.version = 6;
    mesh.write_root(&root);
    let mut client = mesh.scheduler(&running);
    let answer = client.get_trust_root(GetTrustRootRequest {}).await.unwrap().into_inner();
    assert_eq!(evidence::TrustRoot::parse(&answer.trust_root).unwrap().version, 7);
    running.stop().await;
    let error = mesh.try_start(&root).await.map(|_| ()).unwrap_err();
    assert!(format!("{error:#}").contains("rollback"), "{error:#}");
}

#[tokio::test]
async fn a_new_key_takes_over_and_a_revoked_one_stops_without_a_restart() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut client = mesh.scheduler(&running);
    let old = mesh.fixture.mesh().platform_key().public_key().key_id().to_string();
    let signing = async |client: &mut crate::mesh::Client| {
        let keys = client.list_keys(ListKeysRequest {}).await.unwrap().into_inner().keys;
        let of_aibom = keys.into_iter().filter(|key| key.r#use == "aibom" && key.signs);
        of_aibom.map(|key| key.key_id).collect::<Vec<_>>()
    };
    assert_eq!(signing(&mut client).await, std::slice::from_ref(&old));

    let pem = keys::generate_ed25519(&[44; 32]).unwrap();
    let new = keys::FileKey::from_pem(&pem).unwrap();
    keys::write_secret(&mesh.directory.path().join("keys/next.key.pem"), &pem).unwrap();
    let mut root = mesh.fixture.trust_root();
    let mut entry = root.signing_keys[0].clone();
    entry.public_key = new.public_key().to_pem();
    entry.valid_from = Timestamp::from(SystemTime::now());
    (root.version, root.signing_keys) = (2, [root.signing_keys, vec![entry]].concat());
    mesh.write_root(&root);
    assert_eq!(signing(&mut client).await, [new.public_key().key_id().to_string()]);
    let answer = client.attest(mesh.request()).await.unwrap().into_inner();
    let text = String::from_utf8(signed(answer).attestation).unwrap();
    assert!(text.contains(&new.public_key().key_id().to_string()));

    let since = Timestamp::from(SystemTime::now());
    let (last, version) = (root.signing_keys.len() - 1, 3);
    root.signing_keys[last].revoked = Some(Revocation { since, reason: "lost".to_owned() });
    root.version = version;
    mesh.write_root(&root);
    assert_eq!(signing(&mut client).await, [old]);
    let listed = client.list_keys(ListKeysRequest {}).await.unwrap().into_inner();
    assert_eq!(listed.trust_root_version, version);
    assert_eq!(listed.keys.len(), KeyUse::ALL.len() + 1);
    assert!(listed.keys.iter().any(|key| !key.revoked_since.is_empty()));
    running.stop().await;
}

#[test]
fn the_example_configuration_is_read_and_unknown_keys_are_refused() {
    let example = include_str!("../../config.example.toml");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signer.toml");
    std::fs::write(&path, example).unwrap();
    let config = signer::Config::read(&path).unwrap();
    assert!(matches!(config.keys, signer::KeysConfig::Directory { .. }));
    for (bad, named) in [("nonsense = 1", "nonsense"), ("attests_max = 0", "attests_max is 0")] {
        std::fs::write(&path, format!("{bad}\n{example}")).unwrap();
        let error = anyhow::Error::from(signer::Config::read(&path).unwrap_err());
        assert!(format!("{error:#}").contains(named), "{error:#}");
    }
    for bad in ["pkcs11 = \"pkcs11:token=x\"\n", "pin = \"1234\"\n"] {
        let text = example.replace("[keys]\n", &format!("[keys]\n{bad}"));
        std::fs::write(&path, text).unwrap();
        assert!(signer::Config::read(&path).is_err(), "{bad}");
    }
}
