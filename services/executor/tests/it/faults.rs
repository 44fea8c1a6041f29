//! The engine's faults, and ours, are never the job's: they are handed back, and nothing stays.

use std::sync::Arc;

use job::Reason;
use proto::dispatch::v1::{FailureKind, complete_request::Result as Ended};

use crate::{
    engine::{Fault, Faulty},
    evidence::statement,
    world::{PROBE, World, assert_failed, small},
};

async fn handed_back(fault: Fault, mode: &str) {
    let Some(mut world) = World::quiet(PROBE).await else { return };
    world.run(Arc::new(Faulty { real: world.engine.clone(), fault })).await;
    let (_, ended) = world.probe(mode, small()).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::Infrastructure);
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_that_cannot_be_seen_fail_nothing() {
    let Some(mut world) = World::quiet(PROBE).await else { return };
    world.run(Arc::new(Faulty { real: world.engine.clone(), fault: Fault::Blind })).await;
    let (_, ended) = world.probe("ok", small()).await;
    let Ended::Success(success) = ended else { panic!("{ended:?}") };
    let observed = statement(&success.training.unwrap().into()).predicate.run_details.observed;
    // The engine is asked instead; the container may have ended before it answers.
    assert!(observed.usage.cpu_ms.is_none_or(|ms| ms > 0));
    assert!(observed.usage.peak_memory_bytes.is_none_or(|bytes| bytes > 0));
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_our_own() {
    handed_back(Fault::Panic, "ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_less_isolated_than_asked_is_never_started() {
    handed_back(Fault::Network, "ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies() {
    handed_back(Fault::Wait, "sleep").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_restarts_and_ends_its_containers() {
    handed_back(Fault::Restart, "sleep").await;
}
