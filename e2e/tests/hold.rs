//! A job that the release policy holds: nothing gets out, and one signature of an approver, for
//! exactly what holds it, lets it go.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use e2e::{
    Mesh, forge,
    forge::Thief,
    grpc::{Answer, Caller, Outcome},
    probe::Probe,
};
use evidence::Document;
use ids::{JobId, Role};
use serde_json::{Value, json};

/// What is in the image of the trainer `outdated` (`e2e/trainers/planted`), and mended in `updated`.
const PLANTED: &str = "CVE-2025-43859";
const REASON: &str = "the trainer has no network and never imports h11";

fn thief(mesh: &Mesh, role: Role) -> anyhow::Result<Thief> {
    Thief::of(&mesh.identity(role)?)
}

fn caller(mesh: &Mesh, service: Role, as_whom: Role) -> anyhow::Result<Caller> {
    Caller::new(&mesh.service(service)?, &mesh.identity(as_whom)?)
}

/// Submits and follows a job of the outdated trainer until the policy holds it; gives what the command printed.
fn held(mesh: &Mesh) -> anyhow::Result<Value> {
    let probe = Probe { trainer: "outdated".to_owned(), ..Probe::new("ok") };
    let job = probe.write(&mesh.directory().join("jobs").join(&probe.mark))?;
    let job = job.to_string_lossy();
    let said = mesh.run(&["--format", "json", "submit", &job, "--wait"])?.expect(4)?;
    let held = said.json()?;
    ensure!(held["state"] == "held" && held["reason"] == "POLICY_HOLD", "{held}");
    ensure!(said.stderr.contains("aibom jobs release"), "it does not say what to do");
    Ok(held)
}

/// The names of the findings that hold a job.
fn findings(held: &Value) -> anyhow::Result<Vec<String>> {
    let findings = held["hold"]["findings"].as_array().context("findings")?;
    let text = |finding: &Value, member: &str| {
        finding[member].as_str().map(str::to_owned).context("a text")
    };
    let mut keys = Vec::new();
    for found in findings {
        let (kind, id) = (text(found, "kind")?, text(found, "id")?);
        keys.push(format!("{kind} {id} {}", text(found, "subject")?));
    }
    keys.sort();
    Ok(keys)
}

/// A release of everything that holds a job.
fn release(held: &Value) -> anyhow::Result<Value> {
    Ok(json!({
        "schema": "aibom.release.v1",
        "job": held["id"],
        "evidence": held["hold"]["evidence"],
        "policy": held["hold"]["policy"]["digest"],
        "violations": findings(held)?,
        "reason": REASON,
        "decidedAt": held["updatedAt"],
    }))
}

fn reason(answer: Answer<()>) -> String {
    answer.map_or_else(|refused| refused.reason, |()| "released".to_owned())
}

/// A released job, fetched.
fn released(mesh: &Mesh) -> anyhow::Result<PathBuf> {
    let made = mesh.fixture("released", |folder| {
        let id: JobId = held(mesh)?["id"].as_str().context("an id")?.parse()?;
        let job = id.to_string();
        mesh.run(&["jobs", "release", &job, "--reason", REASON])?.expect(2)?;
        mesh.run(&["jobs", "release", &job, "--reason", REASON, "--yes"])?.expect(0)?;
        let ended = mesh.finished(id)?;
        ensure!(ended["state"] == "completed", "{ended}");
        let out = folder.join("out");
        mesh.run(&["fetch", &job, "--out", &out.to_string_lossy()])?.expect(0)?;
        Ok(())
    })?;
    Ok(made.join("out"))
}

