//! Runs that go wrong: each ends in the one state and reason that it should, and leaves nothing
//! behind: no container, no directory, no bundle.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, direct::Direct, engine, forge, place, probe::Probe, run, wait};
use ids::JobId;
use job::Reason;
use serde_json::Value;

/// Nothing of the job is left on the machine.
fn is_clean(mesh: &Mesh, job: JobId) -> anyhow::Result<()> {
    wait::until("the job's containers to be gone", 30, || {
        Ok(engine::containers(job)?.is_empty().then_some(()))
    })?;
    let work = mesh.directory().join("data/executor/work");
    wait::until("the job's directory to be gone", 30, || {
        let mut left = false;
        for entry in std::fs::read_dir(&work)? {
            left |= entry?.file_name().to_string_lossy().contains(&job.to_string());
        }
        Ok((!left).then_some(()))
    })
}

/// There is no bundle, and whoever asks for one is told why.
fn has_no_bundle(mesh: &Mesh, ended: &Value) -> anyhow::Result<()> {
    ensure!(ended.get("bundleDigest").is_none(), "a bundle of a bad run: {ended}");
    let job = ended["id"].as_str().context("an id")?;
    let out = tempfile::tempdir()?;
    let fetched = out.path().join("out");
    let refused = mesh.run(&["fetch", job, "--out", &fetched.to_string_lossy()])?.expect(1)?;
    ensure!(!fetched.exists(), "a refused fetch left a directory");
    let reason = ended["reason"].as_str().context("a reason")?;
    ensure!(refused.stderr.contains(reason), "fetch does not say why: {}", refused.stderr);
    Ok(())
}

fn ends(probe: &Probe, state: &str, reason: Reason) -> anyhow::Result<Value> {
    let mesh = Mesh::shared()?;
    let job = mesh.submit(probe)?;
    let ended = mesh.finished(job)?;
    let got = (ended["state"].as_str(), ended["reason"].as_str());
    ensure!(got == (Some(state), Some(reason.as_str())), "{}: {ended}", probe.mode);
    is_clean(mesh, job)?;
    has_no_bundle(mesh, &ended)?;
    Ok(ended)
}

#[test]
fn a_trainer_that_fails_is_a_failed_job_with_its_words() -> anyhow::Result<()> {
    let ended = ends(&Probe::new("raise"), "failed", Reason::TrainingFailed)?;
    let said = ended["message"].as_str().context("a message")?;
    ensure!(said.contains("the probe was asked to fail"), "{said}");
    ensure!(ended["attempt"] == 1, "the job's own failure was tried again: {ended}");
    Ok(())
}

#[test]
fn memory_is_held_to_its_limit() -> anyhow::Result<()> {
    let probe = Probe { memory_mib: 64, ..Probe::new("memory") };
    ends(&probe, "failed", Reason::MemoryLimit).map(drop)
}

#[test]
fn processes_are_held_to_their_limit() -> anyhow::Result<()> {
    let probe = Probe { pids: 16, ..Probe::new("pids") };
    ends(&probe, "failed", Reason::PidsLimit).map(drop)
}

#[test]
fn a_run_that_never_ends_is_killed_at_its_wall_clock() -> anyhow::Result<()> {
    let probe = Probe { wall_clock_s: 2, ..Probe::new("sleep") };
    ends(&probe, "failed", Reason::WallClockLimit).map(drop)
}

#[test]
fn output_is_held_to_its_limit() -> anyhow::Result<()> {
    let probe = Probe { output_mib: 4, ..Probe::new("disk") };
    ends(&probe, "failed", Reason::OutputLimit).map(drop)
}

#[test]
fn a_flood_of_log_is_cut_off() -> anyhow::Result<()> {
    ends(&Probe::new("flood"), "failed", Reason::LogLimit).map(drop)
}

#[test]
fn an_output_that_is_a_link_is_refused() -> anyhow::Result<()> {
    ends(&Probe::new("symlink"), "failed", Reason::ContractBroken).map(drop)
}

/// Completes in spite of its noise; gives what the executor vouches that the trainer reported.
fn completes(mode: &str) -> anyhow::Result<(PathBuf, Value)> {
    let mesh = Mesh::shared()?;
    let made = mesh.fixture(mode, |folder| {
        let job = mesh.submit(&Probe::new(mode))?;
        let ended = mesh.finished(job)?;
        ensure!(ended["state"] == "completed", "{mode}: {ended}");
        is_clean(mesh, job)?;
        let out = folder.join("out");
        mesh.run(&["fetch", &job.to_string(), "--out", &out.to_string_lossy()])?.expect(0)?;
        Ok(())
    })?;
    let out = made.join("out");
    mesh.verify(&out)?.expect(0)?;
    let training = forge::Parts::of(&out)?.training;
    Ok((out, training["predicate"]["runDetails"]["aibom_reported"].clone()))
}

