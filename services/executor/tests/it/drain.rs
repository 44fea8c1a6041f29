//! The end of an executor, and the beginning of the next.

use std::collections::HashMap;

use bollard::{
    Docker,
    models::ContainerCreateBody,
    query_parameters::{CreateContainerOptions, StartContainerOptions},
};
use executor::engine::{LABEL_ATTEMPT, LABEL_EXECUTOR, LABEL_JOB};
use job::Reason;
use proto::dispatch::v1::{FailureKind, complete_request::Result as Ended};

use crate::world::{Inputs, PROBE, World, assert_failed, small};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_end_in_time_is_handed_back() {
    let Some(mut world) = World::quiet(PROBE).await else { return };
    world.config.drain_ms = 100;
    world.run(std::sync::Arc::new(world.engine.clone())).await;
    let (job, _) = world.submit(world.spec(&Inputs::mode("sleep"), small()));
    world.wait_for_output().await;
    world.stop().await;
    let ended = world.fake.completed(job).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::Infrastructure);
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ends_in_time_is_finished() {
    let Some(mut world) = World::quiet(PROBE).await else { return };
    world.config.drain_ms = 60_000;
    world.run(std::sync::Arc::new(world.engine.clone())).await;
    let (job, _) = world.submit(world.spec(&Inputs::mode("escape"), small()));
    world.wait_for_output().await;
    world.stop().await;
    let ended = world.fake.completed(job).await;
    assert!(matches!(ended, Ended::Success(_)), "{ended:?}");
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_is_gone_before_work_is_taken() {
    let Some(mut world) = World::quiet(PROBE).await else { return };
    let docker =
        Docker::connect_with_unix("/var/run/docker.sock", 30, bollard::API_DEFAULT_VERSION);
    let docker = docker.unwrap().negotiate_version().await.unwrap();
    let labels = [(LABEL_EXECUTOR, world.name.as_str()), (LABEL_JOB, "x"), (LABEL_ATTEMPT, "1")];
    let labels: HashMap<String, String> =
        labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect();
    let sleep = ["python3", "-c", "import time; time.sleep(600)"].map(str::to_owned);
    let body = ContainerCreateBody {
        image: Some(world.image.clone()),
        entrypoint: Some(sleep.to_vec()),
        labels: Some(labels),
        ..Default::default()
    };
    let made = docker.create_container(None::<CreateContainerOptions>, body).await.unwrap();
    docker.start_container(&made.id, None::<StartContainerOptions>).await.unwrap();
    let left = world.config.work_dir.join("attempt-old-1-1").join("out");
    std::fs::create_dir_all(&left).unwrap();
    assert_eq!(world.containers().await.len(), 1);
    world.run(std::sync::Arc::new(world.engine.clone())).await;
    world.assert_clean().await;
    let (_, ended) = world.probe("ok", small()).await;
    assert!(matches!(ended, Ended::Success(_)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_executors_never_share_a_directory() {
    let Some(world) = World::start(PROBE).await else { return };
    let second = executor::workdir::WorkDir::open(&world.config.work_dir);
    assert!(matches!(second, Err(executor::workdir::WorkDirError::Busy(_))));
}