#[tokio::test]
async fn nothing_of_a_held_job_gets_out_and_only_an_approver_releases_it() -> anyhow::Result<()> {
    // One in which no other job has left the same files to the same user.
    let mesh = Mesh::private("held")?;
    let held = held(&mesh)?;
    let keys = findings(&held)?;
    ensure!(keys.iter().any(|key| key.contains(PLANTED)), "{keys:?}");
    let job = held["id"].as_str().context("an id")?;

    let as_user = caller(&mesh, Role::Scheduler, Role::User)?;
    for output in held["outputs"].as_array().context("outputs")? {
        // The probe gives back the model that it was given, which is its user's own.
        if output["name"] == "model.keras" {
            continue;
        }
        let sha256 = output["sha256"].as_str().context("a digest")?;
        let got = as_user.download(sha256, None).await.err().context("it was given out")?;
        ensure!(got.reason == "ARTIFACT_NOT_FOUND", "{got:?}");
    }
    let out = mesh.directory().join("held-out");
    let fetched = mesh.run(&["fetch", job, "--out", &out.to_string_lossy()])?.expect(1)?;
    ensure!(fetched.stderr.contains("it is held") && !out.exists(), "{}", fetched.stderr);
    let listed = mesh.run(&["--format", "json", "jobs", "held"])?.expect(0)?.json()?;
    let jobs = listed["jobs"].as_array().context("jobs")?;
    ensure!(jobs.iter().any(|held| held["job"]["id"] == job), "{listed}");

    let right = release(&held)?;
    for role in [Role::User, Role::Scheduler] {
        let document = thief(&mesh, role)?.release(&right)?;
        let got = caller(&mesh, Role::Scheduler, role)?.release(&document).await;
        let got = got.err().with_context(|| format!("a {role} released it"))?;
        ensure!(got.code == "PERMISSION_DENIED", "{got:?}");
    }
    let approver = caller(&mesh, Role::Scheduler, Role::Approver)?;
    let borrowed = thief(&mesh, Role::User)?.release(&right)?;
    ensure!(reason(approver.release(&borrowed).await) == "NOT_YOUR_RELEASE", "a user's signature");
    let mut fewer = right.clone();
    fewer["violations"] = json!(["vulnerability CVE-0 pkg:deb/debian/none"]);
    let fewer = thief(&mesh, Role::Approver)?.release(&fewer)?;
    ensure!(reason(approver.release(&fewer).await) == "RELEASE_INCOMPLETE", "fewer findings");
    let still = mesh.job(job.parse()?)?;
    ensure!(still["state"] == "held", "{still}");
    mesh.run(&["jobs", "cancel", job])?.expect(0)?;
    ensure!(mesh.job(job.parse()?)?["state"] == "cancelled", "it is not cancelled");
    mesh.stop()
}

#[test]
fn a_released_job_completes_and_says_who_let_it_out_and_why() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let out = released(mesh)?;
    let verdict = mesh.verify(&out)?.expect(0)?.json()?;
    ensure!(verdict["verified"] == true, "{verdict}");
    let aibom = std::fs::read_to_string(out.join("aibom.cdx.json"))?;
    let approver = mesh.id(Role::Approver)?.to_string();
    for said in [approver.as_str(), REASON, PLANTED] {
        ensure!(aibom.contains(said), "the AIBoM does not say {said}");
    }
    let log = mesh.log(Role::Scheduler)?;
    let line = log.lines().find(|line| line.contains("audit") && line.contains(REASON));
    ensure!(line.is_some_and(|line| line.contains(&approver)), "the release is not written down");
    Ok(())
}

#[test]
fn the_image_with_the_package_upgraded_is_released_at_once() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let probe = Probe { trainer: "updated".to_owned(), ..Probe::new("ok") };
    let job = mesh.submit(&probe)?;
    let ended = mesh.until(job, |job| job["state"] == "completed" || job["state"] == "held")?;
    ensure!(ended["state"] == "completed", "{ended}");
    Ok(())
}

#[tokio::test]
async fn the_scheduler_can_neither_drop_nor_invent_a_release() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let good = forge::Parts::of(&released(mesh)?)?.set;
    let signer = caller(mesh, Role::Signer, Role::Scheduler)?;
    let mut dropped = good.clone();
    let document = dropped.release.take().context("a release")?;
    if let Ok(Outcome::Signed(_)) = signer.attest(&dropped).await {
        bail!("signed without the release");
    }

    let said = forge::payload(&document)?;
    let (scheduler, approver) = (thief(mesh, Role::Scheduler)?, thief(mesh, Role::Approver)?);
    let mut other = said.clone();
    other["job"] = json!(JobId::new(1, [7; 10]).to_string());
    let mut borrowed = scheduler.release(&said)?;
    borrowed.certificates.clone_from(&document.certificates);
    let cases: [(&str, Document); 3] = [
        ("release.role", scheduler.release(&said)?),
        ("release.signature", borrowed),
        ("release.subject", approver.release(&other)?),
    ];
    for (rule, invented) in cases {
        let mut set = good.clone();
        set.release = Some(invented);
        let got = signer.attest(&set).await.err().with_context(|| format!("{rule}: signed"))?;
        ensure!(got.reason == "EVIDENCE_REFUSED", "{rule}: {got:?}");
        ensure!(got.message.contains(&format!("{rule}:")), "{rule} is not named: {got:?}");
    }
    Ok(())
}
