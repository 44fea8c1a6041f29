//! The keys of a new mesh, and the first version of its trust root.
//!
//! A mesh is there when its `trust-root.json` is. Until then `trust-root.json.init` says that the
//! other files are the leftovers of a making that did not end, so that it can be begun again; that
//! very file becomes the trust root at the end.

use std::path::{Path, PathBuf};

use ::keys::{Algorithm, FileKey, SigningKey as _};
use evidence::{Environment, KeyEntry, KeyUse, TRUST_ROOT_SCHEMA, TrustRoot, WitnessEntry};
use ids::{Role, SpiffeId, Timestamp};
use merkle::{CosignerKey, VerifierKey};

use super::{files, store::Store};
use crate::{
    certs::{LEDGER_KEY_FILE, TRUST_ROOT_FILE, make_private, now, write_public},
    failure::Failure,
    trust_root::{LedgerKey, sign},
};

/// The offline key that signs the trust root.
pub(crate) const ROOT_KEY_FILE: &str = "root.key.pem";
/// The key that signs policies.
pub(crate) const POLICY_KEY_FILE: &str = "policy.key.pem";
/// The signed release policy.
pub(crate) const POLICY_FILE: &str = "policy.dsse.json";
/// The key of the mesh's own witness.
pub(crate) const WITNESS_KEY_FILE: &str = "witness.key.pem";
/// There while a mesh is being made.
const UNFINISHED_FILE: &str = "trust-root.json.init";
/// How long a signing key holds unless told otherwise, in milliseconds: three years, the longest
/// that NIST SP 800-57 part 1 table 1 advises for private signature keys.
pub(crate) const KEY_TTL_MS: i64 = 1_095 * 86_400_000;

/// What mesh to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewMesh<'a> {
    /// Where its files go.
    pub(crate) directory: &'a Path,
    /// The first part of every identity in it.
    pub(crate) trust_domain: &'a str,
    /// What its trust root says of itself.
    pub(crate) environment: Environment,
    /// Where its signing keys are made.
    pub(crate) store: &'a Store,
    /// The officer's PIN, when the store is a token that is still to be made.
    pub(crate) token_so_pin: Option<&'a Path>,
    /// How long its signing keys hold, in milliseconds.
    pub(crate) lifetime_ms: i64,
    /// What the root key is encrypted with.
    pub(crate) passphrase: Option<&'a Path>,
}

/// A mesh whose making has begun; [`Begun::finish`] ends it.
#[derive(Debug)]
pub(crate) struct Begun<'a> {
    mesh: NewMesh<'a>,
    unfinished: PathBuf,
}

impl<'a> Begun<'a> {
    /// Begins, or begins again; `others` are the files that the caller writes before the end.
    pub(crate) fn new(mesh: NewMesh<'a>, others: &[&str]) -> Result<Self, Failure> {
        SpiffeId::new(mesh.trust_domain, Role::Signer, "check").map_err(|error| {
            let domain = mesh.trust_domain;
            Failure::cannot(format_args!("{domain:?} cannot be a trust domain")).because(error)
        })?;
        let unfinished = mesh.directory.join(UNFINISHED_FILE);
        let mut never_overwritten = vec![TRUST_ROOT_FILE];
        if !unfinished.exists() {
            never_overwritten.extend([
                LEDGER_KEY_FILE,
                ROOT_KEY_FILE,
                POLICY_KEY_FILE,
                WITNESS_KEY_FILE,
            ]);
            never_overwritten.extend(others);
        }
        for file in never_overwritten {
            let path = mesh.directory.join(file);
            if path.exists() {
                return Err(Failure::cannot(format_args!("{} exists already", path.display()))
                    .because("new keys would make every signature of that mesh worthless")
                    .remedy("name another directory, or move the old one away yourself"));
            }
        }
        make_private(mesh.directory)?;
        write_public(&unfinished, b"")?;
        Ok(Self { mesh, unfinished })
    }

