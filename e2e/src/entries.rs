//! The ledger's entries of the user's own jobs, known by their tags: what a mesh logs of itself, when
//! it starts or goes by another trust root, is none of them.

use anyhow::Context as _;
use bundle::{LedgerEntry, Tag};
use ids::{JobId, Role};
use serde_json::Value;

use crate::{Mesh, grpc::Caller, grpc::Refused, wait};

/// How long records may take into the ledger, in seconds.
const LOGGED_S: u64 = 60;

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err asks for")]
fn refused(refused: Refused) -> anyhow::Error {
    anyhow::anyhow!("{refused:?}")
}

/// How many entries the ledger has of the user's jobs: attestations and records.
///
/// # Errors
/// When scheduler or ledger refuse.
pub async fn own(mesh: &Mesh) -> anyhow::Result<u64> {
    let user = mesh.identity(Role::User)?;
    let scheduler = Caller::new(&mesh.service(Role::Scheduler)?, &user)?;
    let ledger = Caller::new(&mesh.service(Role::Ledger)?, &user)?;
    let key = scheduler.monitor_key().await.map_err(refused)?;
    let key: [u8; 32] = key.try_into().ok().context("a monitor key of 32 bytes")?;
    let mut count = 0;
    for index in 0..ledger.log_size().await.map_err(refused)? {
        let entry = ledger.entry(index).await.map_err(refused)?;
        let entry = LedgerEntry::parse(&entry).map_err(anyhow::Error::msg)?;
        count += u64::from(entry.tag == Tag::of(&key, &entry.commitment));
    }
    Ok(count)
}

/// The records of a job once none is on its way any more; each was verified.
///
/// # Errors
/// When one does not verify, or they are not logged in time.
pub fn records(mesh: &Mesh, job: JobId) -> anyhow::Result<Vec<Value>> {
    wait::until("the job's records to be logged", LOGGED_S, || {
        let said = mesh.run(&["--format", "json", "jobs", "records", &job.to_string()])?;
        let said = said.expect(0)?.json()?;
        let records = said["records"].as_array().cloned().context("records")?;
        Ok((said["pending"] == 0).then_some(records))
    })
}
