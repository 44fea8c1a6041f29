//! One compromised party at a time, with its real certificate and key: what it can still do, and
//! the rule that stops the rest. The evidence is that of a real job.

mod executor;
mod scanner;
mod scheduler;
mod store;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use e2e::{
    Mesh,
    forge::Thief,
    grpc::{Caller, Refused},
};
use evidence::EvidenceSet;
use ids::{Role, Sha256Digest};
use serde_json::{Value, json};

/// The signer, as the scheduler reaches it.
pub(crate) fn signer(mesh: &Mesh) -> anyhow::Result<Caller> {
    Caller::new(&mesh.service(Role::Signer)?, &mesh.identity(Role::Scheduler)?)
}

pub(crate) fn thief(mesh: &Mesh, role: Role) -> anyhow::Result<Thief> {
    Thief::of(&mesh.identity(role)?)
}

pub(crate) fn fetched(mesh: &Mesh) -> anyhow::Result<PathBuf> {
    mesh.completed_probe("bundle-a")
}

/// The signer refuses, and names `rule`.
pub(crate) async fn refused(
    signer: &Caller,
    what: &str,
    set: &EvidenceSet,
    rule: &str,
) -> anyhow::Result<()> {
    let answer = signer.attest(set).await;
    let got = answer.err().with_context(|| format!("{what}: the signer signed it"))?;
    let kind = (got.code, got.reason.as_str());
    ensure!(kind == ("FAILED_PRECONDITION", "EVIDENCE_REFUSED"), "{what}: {got:?}");
    ensure!(got.message.contains(&format!("{rule}:")), "{what}: {rule} is not named: {got:?}");
    Ok(())
}

pub(crate) fn another_digest() -> Value {
    json!(Sha256Digest::of(b"something else").to_hex())
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
pub(crate) fn failed(refused: Refused) -> anyhow::Error {
    anyhow::anyhow!("{refused:?}")
}
