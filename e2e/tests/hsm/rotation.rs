//! Keys change while a job is in flight: the next trust root is all it takes.

use anyhow::{Context as _, ensure};
use e2e::probe::Probe;
use serde_json::Value;

use crate::stand::{Completed, Stand};

/// What keeps a job waiting for its signature, and nobody else from using the token.
const NO_SIGNATURE: &str = "C_SignInit=err:32";

/// What each key signs, as the verdict names it.
const SIGNED: [(&str, &str); 3] =
    [("aibom", "signatures.link"), ("model", "signatures.model"), ("layout", "signatures.layout")];

/// Every signature is by the keys of `current`, in the order of [`SIGNED`].
fn signed_by(completed: &Completed, current: &[String]) -> anyhow::Result<()> {
    for ((usage, check), key) in SIGNED.iter().zip(current) {
        let signed = completed.key_of(check)?;
        ensure!(signed == key, "{check} is by {signed}, the {usage} key is {key}");
    }
    ensure!(Some(completed.key()?) == current.first().map(String::as_str));
    Ok(())
}

fn current(stand: &Stand) -> anyhow::Result<Vec<String>> {
    SIGNED.iter().map(|(usage, _)| stand.current(usage)).collect()
}

#[test]
fn new_keys_take_over_with_a_job_in_flight_and_no_restart() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let (signer, old) = (stand.signer()?, current(&stand)?);
    let earlier = stand.completed(stand.submit()?)?;
    signed_by(&earlier, &old)?;
    // One job waits for its signature, another one trains.
    let before = stand.entries()?;
    let waiting = stand.stuck(NO_SIGNATURE)?;
    let training = stand.mesh.submit(&Probe::new("slow"))?;
    stand.mesh.until(training, |job| job["state"] == "training")?;
    for (usage, _) in SIGNED {
        stand.rotate(usage, false)?;
    }
    ensure!(current(&stand)? == old, "a trust root that nobody signed is in use");
    stand.install()?;
    let new = current(&stand)?;
    ensure!(!new.iter().any(|key| old.contains(key)), "a key was not exchanged: {new:?}");
    stand.hsm.faults("");
    stand.signed_soon(waiting, "all keys were exchanged")?;
    for job in [waiting, training] {
        signed_by(&stand.completed(job)?, &new)?;
    }
    ensure!(stand.entries()? - before == 2, "two jobs are not two entries");
    let again = stand.verified(&earlier.out)?;
    ensure!(again["signingKey"] == *earlier.key()?, "{again}");
    ensure!(stand.signer()? == signer, "{signer:?}, {:?}", stand.signer()?);
    Ok(())
}

#[test]
fn a_revoked_key_signs_nothing_more_and_what_it_signed_before_holds() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let signer = stand.signer()?;
    let earlier = stand.completed(stand.submit()?)?;
    let (before, from) = (stand.entries()?, stand.logged()?);
    let waiting = stand.stuck(NO_SIGNATURE)?;
    // The key of now, and those before it that might still sign.
    let mut revoked = Vec::new();
    for key in stand.listed()? {
        if key["use"] == "aibom" && (key["state"] == "signs" || key["state"] == "valid") {
            let key = key["keyId"].as_str().context("a key id")?.to_owned();
            stand.revoke(&key)?;
            revoked.push(key);
        }
    }
    ensure!(revoked.iter().any(|key| Ok(key.as_str()) == earlier.key().map_err(drop)));
    // The token works again and still has the keys; the signer does not use them.
    let signatures = stand.hsm.count("C_Sign");
    stand.hsm.faults("");
    stand.until_log(from, "names no aibom key that may sign", 1)?;
    let waits = |job: &Value| {
        job["message"].as_str().is_some_and(|message| message.contains("NO_KEY_NAMED"))
    };
    stand.mesh.until(waiting, |job| job["state"] != "signing" || waits(job))?;
    let job = stand.mesh.job(waiting)?;
    ensure!(waits(&job), "the job does not say that no key may sign: {job}");
    ensure!(stand.hsm.count("C_Sign") == signatures, "a revoked key was used");
    stand.rotate("aibom", true)?;
    stand.signed_soon(waiting, "every key was revoked")?;
    let later = stand.completed_once(waiting, before)?;
    ensure!(later.key()? == stand.current("aibom")?, "{}", later.key()?);
    ensure!(!revoked.iter().any(|key| Ok(key.as_str()) == later.key().map_err(drop)));
    let again = stand.verified(&earlier.out)?;
    ensure!(again["signingKey"] == *earlier.key()?, "{again}");
    ensure!(stand.signer()? == signer, "{signer:?}, {:?}", stand.signer()?);
    Ok(())
}
