//! A module that lags, hangs, crashes or signs wrongly: only its own process pays for it.

use anyhow::{Context as _, ensure};
use e2e::wait;

use crate::stand::{SIGNER_S, Signer, Stand};

/// A job under a fault that costs the agent its life: another one is started, and signs. The fault
/// goes away in the midst of the next attempt, which is when the job waits longest.
fn outlived(fault: &str, name: &str, log: &str) -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let signer = stand.signer()?;
    let (before, from) = (stand.entries()?, stand.logged()?);
    let times = stand.hsm.count(name);
    let job = stand.stuck(fault)?;
    stand.until_log(from, log, 1)?;
    let replaced: Signer = stand.next_agent(&signer)?;
    wait::until("the fault to strike again", SIGNER_S, || {
        Ok((stand.hsm.count(name) >= times + 2).then_some(()))
    })?;
    ensure!(stand.entries()? == before, "something was logged without a signature");
    stand.hsm.faults("");
    stand.signed_soon(job, fault)?;
    stand.completed_once(job, before).context(fault.to_owned())?;
    stand.same_server(&replaced)
}

#[test]
fn a_module_that_hangs_is_killed_and_replaced() -> anyhow::Result<()> {
    outlived("C_Sign=hang", "hang", "did not return within 5000 ms")
}

#[test]
fn a_module_that_crashes_is_replaced() -> anyhow::Result<()> {
    outlived("C_Sign=crash", "crash", "the key agent ended, another one starts")
}

#[test]
fn a_slow_token_signs() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let (signer, before) = (stand.signer()?, stand.entries()?);
    stand.hsm.faults("C_Sign=sleep:500");
    let signatures = stand.hsm.count("C_Sign");
    let job = stand.submit()?;
    stand.completed_once(job, before)?;
    let made = stand.hsm.count("C_Sign") - signatures;
    // Statement, model, link, layout: nothing was given up and tried again.
    ensure!(made == 4, "{made} signatures for one job: {:#?}", stand.hsm.calls());
    ensure!(stand.signer()? == signer, "{signer:?}, {:?}", stand.signer()?);
    Ok(())
}

#[test]
fn a_wrong_signature_never_leaves_the_signer() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let (signer, before, from) = (stand.signer()?, stand.entries()?, stand.logged()?);
    let job = stand.stuck("C_Sign=flip\nC_SignFinal=flip")?;
    stand.until_log(from, "a signature that does not verify", 1)?;
    // It is asked for again, and again it does not leave.
    stand.until_log(from, "an attestation failed", 2)?;
    ensure!(stand.mesh.job(job)?["state"] == "signing", "{}", stand.mesh.job(job)?);
    ensure!(stand.entries()? == before, "a wrong signature is in the ledger");
    stand.hsm.faults("");
    stand.signed_soon(job, "the signatures were wrong")?;
    stand.completed_once(job, before)?;
    stand.same_server(&signer)
}
