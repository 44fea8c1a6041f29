//! A stolen executor: it can lie about how the outputs of its own jobs came to be, and nothing else.

use anyhow::{Context as _, ensure};
use e2e::{
    Mesh, engine,
    forge::{Parts, Thief},
    grpc::{Answer, Caller, dispatch, lease},
    probe::Probe,
    wait,
};
use ids::{JobId, Role, Sha256Digest};
use serde_json::{Value, json};

use crate::{another_digest, failed, fetched, refused, signer, thief};

#[tokio::test]
async fn an_executors_lies_about_what_went_in_are_refused() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let (signer, executor) = (signer(mesh)?, thief(mesh, Role::Executor)?);
    let good = Parts::of(&fetched(mesh)?)?;
    let build = "/predicate/buildDefinition";
    let container = "/predicate/runDetails/aibom_observed/container";
    let cases: [(String, Value, &str); 11] = [
        (
            format!("{build}/resolvedDependencies/0/digest/sha256"),
            another_digest(),
            "training.input.",
        ),
        (format!("{build}/externalParameters/request"), another_digest(), "training.request"),
        (
            format!("{build}/externalParameters/spec/parameters/epochs"),
            json!(99),
            "training.specification",
        ),
        (format!("{build}/internalParameters/nonce"), another_digest(), "training.lease"),
        (format!("{build}/internalParameters/attempt"), json!(9), "training.lease"),
        (format!("{build}/internalParameters/grant"), another_digest(), "training.grant"),
        (
            "/predicate/runDetails/metadata/startedOn".to_owned(),
            json!("2020-01-01T00:00:00.000Z"),
            "training.time",
        ),
        (
            format!("{container}/imageId"),
            json!(format!("sha256:{}", Sha256Digest::of(b"x").to_hex())),
            "training.image-id",
        ),
        (format!("{container}/networkMode"), json!("bridge"), "training.isolation"),
        (format!("{container}/privileged"), json!(true), "training.isolation"),
        (format!("{container}/exitCode"), json!(1), "training.exit"),
    ];
    for (pointer, value, rule) in cases {
        let mut training = good.training.clone();
        *training.pointer_mut(&pointer).with_context(|| pointer.clone())? = value;
        let mut set = good.set.clone();
        set.training = executor.statement(&training)?;
        let answer = signer.attest(&set).await;
        let got = answer.err().with_context(|| format!("{pointer}: the signer signed it"))?;
        ensure!(got.reason == "EVIDENCE_REFUSED", "{pointer}: {got:?}");
        ensure!(got.message.contains(rule), "{pointer}: {rule} is not named: {got:?}");
    }
    let mut set = good.set.clone();
    set.scans = vec![executor.statement(&good.scan)?];
    refused(&signer, "the executor as scanner", &set, "scan.0.role").await?;
    let mut set = good.set.clone();
    set.grant = executor.grant(&good.grant)?;
    refused(&signer, "the executor as scheduler", &set, "grant.role").await
}

#[tokio::test]
async fn a_grant_is_good_for_one_executor_and_one_job() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let signer = signer(mesh)?;
    let second = Thief::of(&mesh.issue(Role::Executor, "executor-2")?)?;
    let good = Parts::of(&fetched(mesh)?)?;
    let other = Parts::of(&mesh.completed_probe("bundle-b")?)?;

    // Another executor's name under the evidence, and then in it too.
    let mut set = good.set.clone();
    set.training = second.statement(&good.training)?;
    refused(&signer, "another executor's run", &set, "training.executor").await?;
    let mut training = good.training.clone();
    training["predicate"]["runDetails"]["builder"]["id"] =
        json!("spiffe://mesh.local/executor/executor-2");
    set.training = second.statement(&training)?;
    refused(&signer, "another executor's name", &set, "training.executor").await?;

    // The grant of another job, and the evidence for it.
    let mut set = good.set.clone();
    set.grant = other.set.grant.clone();
    refused(&signer, "another job's grant", &set, "grant.request").await?;
    let executor = thief(mesh, Role::Executor)?;
    let mut training = other.training.clone();
    training["predicate"]["buildDefinition"]["internalParameters"] =
        good.training["predicate"]["buildDefinition"]["internalParameters"].clone();
    let mut set = good.set.clone();
    set.training = executor.statement(&training)?;
    refused(&signer, "a grant used twice", &set, "training.request").await
}

