//! A stolen scheduler: it routes, and vouches for nothing but its grants.

use anyhow::{Context as _, bail, ensure};
use bundle::Bundle;
use e2e::{
    Mesh, engine,
    forge::{self, Parts, Thief},
    grpc::Outcome,
};
use ids::{JobId, Role};
use serde_json::{Value, json};

use crate::{another_digest, failed, fetched, refused, signer, thief};

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
    let Outcome::Signed(again) = signer.attest(&good.set).await.map_err(failed)? else {
        bail!("a job that was signed is held");
    };
    ensure!(again.aibom == aibom, "another AIBoM for the same evidence");
    ensure!(again.attestation == attestation, "another signature for the same evidence");
    ensure!(again.salt == inclusion.salt, "another salt for the same evidence");

    // Other evidence that is valid too: the scanner looked again, and found less.
    let job = good.grant["job"].as_str().context("a job")?;
    let mut scan = good.scan.clone();
    let results = scan["predicate"]["scanner"]["result"].as_array_mut();
    results.context("the scan's results")?.pop().context("a finding")?;
    let mut set = good.set.clone();
    set.scans.push(thief(mesh, Role::Scanner)?.statement(&scan)?);
    let got = signer.attest(&set).await.err().context("a second AIBoM")?;
    let kind = (got.code, got.reason.as_str());
    ensure!(kind == ("ALREADY_EXISTS", "JOB_ALREADY_SIGNED"), "{got:?}");
    // It is written down for the operator.
    ensure!(mesh.log(Role::Signer)?.contains(job), "the signer's log does not name the job");
    Ok(())
}
