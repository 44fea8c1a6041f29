//! One compromised party at a time, with its real certificate and key: what it can still do, and
//! the rule that stops the rest. The evidence is that of a real job.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use bundle::Bundle;
use e2e::{
    Mesh, engine,
    forge::{self, Parts, Thief},
    grpc::{Answer, Caller, Refused, dispatch, lease},
    probe::Probe,
    wait,
};
use evidence::EvidenceSet;
use ids::{JobId, Role, Sha256Digest};
use serde_json::{Value, json};

/// The signer, as the scheduler reaches it.
fn signer(mesh: &Mesh) -> anyhow::Result<Caller> {
    Caller::new(&mesh.service(Role::Signer)?, &mesh.identity(Role::Scheduler)?)
}

fn thief(mesh: &Mesh, role: Role) -> anyhow::Result<Thief> {
    Thief::of(&mesh.identity(role)?)
}

fn fetched(mesh: &Mesh) -> anyhow::Result<PathBuf> {
    mesh.completed_probe("bundle-a")
}

/// The signer refuses, and names `rule`.
async fn refused(signer: &Caller, what: &str, set: &EvidenceSet, rule: &str) -> anyhow::Result<()> {
    let answer = signer.attest(set).await;
    let got = answer.err().with_context(|| format!("{what}: the signer signed it"))?;
    let kind = (got.code, got.reason.as_str());
    ensure!(kind == ("FAILED_PRECONDITION", "EVIDENCE_REFUSED"), "{what}: {got:?}");
    ensure!(got.message.contains(&format!("{rule}:")), "{what}: {rule} is not named: {got:?}");
    Ok(())
}

fn another_digest() -> Value {
    json!(Sha256Digest::of(b"something else").to_hex())
}

// === The scheduler ===

#[tokio::test]
async fn the_scheduler_gets_nothing_signed_that_no_user_requested() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let (signer, scheduler) = (signer(mesh)?, thief(mesh, Role::Scheduler)?);
    let good = Parts::of(&fetched(mesh)?)?;

    // A request of its own, in the user's name and in its own.
    let mut request = good.request.clone();
    request["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
    let mut set = good.set.clone();
    set.request = scheduler.request(&request)?;
    refused(&signer, "a forged request", &set, "request.role").await?;
    request["user"] = json!(mesh.id(Role::Scheduler)?);
    set.request = scheduler.request(&request)?;
    refused(&signer, "a request of its own", &set, "request.role").await?;

    // The user's request with a parameter altered, signed again and not.
    let mut request = good.request.clone();
    request["spec"]["parameters"]["epochs"] = json!(99);
    set.request = scheduler.request(&request)?;
    refused(&signer, "an altered request", &set, "request.role").await?;
    set.request = altered(&good.set.request, |payload| {
        payload["spec"]["parameters"]["epochs"] = json!(99);
    })?;
    refused(&signer, "an altered payload", &set, "request.signature").await?;

    // The user's certificate beside the scheduler's signature.
    set.request = scheduler.request(&good.request)?;
    set.request.certificates.clone_from(&good.set.request.certificates);
    refused(&signer, "a borrowed certificate", &set, "request.signature").await
}

/// The same envelope around another payload: the old signature over new bytes.
fn altered(
    document: &evidence::Document,
    change: impl FnOnce(&mut Value),
) -> anyhow::Result<evidence::Document> {
    let mut payload = forge::payload(document)?;
    change(&mut payload);
    let mut envelope: Value = serde_json::from_slice(&document.envelope)?;
    let forged = Thief::of(&Mesh::shared()?.identity(Role::Scheduler)?)?;
    let encoded: Value = serde_json::from_slice(&forged.statement(&payload)?.envelope)?;
    envelope["payload"] = encoded["payload"].clone();
    let mut altered = document.clone();
    altered.envelope = ids::canonical::to_vec(&envelope)?;
    Ok(altered)
}

