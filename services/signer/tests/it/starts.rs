//! Starting: only with a key that verifiers take now, and a configuration without surprises.

use ids::Timestamp;

use crate::mesh::TestMesh;

#[tokio::test]
async fn a_key_that_the_root_does_not_name_refuses_to_start() {
    let mesh = TestMesh::new();
    let mut root = mesh.fixture.trust_root();
    root.signing_keys = mesh.fixture.wrong_ca().trust_root().signing_keys;
    let error = mesh.try_start(&root).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("does not name this signer's key"), "{error}");
}

#[tokio::test]
async fn a_key_outside_its_time_refuses_to_start() {
    let mesh = TestMesh::new();
    for (from, until) in [(1_i64, 2_i64), (4_000_000_000_000, 4_100_000_000_000)] {
        let mut root = mesh.fixture.trust_root();
        root.signing_keys[0].valid_from = Timestamp::from_unix_ms(from);
        root.signing_keys[0].valid_until = Timestamp::from_unix_ms(until);
        let error = mesh.try_start(&root).await.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("holds"), "{error}");
    }
}

#[tokio::test]
async fn a_root_of_another_trust_domain_refuses_to_start() {
    let mesh = TestMesh::new();
    let mut root = mesh.fixture.trust_root();
    root.trust_domain = "other.test".to_owned();
    let error = mesh.try_start(&root).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("other.test"), "{error}");
}

#[test]
fn the_example_configuration_is_read_and_unknown_keys_are_refused() {
    let example = include_str!("../../config.example.toml");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signer.toml");
    std::fs::write(&path, example).unwrap();
    signer::Config::read(&path).unwrap();
    for (bad, named) in [("nonsense = 1", "nonsense"), ("attests_max = 0", "attests_max is 0")] {
        std::fs::write(&path, format!("{bad}\n{example}")).unwrap();
        let error = anyhow::Error::from(signer::Config::read(&path).unwrap_err());
        assert!(format!("{error:#}").contains(named), "{error:#}");
    }
}
