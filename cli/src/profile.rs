//! The mesh that a command talks to, from its connection profile.

use std::path::Path;

use client::{Mesh, OpenError, Profile};
use evidence::{LogPinError, TrustRoot};
use ids::Role;

use crate::failure::Failure;

/// Opens the mesh of the profile at `path`, as its user.
pub(crate) fn open(path: &Path) -> Result<Mesh, Failure> {
    Mesh::open(load(path)?).map_err(|error| unusable(&error, Role::User))
}

/// Opens the mesh of the profile at `path`, as its approver.
pub(crate) fn open_as_approver(path: &Path) -> Result<Mesh, Failure> {
    let mesh = Mesh::open_as_approver(load(path)?);
    let mesh = mesh.map_err(|error| unusable(&error, Role::Approver))?;
    let who = mesh.identity().spiffe_id();
    if who.role() == Role::Approver {
        return Ok(mesh);
    }
    Err(Failure::cannot(format_args!("{who} is no approver"))
        .because(format_args!("{} names no approver", path.display()))
        .remedy(
            "name an approver's profile with --approver; \
             the operator issues identities with 'aibom certs issue --role approver'",
        ))
}

fn load(path: &Path) -> Result<Profile, Failure> {
    Profile::load(path).map_err(|error| {
        Failure::cannot("no mesh to talk to")
            .caused_by(&error)
            .remedy("start one with 'aibom up', or name a profile with --mesh or AIBOM_MESH")
    })
}

fn unusable(error: &OpenError, role: Role) -> Failure {
    let remedy = match error {
        OpenError::Identity(_) => {
            format!(
                "issue a fresh one with 'aibom certs issue --role {role}', or restart 'aibom up'"
            )
        }
        OpenError::Address(_) => "correct the profile: https://host:port".to_owned(),
    };
    Failure::cannot("cannot use the mesh profile").caused_by(error).remedy(remedy)
}

/// Reads the trust root at `path`; gives it with its bytes.
pub(crate) fn trust_root(path: &Path) -> Result<(TrustRoot, Vec<u8>), Failure> {
    let shown = path.display();
    let bytes = read_bounded(path, 2 * evidence::MAX_TRUST_ROOT_BYTES as u64 + 1)?;
    let root = TrustRoot::parse(&bytes).map_err(|error| {
        Failure::cannot(format_args!("{shown} is no usable trust root"))
            .caused_by(&error)
            .remedy("take trust-root.json from the mesh's operator, by a way that you trust")
    })?;
    Ok((root, bytes))
}

/// A trust root whose keys for the log cannot be used.
pub(crate) fn unusable_log(path: &Path, error: &LogPinError) -> Failure {
    Failure::cannot(format_args!("{} names no usable log", path.display()))
        .caused_by(error)
        .remedy("take trust-root.json from the mesh's operator, by a way that you trust")
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;

    let cannot = |error: std::io::Error| {
        Failure::cannot(format_args!("cannot read {}", path.display())).because(error)
    };
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > limit {
        let what = format!("{} is longer than {limit} bytes", path.display());
        return Err(Failure::cannot(what));
    }
    Ok(bytes)
}