#[tokio::test]
async fn the_scheduler_gets_nothing_signed_that_no_executor_attested() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let (signer, scheduler) = (signer(mesh)?, thief(mesh, Role::Scheduler)?);
    let good = Parts::of(&fetched(mesh)?)?;

    // A new job for the same request: its grant is sound, but nobody ran it.
    let mut grant = good.grant.clone();
    grant["job"] = json!(JobId::new(engine::now_s() * 1000, [7; 10]).to_string());
    let mut set = good.set.clone();
    set.grant = scheduler.grant(&grant)?;
    refused(&signer, "a job that nobody ran", &set, "training.grant").await?;

    // Evidence of its own for that job.
    let mut training = good.training.clone();
    let internal = "/predicate/buildDefinition/internalParameters";
    *training.pointer_mut(&format!("{internal}/grant")).context("grant")? =
        json!(set.grant.digest().to_hex());
    *training.pointer_mut(&format!("{internal}/job")).context("job")? = grant["job"].clone();
    set.training = scheduler.statement(&training)?;
    refused(&signer, "the scheduler's own observation", &set, "training.role").await?;

    // A grant to itself: the role still tells.
    let identity = rpc::MeshIdentity::load(&mesh.identity(Role::Scheduler)?)?;
    let key = keys::SigningKey::public_key(identity.signing_key().as_ref()).key_id();
    grant["executor"] = json!({ "id": mesh.id(Role::Scheduler)?, "key": key });
    set.grant = scheduler.grant(&grant)?;
    refused(&signer, "a grant to itself", &set, "training.role").await?;

    // No scan, or a scan of its own making.
    let mut set = good.set.clone();
    set.scans.clear();
    refused(&signer, "no scan", &set, "scan.count").await?;
    set.scans = vec![scheduler.statement(&good.scan)?];
    refused(&signer, "the scheduler's own scan", &set, "scan.0.role").await
}

#[tokio::test]
async fn the_scheduler_cannot_change_one_digest() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let signer = signer(mesh)?;
    let good = Parts::of(&fetched(mesh)?)?;
    let training = |pointer: &'static str| {
        let change = move |payload: &mut Value| {
            if let Some(place) = payload.pointer_mut(pointer) {
                *place = another_digest();
            }
        };
        altered(&good.set.training, change)
    };
    for pointer in [
        "/subject/0/digest/sha256",
        "/predicate/buildDefinition/resolvedDependencies/0/digest/sha256",
        "/predicate/buildDefinition/externalParameters/request",
    ] {
        let mut set = good.set.clone();
        set.training = training(pointer)?;
        ensure!(set.training != good.set.training, "{pointer} is not there");
        refused(&signer, pointer, &set, "training.signature").await?;
    }
    let mut set = good.set.clone();
    set.scans = vec![altered(&good.set.scans[0], |payload| {
        payload["predicate"]["scanner"]["result"] = json!([]);
        payload["predicate"]["aibom"]["packages"] = json!([]);
    })?];
    refused(&signer, "a cleaned scan", &set, "scan.0.signature").await
}

#[tokio::test]
async fn one_job_never_gets_two_aiboms() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let signer = signer(mesh)?;
    let out = fetched(mesh)?;
    let Bundle { aibom, attestation, inclusion, .. } = forge::bundle(&out)?;
    let good = Parts::of(&out)?;

    // The same evidence: the same answer, to the byte.
    let again = signer.attest(&good.set).await.map_err(failed)?;
    ensure!(again.aibom == aibom, "another AIBoM for the same evidence");
    ensure!(again.attestation == attestation, "another signature for the same evidence");
    ensure!(again.salt == inclusion.salt, "another salt for the same evidence");

    // Other evidence that is valid too: the scanner looked again, as the scheduler asked it to.
    let scanner = Caller::new(&mesh.service(Role::Scanner)?, &mesh.identity(Role::Scheduler)?)?;
    let job = good.grant["job"].as_str().context("a job")?;
    let image = good.request["spec"]["trainer"]["image"].as_str().context("an image")?;
    let training = good.set.training.digest().to_hex();
    let scan = scanner.scan(job, image, &training).await.map_err(failed)?;
    let mut set = good.set.clone();
    set.scans.push(scan);
    let got = signer.attest(&set).await.err().context("a second AIBoM")?;
    let kind = (got.code, got.reason.as_str());
    ensure!(kind == ("ALREADY_EXISTS", "JOB_ALREADY_SIGNED"), "{got:?}");
    // It is written down for the operator.
    ensure!(mesh.log(Role::Signer)?.contains(job), "the signer's log does not name the job");
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn failed(refused: Refused) -> anyhow::Error {
    anyhow::anyhow!("{refused:?}")
}

// === The scanner ===

