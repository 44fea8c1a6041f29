//! A good run leaves evidence that every rule of the signer holds for.

use evidence::{
    Checks, Document, EvidenceSet, Point, ScanStatement, Trained, TrainingStatement, check,
};
use ids::{JobId, Sha256Digest};
use job::Resources;
use proto::dispatch::v1::complete_request::Result as Ended;
use testkit::evidence::Fixture;

use crate::world::{Inputs, KERAS, MODEL, PROBE, World, now, small};

fn payload(document: &Document) -> Vec<u8> {
    let limit = evidence::MAX_DOCUMENT_BYTES;
    let envelope = envelope::Envelope::parse(&document.envelope, limit).unwrap();
    envelope.unverified_payload().to_vec()
}

pub(crate) fn statement(document: &Document) -> TrainingStatement {
    let limit = evidence::MAX_DOCUMENT_BYTES;
    ids::canonical::from_slice(&payload(document), limit).unwrap()
}

/// What a scanner would say of the run.
fn scan(world: &World, job: JobId, training: Sha256Digest) -> Document {
    let mut scan: ScanStatement = Fixture::new().parts().scans.remove(0);
    let image: job::Image = world.image.parse().unwrap();
    scan.subject = vec![envelope::ResourceDescriptor::sha256("trainer", image.digest())];
    scan.predicate.aibom.run = Some(evidence::ScannedRun { job, training });
    scan.predicate.metadata.scan_started_on = now();
    scan.predicate.metadata.scan_finished_on = now();
    world.mesh.scanner.sign(envelope::IN_TOTO_PAYLOAD_TYPE, &scan)
}

