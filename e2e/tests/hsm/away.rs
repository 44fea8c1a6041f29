//! The token is away, or its PIN is wrong: the signer says so, jobs wait, and nothing is lost.

use std::fs;

use anyhow::{Context as _, ensure};
use e2e::token::PIN;
use ids::Role;

use crate::stand::Stand;

#[test]
fn a_job_waits_for_a_lost_token_and_is_signed_when_it_is_back() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let signer = stand.signer()?;
    let (before, from) = (stand.entries()?, stand.logged()?);
    let elsewhere = stand.mesh.directory().join("hsm/elsewhere");
    fs::rename(stand.hsm.tokens(), &elsewhere)?;
    let job = stand.stuck("")?;
    stand.until_serving(false)?;
    stand.until_log(from, "NotReady(\"the PKCS#11 token is away: ", 1)?;
    ensure!(stand.entries()? == before, "something was logged without a signature");
    fs::rename(&elsewhere, stand.hsm.tokens())?;
    stand.signed_soon(job, "the token's directory was away")?;
    stand.until_serving(true)?;
    stand.completed_once(job, before)?;
    // No process was started again, not even the agent.
    ensure!(stand.signer()? == signer, "{signer:?}, {:?}", stand.signer()?);
    Ok(())
}

#[test]
fn a_job_waits_for_an_erring_token_and_is_signed_when_it_works() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let signer = stand.signer()?;
    let faults =
        [("C_SignInit=err:32", "CKR_DEVICE_REMOVED"), ("*=err:e0", "CKR_TOKEN_NOT_PRESENT")];
    for (fault, name) in faults {
        let (before, from) = (stand.entries()?, stand.logged()?);
        let job = stand.stuck(fault)?;
        stand.until_log(from, name, 1)?;
        stand.until_serving(false)?;
        stand.hsm.faults("");
        stand.signed_soon(job, name)?;
        stand.completed_once(job, before).context(name)?;
        stand.until_serving(true)?;
    }
    ensure!(stand.signer()? == signer, "{signer:?}, {:?}", stand.signer()?);
    Ok(())
}

#[test]
fn a_wrong_pin_is_tried_once_and_the_right_one_lets_the_job_go_on() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let before = stand.entries()?;
    stand.token.write_pin("13572468")?;
    let (logins, from) = (stand.hsm.count("C_Login"), stand.logged()?);
    stand.mesh.kill(Role::Signer)?;
    stand.until_log(from, "the token refused the PIN", 1)?;
    stand.until_serving(false)?;
    let job = stand.submit()?;
    let reason = stand.waits(job)?;
    ensure!(reason.contains("KEY_UNAVAILABLE"), "{reason}");
    // The job is tried again and again, the PIN is not.
    stand.until_log(from, "an attestation failed", 2)?;
    // A new agent does not try it either: it is written down that this PIN was refused.
    let signer = stand.signer()?;
    kill(signer.agent.context("an agent")?)?;
    stand.next_agent(&signer)?;
    stand.until_log(from, "an attestation failed", 3)?;
    let tried = stand.hsm.count("C_Login") - logins;
    ensure!(tried == 1, "a wrong PIN was tried {tried} times: {:#?}", stand.hsm.calls());
    let signer = stand.signer()?;
    stand.token.write_pin(PIN)?;
    stand.signed_soon(job, "the PIN was wrong")?;
    stand.completed_once(job, before)?;
    ensure!(stand.hsm.count("C_Login") - logins == 2, "{:#?}", stand.hsm.calls());
    ensure!(stand.signer()? == signer, "{signer:?}, {:?}", stand.signer()?);
    Ok(())
}

fn kill(process: i32) -> anyhow::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    Ok(kill_process(Pid::from_raw(process).context("a process id")?, Signal::KILL)?)
}