#[tokio::test]
async fn the_scanner_can_speak_of_no_other_image_run_or_role() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let (signer, scanner) = (signer(mesh)?, thief(mesh, Role::Scanner)?);
    let good = Parts::of(&fetched(mesh)?)?;
    let scan = |change: fn(&mut Value)| -> anyhow::Result<EvidenceSet> {
        let mut payload = good.scan.clone();
        change(&mut payload);
        let mut set = good.set.clone();
        set.scans = vec![scanner.statement(&payload)?];
        Ok(set)
    };
    let set = scan(|scan| scan["subject"][0]["digest"]["sha256"] = another_digest())?;
    refused(&signer, "a scan of another image", &set, "scan.0.image").await?;
    let set = scan(|scan| scan["predicate"]["aibom"]["training"] = another_digest())?;
    refused(&signer, "a scan of another run", &set, "scan.0.training").await?;
    let set = scan(|scan| {
        scan["predicate"]["metadata"]["scanFinishedOn"] = json!("2999-01-01T00:00:00.000Z");
    })?;
    refused(&signer, "a scan from the future", &set, "scan.0.time").await?;

    let mut set = good.set.clone();
    set.training = scanner.statement(&good.training)?;
    refused(&signer, "the scanner as executor", &set, "training.role").await?;
    let mut set = good.set.clone();
    set.grant = scanner.grant(&good.grant)?;
    refused(&signer, "the scanner as scheduler", &set, "grant.role").await
}

#[tokio::test]
async fn the_scanner_names_what_it_is_asked_to_scan_and_only_real_images() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let good = Parts::of(&fetched(mesh)?)?;
    let scanner = Caller::new(&mesh.service(Role::Scanner)?, &mesh.identity(Role::Scheduler)?)?;
    let (job, image) = (good.grant["job"].as_str().context("a job")?, another_digest());
    let image = format!("sha256:{}", image.as_str().context("a digest")?);
    let training = good.set.training.digest().to_hex();
    let got = scanner.scan(job, &image, &training).await.err().context("no such image")?;
    ensure!((got.code, got.reason.as_str()) == ("NOT_FOUND", "IMAGE_NOT_FOUND"), "{got:?}");
    let got = scanner.scan(job, "aibom/trainer-probe:dev", &training).await;
    let got = got.err().context("a tag")?;
    ensure!(got.code == "INVALID_ARGUMENT" && got.message.contains("image"), "{got:?}");
    Ok(())
}

// === An executor ===

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

// === The store ===

#[tokio::test]
async fn a_changed_byte_in_the_store_is_noticed_and_named() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let probe = Probe::new("ok");
    let job = mesh.submit(&probe)?;
    let ended = mesh.finished(job)?;
    ensure!(ended["state"] == "completed", "{ended}");
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    mesh.run(&["fetch", &job.to_string(), "--out", &out.to_string_lossy()])?.expect(0)?;
    let bundle = std::fs::read(out.join("bundle.aibom.json"))?;
    let user = mesh.identity(Role::User)?;
    let verifier = Caller::new(&mesh.service(Role::Verifier)?, &user)?;
    let verdict = verifier.verify_stored(bundle.clone()).await.map_err(failed)?;
    ensure!(verdict.verified, "{verdict:?}");

    // The dataset is this job's alone: nobody else reads the object that is spoilt here.
    let data = std::fs::read(out.join("artifacts/inputs/data.csv"))?;
    let hex = Sha256Digest::of(&data).to_hex();
    let prefix = hex.get(..2).context("a digest")?;
    let store = mesh.directory().join("data/scheduler/artifacts");
    let object = store.join("sha256").join(prefix).join(&hex);
    let mut bad = data.clone();
    *bad.last_mut().context("bytes")? ^= 1;
    let mode = std::fs::metadata(&object)?.permissions();
    std::fs::remove_file(&object)?;
    std::fs::write(&object, bad)?;
    std::fs::set_permissions(&object, mode)?;

    let verdict = verifier.verify_stored(bundle).await.map_err(failed)?;
    let failed: Vec<_> = verdict.checks.iter().filter(|check| !check.passed).collect();
    ensure!(!verdict.verified, "the verifier noticed nothing");
    ensure!(
        failed.iter().all(|check| check.name == "stored.data.csv") && !failed.is_empty(),
        "{failed:?}"
    );
    let again = folder.path().join("again");
    let fetch = mesh.run(&["fetch", &job.to_string(), "--out", &again.to_string_lossy()])?;
    ensure!(!fetch.is(0) && !again.exists(), "a damaged artifact was fetched");
    ensure!(fetch.stderr.contains("data.csv"), "the file is not named: {}", fetch.stderr);
    Ok(())
}