    /// Makes the keys, and last the trust root that names them and the mesh CA (DER).
    pub(crate) fn finish(self, mesh_ca: Vec<Vec<u8>>) -> Result<TrustRoot, Failure> {
        let Self { mesh, unfinished } = self;
        let at = now();
        let (ledger_pem, ledger) = files::fresh(Algorithm::Ed25519)?;
        files::write(&mesh.directory.join(LEDGER_KEY_FILE), &ledger_pem, None)?;
        let (witness_pem, witness) = files::fresh(Algorithm::Ed25519)?;
        files::write(&mesh.directory.join(WITNESS_KEY_FILE), &witness_pem, None)?;
        let (root_pem, root_key) = files::fresh(Algorithm::Ed25519)?;
        files::write(&mesh.directory.join(ROOT_KEY_FILE), &root_pem, mesh.passphrase)?;
        if let Some(so_pin) = mesh.token_so_pin {
            mesh.store.initialise(so_pin)?;
        }
        let mut signing_keys = Vec::new();
        for usage in KeyUse::SIGNER {
            signing_keys.push(KeyEntry {
                usage,
                public_key: mesh.store.make(usage)?.to_pem(),
                valid_from: at.plus_ms(-::keys::ca::BACKDATE_MS),
                valid_until: at.plus_ms(mesh.lifetime_ms),
                revoked: None,
            });
        }
        let (policy_pem, policy_key) = files::fresh(Algorithm::Ed25519)?;
        files::write(&mesh.directory.join(POLICY_KEY_FILE), &policy_pem, mesh.passphrase)?;
        signing_keys.push(KeyEntry {
            usage: KeyUse::Policy,
            public_key: policy_key.public_key().to_pem(),
            valid_from: at.plus_ms(-::keys::ca::BACKDATE_MS),
            valid_until: at.plus_ms(mesh.lifetime_ms),
            revoked: None,
        });
        let policy = policy::Policy::standard(at).seal(&policy_key).map_err(|error| {
            Failure::cannot("cannot sign the standard policy").caused_by(&error)
        })?;
        write_public(&mesh.directory.join(POLICY_FILE), &policy)?;
        let root = TrustRoot {
            schema: TRUST_ROOT_SCHEMA.to_owned(),
            version: 1,
            issued_at: at,
            trust_domain: mesh.trust_domain.to_owned(),
            environment: mesh.environment,
            mesh_ca,
            root_keys: vec![root_key.public_key().to_pem()],
            signing_keys,
            ledger_key: ledger_name(mesh.trust_domain, &ledger)?.to_string(),
            witnesses: vec![WitnessEntry {
                key: witness_name(mesh.trust_domain, &witness)?.to_string(),
                retired_at: None,
            }],
            witness_quorum: 1,
            revoked_identities: Vec::new(),
        };
        write_public(&unfinished, &sign(None, &root, &root_key, at, LedgerKey::Stays)?)?;
        let path = mesh.directory.join(TRUST_ROOT_FILE);
        std::fs::rename(&unfinished, &path).map_err(|error| {
            Failure::cannot(format_args!("cannot write {}", path.display())).because(error)
        })?;
        Ok(root)
    }
}

fn ledger_name(trust_domain: &str, key: &FileKey) -> Result<VerifierKey, Failure> {
    key.as_ed25519()
        .and_then(|key| {
            VerifierKey::new(&format!("{trust_domain}/ledger"), key.verifying_key()).ok()
        })
        .ok_or_else(|| Failure::cannot("cannot name the ledger's key"))
}

/// The public half of the mesh's own witness.
pub(crate) fn witness_name(trust_domain: &str, key: &FileKey) -> Result<CosignerKey, Failure> {
    let name = witness_key_name(trust_domain);
    key.as_ed25519()
        .and_then(|key| CosignerKey::new(&name, key.verifying_key()).ok())
        .ok_or_else(|| Failure::cannot("cannot name the witness's key"))
}

/// How the mesh's own witness signs.
pub(crate) fn witness_key_name(trust_domain: &str) -> String {
    format!("{trust_domain}/witness")
}

/// A time from the command line: `now`, or in UTC, with or without milliseconds.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    if text == "now" {
        return Ok(now());
    }
    let whole = text.strip_suffix('Z').map(|text| format!("{text}.000Z"));
    let parsed = text.parse().or_else(|_| whole.as_deref().unwrap_or(text).parse());
    parsed.map_err(|_: ids::ParseTimestampError| {
        format!("a time is 'now' or like 2027-01-31T08:00:00Z, in UTC; got {text:?}")
    })
}
