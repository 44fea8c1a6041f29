//! The identities of the mesh on this machine: issued when missing, renewed at half life.

use std::path::PathBuf;

use ids::{Role, Timestamp};
use rpc::{IdentityFiles, MeshIdentity};

use super::plan::{Plan, SERVICES};
use crate::{
    certs::{Issue, default_ttl_ms, identity_files, issue, now},
    failure::Failure,
};

/// The files of a party: certificate, key, CA.
pub(super) fn files(plan: &Plan, role: Role) -> [PathBuf; 3] {
    identity_files(&plan.certs().join("identities"), role, &Plan::name(role))
}

/// Until when a party's certificate holds; `None` when it has none that is of any use.
fn not_after(plan: &Plan, role: Role) -> Option<Timestamp> {
    let [certificate, key, ca] = files(plan, role);
    let identity = MeshIdentity::load(&IdentityFiles { certificate, key, ca }).ok()?;
    (plan.spiffe_id(role).ok()? == *identity.spiffe_id()).then(|| identity.not_after())
}

/// Issues every identity that is missing or past half of its life; gives the renewed ones.
pub(super) fn ensure(plan: &Plan) -> Result<Vec<Role>, Failure> {
    let at = now();
    let mut renewed = Vec::new();
    for role in SERVICES.into_iter().chain([Role::User, Role::Approver]) {
        let ttl_ms = default_ttl_ms(role);
        let fresh = not_after(plan, role).is_some_and(|until| until.since_ms(at) > ttl_ms / 2);
        if fresh {
            continue;
        }
        issue(&Issue {
            directory: &plan.certs(),
            role,
            name: &Plan::name(role),
            ttl_ms,
            out: None,
            names: &["localhost".to_owned(), "127.0.0.1".to_owned()],
        })?;
        renewed.push(role);
    }
    Ok(renewed)
}
