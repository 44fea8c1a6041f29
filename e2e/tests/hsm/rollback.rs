//! An older trust root is put in the place of the newer one while a job is in flight.

use std::{fs, path::Path};

use anyhow::ensure;
use e2e::{place, run};
use ids::Role;

use crate::stand::Stand;

/// Replaces a file by another one, at once.
fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("put");
    fs::write(&new, bytes)?;
    Ok(fs::rename(new, path)?)
}

#[test]
fn an_older_trust_root_is_taken_by_nobody() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let pinned = stand.mesh.trust_root();
    let older = fs::read(&pinned)?;
    let old = stand.root()?.version;
    stand.rotate("aibom", true)?;
    let newer = fs::read(&pinned)?;
    let new_key = stand.current("aibom")?;
    let (before, from) = (stand.entries()?, stand.logged()?);
    let job = stand.stuck("C_SignInit=err:32")?;
    // The running signer keeps the newer one, and says so.
    put(&pinned, &older)?;
    let refusal = format!("does not take the place of version {}", old + 1);
    stand.until_log(from, "the new trust root is not taken, the old one stays", 1)?;
    stand.until_log(from, &refusal, 1)?;
    stand.hsm.faults("");
    stand.signed_soon(job, "an older trust root lay there")?;
    put(&pinned, &newer)?;
    let completed = stand.completed_once(job, before)?;
    ensure!(completed.key()? == new_key, "signed by the older root's key: {}", completed.key()?);
    // `aibom trust-root update` does not take it either.
    let folder = tempfile::tempdir()?;
    let offered = folder.path().join("older.json");
    fs::write(&offered, &older)?;
    let mut update = std::process::Command::new(place::program("aibom")?);
    update.args(["trust-root", "update"]).arg(&pinned).arg(&offered);
    run::output(&mut update)?.expect(1)?;
    ensure!(fs::read(&pinned)? == newer, "the pinned trust root was replaced");
    Ok(())
}

#[test]
fn a_signer_does_not_start_with_an_older_trust_root() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let pinned = stand.mesh.trust_root();
    let older = fs::read(&pinned)?;
    stand.rotate("aibom", true)?;
    let newer = fs::read(&pinned)?;
    let (before, from) = (stand.entries()?, stand.logged()?);
    let job = stand.stuck("C_SignInit=err:32")?;
    put(&pinned, &older)?;
    stand.mesh.kill(Role::Signer)?;
    // What the program says last, not what the one before it logged.
    stand.until_log(from, "aibom-signer: the trust root", 1)?;
    stand.until_log(from, "a rollback", 1)?;
    ensure!(stand.mesh.job(job)?["state"] == "signing", "{}", stand.mesh.job(job)?);
    put(&pinned, &newer)?;
    stand.hsm.faults("");
    stand.until_serving(true)?;
    let completed = stand.completed_once(job, before)?;
    ensure!(completed.key()? == stand.current("aibom")?, "{}", completed.key()?);
    Ok(())
}
