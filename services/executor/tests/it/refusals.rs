//! What is refused before a container starts.

use job::{JobSpec, Reason, Resources};
use proto::dispatch::v1::{FailureKind, complete_request::Result as Ended};

use crate::world::{Inputs, MODEL, PROBE, World, assert_failed, failure, small};

async fn end_of(world: &World, spec: JobSpec) -> Ended {
    let (job, _) = world.submit(spec);
    let ended = world.fake.completed(job).await;
    world.assert_clean().await;
    assert!(world.fake.change(|heard| heard.log.is_empty()), "a container printed");
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_model() {
    let Some(world) = World::start(PROBE).await else { return };
    let inputs = Inputs { model: b"not a model".to_vec(), ..Inputs::mode("ok") };
    let ended = end_of(&world, world.spec(&inputs, small())).await;
    assert_failed(&ended, FailureKind::Refused, Reason::ModelRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_does_not_fit_its_definition() {
    let Some(world) = World::start(PROBE).await else { return };
    let inputs = Inputs { dataset: b"mode=ok,label\nx,0\n".to_vec(), ..Inputs::mode("ok") };
    let ended = end_of(&world, world.spec(&inputs, small())).await;
    assert_failed(&ended, FailureKind::Refused, Reason::DatasetRefused);
    assert!(failure(&ended).message.contains("row 1"), "{}", failure(&ended).message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_nobody_understands() {
    let Some(world) = World::start(PROBE).await else { return };
    let inputs = Inputs { definition: b"a: [".to_vec(), ..Inputs::mode("ok") };
    let ended = end_of(&world, world.spec(&inputs, small())).await;
    assert_failed(&ended, FailureKind::Refused, Reason::DatasetRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_the_ones_named() {
    let Some(world) = World::start(PROBE).await else { return };
    let spec = world.spec(&Inputs::mode("ok"), small());
    let mut swapped = MODEL.to_vec();
    *swapped.last_mut().unwrap() ^= 1;
    let name = spec.inputs.model.sha256.to_hex();
    world.fake.change(|heard| heard.artifacts.insert(name, swapped.into()));
    let ended = end_of(&world, spec).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::InputMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_the_bytes_do_not_have() {
    let Some(world) = World::start(PROBE).await else { return };
    for size in [1, 1_000_000] {
        let mut spec = world.spec(&Inputs::mode("ok"), small());
        spec.inputs.model.size = size;
        let ended = end_of(&world, spec).await;
        assert_eq!(failure(&ended).reason, Reason::InputMismatch.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_here() {
    let Some(world) = World::start(PROBE).await else { return };
    let mut spec = world.spec(&Inputs::mode("ok"), small());
    spec.trainer.image = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let ended = end_of(&world, spec).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::ImageUnavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_no_trainer() {
    let Some(mut world) = World::quiet(PROBE).await else { return };
    world.config.trainers.clear();
    world.run(std::sync::Arc::new(world.engine.clone())).await;
    let spec = world.spec(&Inputs::mode("ok"), small());
    let ended = end_of(&world, spec).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::ImageUnavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gpu_that_the_engine_cannot_give() {
    let Some(world) = World::start(PROBE).await else { return };
    if executor::host::HostFacts::read().is_ok_and(|facts| !facts.gpus.is_empty()) {
        eprintln!("SKIPPED, NOT TESTED: this machine has a GPU");
        return;
    }
    let spec = world.spec(&Inputs::mode("ok"), Resources { gpus: 1, ..small() });
    let ended = end_of(&world, spec).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::GpuUnavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_memory_than_this_executor_gives() {
    let Some(mut world) = World::quiet(PROBE).await else { return };
    world.config.limits.max_memory_mib = 63;
    world.run(std::sync::Arc::new(world.engine.clone())).await;
    let spec = world.spec(&Inputs::mode("ok"), small());
    let ended = end_of(&world, spec).await;
    assert_failed(&ended, FailureKind::Infrastructure, Reason::Infrastructure);
}