#[tokio::test]
async fn an_executor_cannot_touch_a_job_that_another_holds() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let files = mesh.issue(Role::Executor, "executor-2")?;
    let second = Caller::new(&mesh.service(Role::Scheduler)?, &files)?;
    let job = mesh.submit(&Probe::new("sleep"))?;
    wait::until("the container to run", 60, || {
        Ok((!engine::running(job)?.is_empty()).then_some(()))
    })?;
    let outcome = tries_to_take(mesh, &second, job).await;
    mesh.run(&["jobs", "cancel", &job.to_string()])?.expect(0)?;
    let ended = mesh.finished(job)?;
    outcome?;
    ensure!(ended["state"] == "cancelled", "{ended}");
    let log = mesh.run(&["jobs", "logs", &job.to_string()])?.expect(0)?;
    ensure!(!log.stdout.contains("not from the container"), "a stranger wrote into the log");
    Ok(())
}

async fn tries_to_take(mesh: &Mesh, second: &Caller, job: JobId) -> anyhow::Result<()> {
    // It has no image, so nothing is ever leased to it.
    second.register(&[]).await.map_err(failed)?;
    ensure!(second.lease(0).await.map_err(failed)?.is_none(), "it was given a job");
    let dataset = mesh.directory().join("jobs");
    let lost = |what: &str, answer: Answer<()>| -> anyhow::Result<()> {
        let got = answer.err().with_context(|| format!("{what} was taken"))?;
        let kind = (got.code, got.reason.as_str());
        ensure!(kind == ("FAILED_PRECONDITION", "LEASE_LOST"), "{what}: {got:?}");
        Ok(())
    };
    // Fencing tokens are small numbers: all that this young mesh can have given.
    for token in 1..=100 {
        let lease = lease(&job.to_string(), 1, token);
        lost("renew", second.renew(&lease).await)?;
        lost("progress", second.progress(&lease).await)?;
        let failure = dispatch::Failure {
            kind: dispatch::FailureKind::Job.into(),
            reason: "TRAINING_FAILED".to_owned(),
            message: "says a stranger".to_owned(),
        };
        let result = dispatch::complete_request::Result::Failure(failure);
        lost("complete", second.complete(&lease, result).await)?;
    }
    let input = newest_dataset(&dataset)?;
    let got = second.download(&input, Some(lease(&job.to_string(), 1, 1))).await;
    let got = got.err().context("another's input was read")?;
    ensure!(matches!(got.reason.as_str(), "LEASE_LOST" | "OUTSIDE_LEASE"), "{got:?}");
    let got = second.download(&input, None).await.err().context("an input without a lease")?;
    ensure!(matches!(got.code, "PERMISSION_DENIED" | "INVALID_ARGUMENT" | "NOT_FOUND"), "{got:?}");
    ensure!(mesh.job(job)?["state"] == "training", "the job was moved");
    Ok(())
}

/// The digest of the dataset that was submitted last.
fn newest_dataset(jobs: &std::path::Path) -> anyhow::Result<String> {
    let mut newest = None;
    for entry in std::fs::read_dir(jobs)? {
        let path = entry?.path().join("data.csv");
        let at = std::fs::metadata(&path)?.modified()?;
        if newest.as_ref().is_none_or(|(then, _)| *then < at) {
            newest = Some((at, path));
        }
    }
    let (_, path) = newest.context("a dataset")?;
    Ok(Sha256Digest::of(&std::fs::read(path)?).to_hex())
}
