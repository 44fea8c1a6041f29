//! What executors may do: their lease and nothing else.

use ids::Role;
use proto::dispatch::v1::{
    CompleteRequest, Failure, FailureKind, Lease, ProgressRequest, RenewRequest,
    complete_request::Result as Outcome,
};
use proto::job::v1::{GetRequest, JobState};

use crate::world::{World, reason};

fn renew(lease: &Lease) -> RenewRequest {
    RenewRequest {
        job_id: lease.job_id.clone(),
        attempt: lease.attempt,
        fencing_token: lease.fencing_token,
    }
}

fn failed(lease: &Lease, kind: FailureKind, reason: &str) -> CompleteRequest {
    let failure = Failure {
        kind: kind.into(),
        reason: reason.into(),
        message: "it went\u{1b}[2J wrong".into(),
    };
    CompleteRequest {
        job_id: lease.job_id.clone(),
        attempt: lease.attempt,
        fencing_token: lease.fencing_token,
        result: Some(Outcome::Failure(failure)),
    }
}

#[tokio::test]
async fn a_job_is_leased_to_one_executor_and_others_are_refused() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    world.submit(url, 1).await;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    let other = world.mesh.ca.party(Role::Executor, "two");
    let mut thief = world.dispatch(url, &other);
    let lost = thief.renew(renew(&lease)).await.unwrap_err();
    assert_eq!(reason(&lost), "LEASE_LOST");
    let progress =
        ProgressRequest { job_id: lease.job_id.clone(), attempt: 1, ..Default::default() };
    assert_eq!(reason(&thief.progress(progress).await.unwrap_err()), "LEASE_LOST");
    let report = failed(&lease, FailureKind::Job, "TRAINING_FAILED");
    assert_eq!(reason(&thief.complete(report).await.unwrap_err()), "LEASE_LOST");

    let mut stale = renew(&lease);
    stale.fencing_token -= 1;
    let mut holder = world.dispatch(url, &world.mesh.executor);
    assert_eq!(reason(&holder.renew(stale).await.unwrap_err()), "LEASE_LOST");
    let renewed = holder.renew(renew(&lease)).await.unwrap().into_inner();
    assert!(renewed.grant.is_some(), "a renewal carries the newest grant");
    running.stop().await;
}

#[tokio::test]
async fn a_failed_attempt_ends_the_job_with_its_reason_and_the_same_report_again_is_taken() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let id = world.submit(url, 1).await.id;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    let mut dispatch = world.dispatch(url, &world.mesh.executor);
    let report = failed(&lease, FailureKind::Job, "MEMORY_LIMIT");
    dispatch.complete(report.clone()).await.unwrap();
    dispatch.complete(report).await.unwrap();
    let job = world.jobs(url, &world.mesh.user).get(GetRequest { id }).await.unwrap();
    let job = job.into_inner().job.unwrap();
    assert_eq!((job.state(), job.reason.as_str()), (JobState::Failed, "MEMORY_LIMIT"));
    assert!(!job.message.contains('\u{1b}'), "control characters do not reach a terminal");
    running.stop().await;
}

#[tokio::test]
async fn an_infrastructure_failure_is_tried_again() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    world.submit(url, 1).await;
    for attempt in 1..=2 {
        let lease = world.lease(url, &world.mesh.executor).await.unwrap();
        assert_eq!(lease.attempt, attempt);
        let report = failed(&lease, FailureKind::Infrastructure, "INFRASTRUCTURE");
        world.dispatch(url, &world.mesh.executor).complete(report).await.unwrap();
    }
    running.stop().await;
}