#[test]
fn metrics_that_are_no_numbers_never_reach_the_evidence() -> anyhow::Result<()> {
    let (out, reported) = completes("nan")?;
    let metrics = &reported["finalMetrics"];
    ensure!(metrics["loss"].is_number(), "the finite metric is there: {reported}");
    ensure!(metrics.get("accuracy").is_none(), "an infinite metric was reported: {reported}");
    let aibom = std::fs::read_to_string(out.join("aibom.cdx.json"))?;
    ensure!(!aibom.contains("NaN") && !aibom.contains("Infinity"), "the AIBoM has one");
    Ok(())
}

#[test]
fn noise_on_the_trainers_output_is_log_and_nothing_else() -> anyhow::Result<()> {
    let (out, reported) = completes("badjson")?;
    ensure!(reported["epochs"] == 3, "{reported}");
    let log = std::fs::read(out.join("artifacts/outputs/training.log"))?;
    ensure!(log.windows(2).any(|pair| pair == [0xff, 0xfe]), "the log lost bytes");
    let aibom = std::fs::read(out.join("aibom.cdx.json"))?;
    ensure!(!aibom.iter().any(|byte| *byte < 0x20), "control characters in the AIBoM");
    Ok(())
}

#[test]
fn nothing_gets_out_of_the_sandbox() -> anyhow::Result<()> {
    let (out, _) = completes("escape")?;
    let text = std::fs::read(out.join("artifacts/outputs/escape.json"))?;
    let attempts: Vec<Value> = serde_json::from_slice(&text)?;
    ensure!(attempts.len() >= 30, "only {} attempts were made", attempts.len());
    let won: Vec<_> = attempts.iter().filter(|attempt| attempt["succeeded"] != false).collect();
    ensure!(won.is_empty(), "{} of {} attempts succeeded: {won:#?}", won.len(), attempts.len());
    Ok(())
}

/// The same attempts by the same image where nothing holds them, so that a refusal means something.
#[test]
fn the_attempts_to_get_out_do_succeed_without_the_sandbox() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (inputs, outputs) = (folder.path().join("in"), folder.path().join("out"));
    Probe::new("escape").write(&inputs)?;
    std::fs::rename(inputs.join("data.csv"), inputs.join("dataset.csv"))?;
    std::fs::write(
        inputs.join("spec.json"),
        r#"{"task":"classification","parameters":{"seed":1}}"#,
    )?;
    std::fs::create_dir(&outputs)?;
    let mut run = Command::new("docker");
    run.args(["run", "--rm", "--user", "0:0", "--network", "host"]);
    run.args(["--security-opt", "seccomp=unconfined"]);
    run.arg("--volume").arg(format!("{}:/aibom/in", inputs.display()));
    run.arg("--volume").arg(format!("{}:/aibom/out", outputs.display()));
    run.arg(place::trainer("probe")?.to_string());
    run::output(&mut run)?.expect(0)?;
    let attempts: Vec<Value> =
        serde_json::from_slice(&std::fs::read(outputs.join("escape.json"))?)?;
    let won = attempts.iter().filter(|attempt| attempt["succeeded"] == true).count();
    ensure!(won >= 15, "only {won} of {} attempts work at all: {attempts:#?}", attempts.len());
    Ok(())
}

#[test]
fn a_running_job_is_cancelled() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let job = mesh.submit(&Probe::new("sleep"))?;
    wait::until("the container to run", 60, || {
        Ok((!engine::running(job)?.is_empty()).then_some(()))
    })?;
    mesh.run(&["jobs", "cancel", &job.to_string()])?.expect(0)?;
    let ended = mesh.finished(job)?;
    let got = (ended["state"].as_str(), ended["reason"].as_str());
    ensure!(got == (Some("cancelled"), Some(Reason::Cancelled.as_str())), "{ended}");
    is_clean(mesh, job)?;
    has_no_bundle(mesh, &ended)?;
    // Once more changes nothing.
    mesh.run(&["jobs", "cancel", &job.to_string()])?.expect(0)?;
    ensure!(mesh.job(job)? == ended, "a second cancel changed the job");
    Ok(())
}

fn unsafe_model() -> anyhow::Result<Probe> {
    let model = place::repository()?.join("libs/model/fixtures/lambda.keras");
    Ok(Probe { model: Some(model), ..Probe::new("ok") })
}

