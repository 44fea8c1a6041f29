//! VerifyBundle: the verdict of the library, for anybody.

use proto::verifier::v1::{
    VerifyBundleRequest, VerifyStoredRequest, verifier_service_client::VerifierServiceClient,
};
use rpc::{HealthState, ServerConfig};
use tonic::Code;

use crate::{
    made,
    mesh::{TestMesh, failures},
};

#[tokio::test]
async fn a_good_bundle_is_verified_for_every_role() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let bundle = made::bundle(&mesh.fixture).to_bytes().unwrap();
    let parties = mesh.fixture.mesh();
    for party in [&parties.user, &parties.scheduler, &parties.executor] {
        let request = VerifyBundleRequest { bundle: bundle.clone() };
        let answer = mesh.client(&running, party).verify_bundle(request).await.unwrap();
        let verdict = answer.into_inner().verdict.unwrap();
        assert_eq!(failures(&verdict), Vec::<&str>::new());
        assert_eq!(verdict.job_id, mesh.fixture.job().to_string());
        assert!((30..=256).contains(&verdict.checks.len()), "{}", verdict.checks.len());
    }
    running.stop().await;
}

#[tokio::test]
async fn a_changed_bundle_is_refused_with_the_name_of_the_check() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let mut bundle = made::bundle(&mesh.fixture);
    bundle.aibom[10] ^= 1;
    let cases = [
        (bundle.to_bytes().unwrap(), "aibom.rederive", mesh.fixture.job().to_string()),
        (b"nonsense".to_vec(), "bundle.format", String::new()),
        (Vec::new(), "bundle.format", String::new()),
    ];
    for (bundle, check, job_id) in cases {
        let answer = mesh.user(&running).verify_bundle(VerifyBundleRequest { bundle }).await;
        let verdict = answer.unwrap().into_inner().verdict.unwrap();
        assert!(failures(&verdict).contains(&check), "{:?}", failures(&verdict));
        assert_eq!(verdict.job_id, job_id);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_new_trust_root_is_taken_up_while_running() {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let bundle = made::bundle(&mesh.fixture).to_bytes().unwrap();
    let fixture = &mesh.fixture;
    let mut root = fixture.trust_root();
    root.signing_keys = fixture.wrong_ca().trust_root().signing_keys;
    root.version = 2;
    // Another file of another length: the stamp differs.
    let mut bytes = fixture.mesh().seal_root(&root);
    bytes.push(b'\n');
    std::fs::write(mesh.directory.path().join("trust-root.json"), bytes).unwrap();
    let answer = mesh.user(&running).verify_bundle(VerifyBundleRequest { bundle }).await;
    let verdict = answer.unwrap().into_inner().verdict.unwrap();
    assert!(failures(&verdict).contains(&"attestation.key"));
    running.stop().await;
}

#[tokio::test]
async fn the_public_listener_verifies_bundles_and_tells_nothing_of_the_store() {
    let mesh = TestMesh::new();
    let public = ServerConfig { public: true, ..ServerConfig::default() };
    let config = verifier::Config { public: Some(public), ..mesh.config() };
    let running = mesh.start_with(config).await;
    assert_eq!(running.handle.health().state(), HealthState::Ready);
    let address = running.handle.public_address().unwrap();
    let roots = vec![mesh.fixture.mesh().ca.certificate_der()];
    let channel = rpc::connect_public(&TestMesh::client_config(address), roots).unwrap();
    let mut anybody = VerifierServiceClient::new(channel);
    let bundle = made::bundle(&mesh.fixture).to_bytes().unwrap();
    let request = VerifyBundleRequest { bundle: bundle.clone() };
    let verdict = anybody.verify_bundle(request).await.unwrap().into_inner().verdict.unwrap();
    assert!(verdict.verified);
    let refused = anybody.verify_stored(VerifyStoredRequest { bundle }).await.unwrap_err();
    assert!(matches!(refused.code(), Code::Unauthenticated | Code::PermissionDenied));
    running.stop().await;
}

#[tokio::test]
async fn without_a_trust_root_nothing_starts() {
    let mesh = TestMesh::new();
    let config = mesh.config();
    std::fs::remove_file(&config.trust_root).unwrap();
    let shutdown = rpc::CancellationToken::new();
    let error = verifier::start(config, verifier::Deps::real(), shutdown).await.unwrap_err();
    assert!(error.to_string().contains("cannot read the trust root"), "{error}");
}

#[test]
fn the_example_configuration_is_read_and_unknown_keys_are_refused() {
    let example = include_str!("../../config.example.toml");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("verifier.toml");
    std::fs::write(&path, example).unwrap();
    assert!(verifier::Config::read(&path).unwrap().artifacts.is_some());
    for (bad, named) in [("nonsense = 1", "nonsense"), ("checks_max = 65", "checks_max is 65")] {
        std::fs::write(&path, format!("{bad}\n{example}")).unwrap();
        let error = anyhow::Error::from(verifier::Config::read(&path).unwrap_err());
        assert!(format!("{error:#}").contains(named), "{error:#}");
    }
}
