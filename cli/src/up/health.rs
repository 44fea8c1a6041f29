//! Waiting until a service answers, over the same mTLS as everybody else's.

use std::time::Duration;

use client::{Mesh, is_serving};
use ids::Role;
use web::ClientOptions;

use super::plan::{Part, Plan};
use crate::failure::Failure;

/// How long a service may take until it answers, in milliseconds.
pub(super) const READY_MS: u64 = 90_000;
/// How often it is asked, in milliseconds.
const ASK_EVERY_MS: u64 = 100;

/// Waits until a process says that it takes work.
pub(super) async fn until_ready(plan: &Plan, mesh: &Mesh, part: Part) -> Result<(), Failure> {
    match part {
        Part::Witness => witness(plan).await,
        Part::Service(role) => service(plan, mesh, role).await,
    }
}

/// A witness that listens takes work; any answer will do.
async fn witness(plan: &Plan) -> Result<(), Failure> {
    let client = web::Client::new(ClientOptions::default())
        .map_err(|error| Failure::cannot("the witness cannot be asked").caused_by(&error))?;
    let url = plan.address(Part::Witness);
    let mut last = String::new();
    let asking = async {
        while let Err(error) = client.get(&url).await {
            last = error.in_one_line();
            tokio::time::sleep(Duration::from_millis(ASK_EVERY_MS)).await;
        }
    };
    let ready = tokio::time::timeout(Duration::from_millis(READY_MS), asking).await;
    ready.map_err(|_| late(plan, Part::Witness, last))
}

fn late(plan: &Plan, part: Part, last: String) -> Failure {
    Failure::unreachable(format_args!("the {part} was not ready after {} s", READY_MS / 1_000))
        .because(last)
        .remedy(format_args!("see its log {}", plan.log(part).display()))
}

async fn service(plan: &Plan, mesh: &Mesh, role: Role) -> Result<(), Failure> {
    let endpoint = plan.endpoint(role)?;
    let bound = Duration::from_millis(READY_MS);
    let channel = mesh
        .channel(&endpoint)
        .map_err(|error| Failure::cannot("an address cannot be used").caused_by(&error))?;
    let mut last = "it does not take work yet".to_owned();
    let asking = async {
        loop {
            match is_serving(channel.clone()).await {
                Ok(true) => return,
                Ok(false) => "it says that it does not take work yet".clone_into(&mut last),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(ASK_EVERY_MS)).await;
        }
    };
    if tokio::time::timeout(bound, asking).await.is_ok() {
        return Ok(());
    }
    Err(late(plan, Part::Service(role), last))
}