#[test]
fn a_model_that_would_run_code_is_refused_by_the_command() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let folder = tempfile::tempdir()?;
    let file = unsafe_model()?.write(folder.path())?;
    let refused = mesh.run(&["submit", &file.to_string_lossy()])?.expect(1)?;
    ensure!(refused.stderr.contains("Lambda"), "it does not say why: {}", refused.stderr);
    Ok(())
}

#[tokio::test]
async fn a_model_that_would_run_code_is_refused_before_any_container() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let since = engine::now_s();
    let direct = Direct::new(mesh)?;
    let folder = tempfile::tempdir()?;
    let request = direct.request(&unsafe_model()?, folder.path()).await?;
    let job = direct.submit(&request).await.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let ended = mesh.finished(job)?;
    let got = (ended["state"].as_str(), ended["reason"].as_str());
    ensure!(got == (Some("refused"), Some(Reason::ModelRefused.as_str())), "{ended}");
    ensure!(ended["message"].as_str().is_some_and(|m| m.contains("Lambda")), "{ended}");
    ensure!(engine::created_since(job, since)? == 0, "a container was created");
    is_clean(mesh, job)?;
    has_no_bundle(mesh, &ended)?;
    // The engine does tell when there was one.
    let job = mesh.submit(&Probe::new("raise"))?;
    mesh.finished(job)?;
    ensure!(engine::created_since(job, since)? == 1, "the engine does not tell of a container");
    Ok(())
}

#[tokio::test]
async fn a_request_outside_its_bounds_is_refused_by_field() -> anyhow::Result<()> {
    let direct = Direct::new(Mesh::shared()?)?;
    let folder = tempfile::tempdir()?;
    let good = direct.request(&Probe::new("ok"), folder.path()).await?;
    let cases = [
        ("/spec/parameters/epochs", Value::from(0), "parameters.epochs"),
        ("/spec/parameters/validationSplit", Value::from(1), "parameters.validationSplit"),
        ("/spec/resources/memoryMib", Value::from(1), "resources.memoryMib"),
        ("/spec/model/name", Value::from(""), "model.name"),
        ("/spec/inputs/dataset/size", Value::from(0), "inputs.dataset.size"),
        ("/spec/task", Value::from("conquest"), "conquest"),
        ("/schema", Value::from("aibom.request.v9"), "request.schema"),
    ];
    for (pointer, value, named) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).context(pointer)? = value;
        let refused = direct.submit(&bad).await.err().with_context(|| pointer.to_owned())?;
        ensure!(refused.code == "INVALID_ARGUMENT", "{pointer}: {refused:?}");
        ensure!(refused.message.contains(named), "{pointer} is not named: {refused:?}");
    }
    let mut bad = good.clone();
    bad["spec"]["surprise"] = Value::from(1);
    let refused = direct.submit(&bad).await.err().context("an unknown member")?;
    ensure!(refused.code == "INVALID_ARGUMENT", "{refused:?}");
    ensure!(refused.message.contains("surprise"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn inputs_that_were_never_uploaded_are_asked_for_by_name() -> anyhow::Result<()> {
    let direct = Direct::new(Mesh::shared()?)?;
    let folder = tempfile::tempdir()?;
    let mut request = direct.request(&Probe::new("ok"), folder.path()).await?;
    let other = ids::Sha256Digest::of(b"never uploaded").to_hex();
    request["spec"]["inputs"]["dataset"]["sha256"] = Value::from(other);
    let refused = direct.submit(&request).await.err().context("a missing input")?;
    let got = (refused.code, refused.reason.as_str());
    ensure!(got == ("FAILED_PRECONDITION", "INPUT_MISSING"), "{refused:?}");
    ensure!(refused.message.contains("data.csv"), "{refused:?}");
    Ok(())
}

#[test]
fn the_same_request_under_the_same_key_is_the_same_job() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let folder = tempfile::tempdir()?;
    let file = Probe::new("raise").write(folder.path())?;
    let other = Probe::new("raise").write(&folder.path().join("other"))?;
    let key = uuid::Uuid::new_v4().to_string();
    let submit = |file: &std::path::Path| {
        let file = file.to_string_lossy();
        mesh.run(&["--format", "json", "submit", &file, "--idempotency-key", &key])
    };
    let first = submit(&file)?.expect(0)?.json()?["id"].clone();
    let again = submit(&file)?.expect(0)?.json()?["id"].clone();
    ensure!(first == again, "{first} and {again}: the request was made twice");
    let refused = submit(&other)?;
    ensure!(!refused.is(0) && refused.stderr.contains("IDEMPOTENCY_KEY_REUSED"), "{refused:?}");
    Ok(())
}