/// Checks the end of a job as the signer does, and gives what the executor said.
fn assert_holds(world: &World, job: JobId, request: Document, ended: Ended) -> TrainingStatement {
    let Ended::Success(success) = ended else { panic!("{ended:?}") };
    let training: Document = success.training.unwrap().into();
    let scans = vec![scan(world, job, training.digest())];
    let grant = success.grant.unwrap().into();
    let asked = ids::canonical::from_slice(&payload(&request), evidence::MAX_DOCUMENT_BYTES);
    let link = evidence::submit_link(&asked.unwrap(), request.digest());
    let submission = world.mesh.scheduler.sign_link(&link);
    let set = EvidenceSet {
        request,
        grant,
        training: training.clone(),
        scans,
        submission,
        release: None,
    };
    let mut checks = Checks::new();
    let verified = check(&set, &world.mesh.trust_root(), now(), &mut checks);
    assert!(verified.is_some(), "{:?}", checks.first_failure());
    statement(&training)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_run_leaves_evidence_that_holds() {
    let Some(world) = World::start(PROBE).await else { return };
    let (job, request) = world.submit(world.spec(&Inputs::mode("ok"), small()));
    let ended = world.fake.completed(job).await;
    world.assert_clean().await;
    let said = assert_holds(&world, job, request, ended);
    let details = &said.predicate.run_details;
    let container = &details.observed.container;
    assert_eq!(container.image_id, world.image);
    assert_eq!(container.user, "65532:65532");
    assert_eq!(container.limits.memory_bytes, 64 << 20);
    assert_eq!(container.limits.pids, 32);
    assert_eq!(container.mounts.len(), 2);
    assert!(container.devices.is_empty());
    assert_eq!(details.observed.model.class_name, "Sequential");
    let dataset = &details.observed.dataset;
    assert_eq!(dataset.records, 2);
    let leaves = [&b"1.5,0"[..], b"2.5,1"].map(merkle::leaf_hash);
    assert_eq!(dataset.merkle_root, Some(merkle::node_hash(&leaves[0], &leaves[1])));
    let [train] = dataset.splits.as_slice() else { panic!("{:?}", dataset.splits) };
    assert_eq!((train.name.as_str(), train.records), ("train", 2), "a fifth of two rows is none");
    assert!(dataset.split_agrees.is_some(), "the probe leaves a record");
    let submitted = details.observed.model.clone();
    assert_eq!(details.observed.trained, Trained::Read(submitted), "the probe copies its model");
    let usage = &details.observed.usage;
    assert!(usage.cpu_ms.is_none_or(|ms| ms > 0), "{usage:?}");
    assert!(usage.peak_memory_bytes.is_none_or(|bytes| (1..=64 << 20).contains(&bytes)));
    assert!(!container.image.layers.is_empty());
    assert_eq!(details.reported.epochs, 3);
    assert_eq!(details.reported.best_metrics["loss"], 1.0 / 3.0);
    assert_eq!(details.reported.trainer, "probe 1.0.0");
    let losses = [Point(1, 1.0), Point(2, 1.0 / 2.0), Point(3, 1.0 / 3.0)];
    assert_eq!(details.reported.series["loss"], losses);
    let stored = world.fake.change(|heard| heard.artifacts.clone());
    for subject in said.subject.iter().chain(&details.byproducts) {
        let digest = subject.sha256_digest().unwrap().to_hex();
        assert!(stored.contains_key(&digest), "{:?} was not uploaded", subject.name);
    }
    let names: Vec<_> = said.subject.iter().filter_map(|s| s.name.as_deref()).collect();
    assert_eq!(names, ["metrics.json", "model.keras", "preprocessing.json", "split.json"]);
    let model = said.subject[1].sha256_digest().unwrap();
    assert_eq!(model, Sha256Digest::of(MODEL), "the probe copies its model");
}

#[tokio::test(flavor = "multi_thread")]
async fn news_reach_the_user() {
    let Some(world) = World::start(PROBE).await else { return };
    let (_, ended) = world.probe("ok", small()).await;
    let Ended::Success(success) = ended else { panic!("{ended:?}") };
    let said = statement(&success.training.unwrap().into());
    let digest = said.predicate.run_details.byproducts[0].sha256_digest().unwrap();
    let (log, stored, epochs) = world.fake.change(|heard| {
        let stored = heard.artifacts[&digest.to_hex()].clone();
        (heard.log.clone(), stored, heard.epochs.clone())
    });
    assert_eq!(log, stored, "what was told is what is kept");
    assert_eq!(epochs.last(), Some(&(3, 3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evidence_names_the_last_grant() {
    let Some(world) = World::start(PROBE).await else { return };
    let (job, request) = world.submit(world.spec(&Inputs::mode("escape"), small()));
    let ended = world.fake.completed(job).await;
    let said = assert_holds(&world, job, request, ended);
    assert!(said.predicate.build_definition.internal_parameters.attempt == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_calls_are_taken_up_again() {
    let Some(world) = World::start(PROBE).await else { return };
    world.fake.change(|heard| {
        (heard.break_downloads, heard.break_uploads, heard.break_completes) = (2, 1, 1);
    });
    let (job, request) = world.submit(world.spec(&Inputs::mode("ok"), small()));
    let ended = world.fake.completed(job).await;
    assert_holds(&world, job, request, ended);
    let refs = world.fake.change(|heard| heard.lease_refs.clone());
    assert!(refs.iter().all(|lease| lease.job_id == job.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keras_trainer_trains() {
    let Some(world) = World::start(KERAS).await else { return };
    let definition = b"type: csv\ncolumns:\n  a: float\n  b: float\n  y: float\nlabel: y\n";
    let rows: String = (0..40).map(|n| format!("{n},{},{}\n", n % 7, n % 3)).collect();
    let inputs = Inputs {
        model: MODEL.to_vec(),
        dataset: format!("a,b,y\n{rows}").into_bytes(),
        definition: definition.to_vec(),
    };
    let resources =
        Resources { memory_mib: 1_024, pids: 128, output_mib: 64, wall_clock_s: 300, ..small() };
    let mut spec = world.spec(&inputs, resources);
    spec.task = job::Task::Regression;
    spec.parameters.epochs = 3;
    let (job, request) = world.submit(spec);
    let ended = world.fake.completed(job).await;
    world.assert_clean().await;
    let said = assert_holds(&world, job, request, ended);
    let reported = &said.predicate.run_details.reported;
    assert_eq!(reported.epochs, 3);
    assert!(reported.frameworks.contains_key("keras"));
    assert!(reported.final_metrics.contains_key("val_loss"), "{:?}", reported.final_metrics);
    assert_eq!(reported.series["val_loss"].len(), 3);
    let observed = &said.predicate.run_details.observed;
    let Trained::Read(trained) = &observed.trained else { panic!("{:?}", observed.trained) };
    assert_eq!(trained.layers, observed.model.layers);
    let splits: Vec<_> =
        observed.dataset.splits.iter().map(|split| (split.name.as_str(), split.records)).collect();
    assert_eq!(splits, [("train", 32), ("validation", 8)]);
    assert_eq!(observed.dataset.split_agrees, Some(true), "both go by the same rule");
}
