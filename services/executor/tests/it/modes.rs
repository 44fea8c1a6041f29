//! Each way in which a trainer misbehaves has its reason, and leaves nothing behind.

use job::{Reason, Resources};
use proto::dispatch::v1::{FailureKind, complete_request::Result as Ended};

use crate::world::{PROBE, World, assert_failed, failure, small};

async fn fails(mode: &str, resources: Resources, reason: Reason) {
    let Some(world) = World::start(PROBE).await else { return };
    let (_, ended) = world.probe(mode, resources).await;
    assert_failed(&ended, FailureKind::Job, reason);
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_raises() {
    let Some(world) = World::start(PROBE).await else { return };
    let (_, ended) = world.probe("raise", small()).await;
    assert_failed(&ended, FailureKind::Job, Reason::TrainingFailed);
    assert!(failure(&ended).message.contains("the probe was asked to fail"));
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_that_never_ends_and_ignores_signals() {
    let limits = Resources { wall_clock_s: 2, ..small() };
    fails("sleep", limits, Reason::WallClockLimit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_that_eats_memory() {
    fails("memory", small(), Reason::MemoryLimit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_that_forks_without_end() {
    fails("pids", small(), Reason::PidsLimit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_that_fills_the_disk() {
    fails("disk", small(), Reason::OutputLimit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_that_floods_its_log() {
    let Some(world) = World::start(PROBE).await else { return };
    let (_, ended) = world.probe("flood", small()).await;
    assert_failed(&ended, FailureKind::Job, Reason::LogLimit);
    let told = world.fake.change(|heard| heard.log.len() as u64);
    assert!(told <= executor::capture::MAX_LOG_BYTES, "{told} bytes were told");
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_is_a_link() {
    fails("symlink", small(), Reason::ContractBroken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_the_probe_does_not_know() {
    fails("nonsense", small(), Reason::DatasetRefused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_that_are_not_json_are_just_log() {
    let Some(world) = World::start(PROBE).await else { return };
    let (_, ended) = world.probe("nan", small()).await;
    assert!(matches!(ended, Ended::Success(_)), "{ended:?}");
    let log = world.fake.change(|heard| String::from_utf8(heard.log.clone()).unwrap());
    assert!(log.contains("NaN"));
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_with_any_content_is_an_output() {
    let Some(world) = World::start(PROBE).await else { return };
    let (_, ended) = world.probe("badjson", small()).await;
    assert!(matches!(ended, Ended::Success(_)), "{ended:?}");
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_escapes() {
    let Some(world) = World::start(PROBE).await else { return };
    let (_, ended) = world.probe("escape", Resources { pids: 64, ..small() }).await;
    assert!(matches!(ended, Ended::Success(_)), "{ended:?}");
    let log = world.fake.change(|heard| String::from_utf8(heard.log.clone()).unwrap());
    let attempts: Vec<serde_json::Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|event| event["event"] == "probe")
        .collect();
    assert!(attempts.len() >= 30, "{} attempts", attempts.len());
    let escaped: Vec<_> = attempts.iter().filter(|event| event["succeeded"] == true).collect();
    assert!(escaped.is_empty(), "{escaped:?}");
    world.assert_clean().await;
}
