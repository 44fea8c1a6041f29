//! A malicious store: what it changes is noticed and named.

use anyhow::{Context as _, ensure};
use e2e::{Mesh, grpc::Caller, probe::Probe};
use ids::{Role, Sha256Digest};

use crate::failed;

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
