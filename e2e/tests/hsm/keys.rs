//! The keys are made in the token, sign there, and do not come out.

use anyhow::{Context as _, bail, ensure};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    object::{Attribute, AttributeType, ObjectClass},
    session::UserType,
    types::AuthPin,
};
use e2e::{run, token::PIN};
use std::process::Command;
use testkit::softhsm::SoftHsm;

use crate::stand::Stand;

/// In the environment of the child: run the body.
const CHILD: &str = "AIBOM_TEST_READS_KEYS";

#[test]
fn keys_in_a_token_sign_a_job_that_verifies_offline() -> anyhow::Result<()> {
    let stand = Stand::open()?;
    let (before, signatures) = (stand.entries()?, stand.hsm.count("C_Sign"));
    let job = stand.submit()?;
    let completed = stand.completed_once(job, before)?;
    ensure!(completed.key()? == stand.current("aibom")?, "signed by {}", completed.key()?);
    ensure!(stand.hsm.count("C_Sign") == signatures + 4, "the token did not sign all four");
    let listed = stand.listed()?;
    // The policy key lies beside the root key, not in the token.
    let held = |key: &&serde_json::Value| key["use"] != "policy" && key["inStore"] != true;
    let missing: Vec<_> = listed.iter().filter(held).collect();
    ensure!(listed.len() >= 3 && missing.is_empty(), "not in the token: {missing:?}");
    ensure!(!stand.certs().join("keys").exists(), "there are keys in files, too");
    Ok(())
}

/// As somebody who has the PIN and the module: even so no value is told.
#[test]
fn a_private_key_cannot_be_read_out_of_the_token() -> anyhow::Result<()> {
    if std::env::var_os(CHILD).is_some() {
        return reads_nothing();
    }
    let stand = Stand::open()?;
    // SoftHSM takes its configuration from the environment of the process that loads it.
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["keys::a_private_key_cannot_be_read_out_of_the_token", "--exact", "--nocapture"]);
    child.envs(stand.hsm.environment()).env_remove("P11FAULT_FILE").env_remove("P11FAULT_LOG");
    let said = run::output(child.env(CHILD, "1"))?.expect(0)?;
    ensure!(said.stdout.contains("1 passed"), "{}", said.stdout);
    Ok(())
}

fn reads_nothing() -> anyhow::Result<()> {
    let module = Pkcs11::new(SoftHsm::real_module().context("SoftHSM")?)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slot = *module.get_slots_with_initialized_token()?.first().context("a token")?;
    let session = module.open_ro_session(slot)?;
    session.login(UserType::User, Some(&AuthPin::from(PIN)))?;
    let private = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])?;
    ensure!(private.len() >= 3, "only {} private keys in the token", private.len());
    for key in private {
        let types = [
            AttributeType::Sensitive,
            AttributeType::AlwaysSensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
        ];
        let held = session.get_attributes(key, &types)?;
        let wanted = [
            Attribute::Sensitive(true),
            Attribute::AlwaysSensitive(true),
            Attribute::Extractable(false),
            Attribute::NeverExtractable(true),
        ];
        ensure!(wanted.iter().all(|attribute| held.contains(attribute)), "{held:?}");
        match session.get_attributes(key, &[AttributeType::Value]) {
            Ok(read) if read.is_empty() => {}
            Ok(read) => bail!("{} attributes were read", read.len()),
            Err(error) => ensure!(error.to_string().contains("sensitive"), "{error}"),
        }
    }
    Ok(())
}
