//! The policy over the wire: held and released, read again without a restart, missing, and gone back.

use proto::signer::v1::{GetPolicyRequest, attest_response::Outcome};
use rpc::HealthState;
use testkit::evidence::Fixture;
use tonic::Code;

use crate::mesh::{Running, TestMesh, signed};

/// A policy with this version that ignores nothing, or what the fixture's ignores.
fn policy(mesh: &TestMesh, version: u64, ignores: bool) -> Vec<u8> {
    let mut policy = mesh.fixture.signed_policy().policy().clone();
    policy.version = version;
    if !ignores {
        policy.ignore.clear();
    }
    policy.seal(&mesh.fixture.mesh().policy_key()).unwrap()
}

async fn outcome(mesh: &TestMesh, running: &Running) -> Outcome {
    let answer = mesh.scheduler(running).attest(mesh.request()).await.unwrap();
    answer.into_inner().outcome.unwrap()
}

#[tokio::test]
async fn a_held_job_is_told_why_and_signed_under_the_next_policy_without_a_restart() {
    let mesh = TestMesh::new();
    mesh.write_policy(&policy(&mesh, 1, false));
    let running = mesh.start().await;
    let Outcome::Hold(hold) = outcome(&mesh, &running).await else { panic!("not held") };
    assert_eq!(hold.evidence_digest, mesh.fixture.verified().evidence_digest().to_hex());
    assert_eq!((hold.policy_name.as_str(), hold.policy_version, hold.more), ("standard", 1, 0));
    let found: Vec<_> = hold.violations.iter().map(|v| (v.kind.as_str(), v.id.as_str())).collect();
    assert_eq!(found, [("vulnerability", "CVE-2026-1669")]);

    let next = policy(&mesh, 2, true);
    mesh.write_policy(&next);
    let Outcome::Signed(first) = outcome(&mesh, &running).await else { panic!("held") };
    assert_eq!(first.policy, next);

    // A stricter one holds no job that is signed already.
    mesh.write_policy(&policy(&mesh, 3, false));
    let Outcome::Signed(again) = outcome(&mesh, &running).await else { panic!("held") };
    assert_eq!(again, first);
    let mut user = mesh.client(&running, &mesh.fixture.mesh().user);
    let served = user.get_policy(GetPolicyRequest {}).await.unwrap().into_inner().policy;
    assert_eq!(served, policy(&mesh, 3, false));
    running.stop().await;
}

#[tokio::test]
async fn a_release_is_signed_with_the_evidence() {
    let mesh = TestMesh::new().with(|f| f.policy(|p| p.ignore.clear()));
    let running = mesh.start().await;
    assert!(matches!(outcome(&mesh, &running).await, Outcome::Hold(_)));
    let mesh = mesh.with(|f: Fixture| f.released(|_| {}));
    let answer = mesh.scheduler(&running).attest(mesh.request()).await.unwrap().into_inner();
    assert_eq!(signed(answer).policy, mesh.fixture.policy_bytes());
    running.stop().await;
}

#[tokio::test]
async fn without_a_policy_that_counts_jobs_wait() {
    for what in ["garbage", "foreign"] {
        let mesh = TestMesh::new();
        let stranger = mesh.fixture.wrong_ca().policy_key();
        let foreign = mesh.fixture.signed_policy().policy().seal(&stranger).unwrap();
        mesh.write_policy(if what == "foreign" { &foreign } else { b"garbage" });
        let running = mesh.start().await;
        let state = running.handle.health().state();
        let HealthState::NotReady(reason) = state else { panic!("{what}: ready") };
        assert!(reason.contains("policy.dsse.json cannot be used"), "{what}: {reason}");
        let refused = mesh.scheduler(&running).attest(mesh.request()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{what}");
        assert_eq!(rpc::reason_of(&refused).as_deref(), Some("POLICY_UNUSABLE"), "{what}");
        mesh.write_policy(&mesh.fixture.policy_bytes());
        assert!(matches!(outcome(&mesh, &running).await, Outcome::Signed(_)), "{what}");
        running.stop().await;
    }
}

#[tokio::test]
async fn an_older_policy_is_refused_while_running_and_after_a_restart() {
    let mesh = TestMesh::new();
    mesh.write_policy(&policy(&mesh, 5, true));
    let running = mesh.start().await;
    mesh.write_policy(&policy(&mesh, 4, true));
    let refused = mesh.scheduler(&running).attest(mesh.request()).await.unwrap_err();
    assert_eq!(rpc::reason_of(&refused).as_deref(), Some("POLICY_UNUSABLE"));
    for part in ["standard version 4", "standard version 5", "rollback"] {
        assert!(refused.message().contains(part), "{}", refused.message());
    }
    running.stop().await;
    let running = mesh.start().await;
    assert!(matches!(running.handle.health().state(), HealthState::NotReady(_)));
    running.stop().await;
}
