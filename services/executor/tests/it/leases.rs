//! Cancelling, losing and keeping a lease, and what a lease must say.

use evidence::Grantee;
use job::Reason;
use proto::dispatch::v1::{FailureKind, complete_request::Result as Ended};

use crate::{
    grpc::Renewals,
    world::{Inputs, PROBE, World, assert_failed, small},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_is_stopped_and_said_to_be() {
    let Some(world) = World::start(PROBE).await else { return };
    let (job, _) = world.submit(world.spec(&Inputs::mode("sleep"), small()));
    world.wait_for_output().await;
    world.fake.change(|heard| heard.renewals = Renewals::Cancel);
    let ended = world.fake.completed(job).await;
    assert_failed(&ended, FailureKind::Cancelled, Reason::Cancelled);
    world.assert_clean().await;
}

/// A lease that ended as `renewals` says: everything goes, nothing is said, the next job runs.
async fn lost(renewals: Renewals) {
    let Some(world) = World::start(PROBE).await else { return };
    let (lost, _) = world.submit(world.spec(&Inputs::mode("sleep"), small()));
    world.wait_for_output().await;
    assert_eq!(world.containers().await.len(), 1);
    world.fake.change(|heard| heard.renewals = renewals);
    world.wait_until_clean().await;
    world.fake.change(|heard| heard.renewals = Renewals::Continue);
    let (_, ended) = world.probe("ok", small()).await;
    assert!(matches!(ended, Ended::Success(_)), "{ended:?}");
    let said = world
        .fake
        .change(|heard| heard.completed.iter().filter(|c| c.job_id == lost.to_string()).count());
    assert_eq!(said, 0, "the holder of a lost lease says nothing");
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_another_holds_is_dropped_in_silence() {
    lost(Renewals::Lost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_nobody_renews_is_dropped_at_its_end() {
    lost(Renewals::Away).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_touched_under_a_grant_for_another() {
    let Some(world) = World::start(PROBE).await else { return };
    let request = world.sign_request(world.spec(&Inputs::mode("ok"), small()));
    let job = ids::JobId::new(7, [7; 10]);
    let to = Grantee { id: world.mesh.executor.id.clone(), ..world.grantee() };
    world.fake.lease(job, 1, request, to);
    let ended = world.fake.completed(job).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::Infrastructure);
    assert_eq!(world.fake.change(|heard| heard.downloads), 0);
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executor_says_what_it_has() {
    let Some(world) = World::start(PROBE).await else { return };
    let first = world.fake.wait("a registration", |heard| heard.registered.first().cloned()).await;
    let inventory = first.inventory.unwrap();
    assert!(inventory.cpus > 0 && inventory.memory_bytes > 0);
    assert_eq!(inventory.images, vec![world.image.clone()]);
    assert_eq!(inventory.trainers["probe"], world.image);
}
