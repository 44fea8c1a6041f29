//! Making a mesh, and issuing identities in it.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use ::keys::{
    FileKey,
    ca::{Authority, LeafRequest, create_root},
};
use evidence::TrustRoot;
use ids::{Role, SpiffeId, Timestamp};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde::Serialize;

use super::store::{make_private, write_public, write_secret};
use crate::{
    failure::Failure,
    keys::{Begun, NewMesh, random},
    profile::{read_bounded, trust_root},
};

/// The CA's certificate.
pub(crate) const CA_FILE: &str = "ca.pem";
/// The key that signs checkpoints.
pub(crate) const LEDGER_KEY_FILE: &str = "ledger.key.pem";
/// What verifiers pin.
pub(crate) const TRUST_ROOT_FILE: &str = "trust-root.json";

const CA_KEY_FILE: &str = "ca.key.pem";
const DAY_MS: i64 = 86_400_000;
/// How long the CA holds, in milliseconds: ten years.
const ROOT_TTL_MS: i64 = 3_650 * DAY_MS;
/// How long a service's certificate holds unless told otherwise, in milliseconds.
const SERVICE_TTL_MS: i64 = DAY_MS;
/// How long a user's certificate holds unless told otherwise, in milliseconds.
const USER_TTL_MS: i64 = 30 * DAY_MS;
/// The largest PEM file that is read, in bytes.
const MAX_PEM_BYTES: u64 = 64 * 1024;

/// The instant now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

/// How long a certificate of `role` holds unless told otherwise, in milliseconds.
pub(crate) const fn default_ttl_ms(role: Role) -> i64 {
    match role {
        Role::User | Role::Approver => USER_TTL_MS,
        Role::Scheduler
        | Role::Executor
        | Role::Scanner
        | Role::Signer
        | Role::Ledger
        | Role::Verifier => SERVICE_TTL_MS,
    }
}

/// Whether `directory` holds a mesh.
pub(crate) fn is_initialised(directory: &Path) -> bool {
    directory.join(TRUST_ROOT_FILE).is_file()
}

/// Makes a new mesh: its CA here, its keys and its trust root as `aibom keys init` does.
pub(crate) fn init(mesh: NewMesh<'_>) -> Result<TrustRoot, Failure> {
    let begun = Begun::new(mesh, &[CA_FILE, CA_KEY_FILE])?;
    let ca = create_root(mesh.trust_domain, now(), ROOT_TTL_MS, random()?)
        .map_err(|error| Failure::cannot("cannot make the mesh CA").caused_by(&error))?;
    write_secret(&mesh.directory.join(CA_KEY_FILE), &ca.key_pem)?;
    write_public(&mesh.directory.join(CA_FILE), ca.certificate_pem.as_bytes())?;
    begun.finish(vec![ca.certificate_der])
}

/// What to issue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issue<'a> {
    /// The directory that `certs init` made.
    pub(crate) directory: &'a Path,
    /// What the party is.
    pub(crate) role: Role,
    /// Its name within the role.
    pub(crate) name: &'a str,
    /// How long the certificate holds, in milliseconds.
    pub(crate) ttl_ms: i64,
    /// Where the files go; `directory/identities` when not told.
    pub(crate) out: Option<&'a Path>,
    /// DNS names and IP addresses.
    pub(crate) names: &'a [String],
}

/// What was issued.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuedFiles {
    /// Whom it names.
    pub(crate) spiffe_id: SpiffeId,
    /// Until when it holds.
    pub(crate) not_after: Timestamp,
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
    /// The mesh CA.
    pub(crate) ca: PathBuf,
}

/// The files of an identity in `out`: certificate, key, CA.
pub(crate) fn identity_files(out: &Path, role: Role, name: &str) -> [PathBuf; 3] {
    [
        out.join(format!("{role}-{name}.pem")),
        out.join(format!("{role}-{name}.key.pem")),
        out.join(CA_FILE),
    ]
}

/// Issues, or renews, an identity.
pub(crate) fn issue(what: &Issue<'_>) -> Result<IssuedFiles, Failure> {
    let root_path = what.directory.join(TRUST_ROOT_FILE);
    if !root_path.is_file() {
        let shown = what.directory.display();
        return Err(Failure::cannot(format_args!("{shown} holds no mesh"))
            .remedy(format_args!("make one with 'aibom certs init --dir {shown}'")));
    }
    let (root, _) = trust_root(&root_path)?;
    let spiffe_id = SpiffeId::new(&root.trust_domain, what.role, what.name)
        .map_err(|error| Failure::cannot("that identity cannot be issued").because(error))?;
    let ca_pem = text(&what.directory.join(CA_FILE))?;
    // FileKey::load refuses a key file that others may read.
    let key_path = what.directory.join(CA_KEY_FILE);
    FileKey::load(&key_path)
        .map_err(|error| Failure::cannot("the mesh CA cannot be used").caused_by(&error))?;
    let authority = Authority::load(&ca_pem, &text(&key_path)?)
        .map_err(|error| Failure::cannot("the mesh CA cannot be used").caused_by(&error))?;
    let at = now();
    let request = LeafRequest {
        spiffe_id: &spiffe_id,
        names: what.names,
        now: at,
        ttl_ms: what.ttl_ms,
        serial: random()?,
    };
    let issued = authority
        .issue(&request)
        .map_err(|error| Failure::cannot("the identity cannot be issued").caused_by(&error))?;
    let default_out = what.directory.join("identities");
    let out = what.out.unwrap_or(&default_out);
    make_private(out)?;
    let [certificate, key, ca] = identity_files(out, what.role, what.name);
    // A service that reads between these writes keeps its old set: key and certificate must fit.
    write_public(&ca, ca_pem.as_bytes())?;
    write_secret(&key, &issued.key_pem)?;
    write_public(&certificate, issued.certificate_pem.as_bytes())?;
    let not_after = at.plus_ms(what.ttl_ms);
    Ok(IssuedFiles { spiffe_id, not_after, certificate, key, ca })
}

fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read_bounded(path, MAX_PEM_BYTES)?)
        .map_err(|_| Failure::cannot(format_args!("{} is not PEM text", path.display())))
}

/// The certificates of a PEM file, DER, as they stand in it.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let shown = path.display();
    let pem = read_bounded(path, MAX_PEM_BYTES)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found
        .map_err(|error| Failure::cannot(format_args!("{shown} is not PEM")).because(error))?;
    if found.is_empty() {
        return Err(Failure::cannot(format_args!("{shown} holds no certificate")));
    }
    Ok(found.iter().map(|der| der.to_vec()).collect())
}
