//! The connection profile: where a mesh is, whom to expect there, and who the user is.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use ids::SpiffeId;
use serde::{Deserialize, Serialize};

/// The value of `schema`.
pub const PROFILE_SCHEMA: &str = "aibom.mesh.v1";
/// The longest profile that is read, in bytes.
pub const MAX_PROFILE_BYTES: u64 = 64 * 1024;

/// Where one service answers, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Endpoint {
    /// `https://host:port`.
    pub url: String,
    /// Who must answer there, exactly.
    pub spiffe_id: SpiffeId,
}

/// Somebody's three PEM files; relative paths begin at the profile's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct IdentityPaths {
    /// The certificate chain, leaf first.
    pub certificate: PathBuf,
    /// The private key, PKCS#8, mode 0600.
    pub key: PathBuf,
    /// The mesh CA.
    pub ca: PathBuf,
}

/// The services that users talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Services {
    /// Jobs and artifacts.
    pub scheduler: Endpoint,
    /// Verification as a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<Endpoint>,
    /// The transparency log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Endpoint>,
    /// The trust root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Endpoint>,
}

/// A connection profile (`mesh.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Profile {
    /// Always [`PROFILE_SCHEMA`].
    pub schema: String,
    /// The mesh's trust domain.
    pub trust_domain: String,
    /// Who the user is.
    pub identity: IdentityPaths,
    /// Who releases held jobs, when that is another identity of whoever uses this profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<IdentityPaths>,
    /// What verification pins; relative paths begin at the profile's directory.
    pub trust_root: PathBuf,
    /// Where the services are.
    pub services: Services,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read the mesh profile {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is longer than the bound.
    #[error("the mesh profile {path} is longer than {MAX_PROFILE_BYTES} bytes")]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// The file is not a profile.
    #[error("{path} is not a mesh profile")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Another schema.
    #[error("{path} has the schema {schema:?}, this program reads {PROFILE_SCHEMA:?}")]
    Schema {
        /// Which file.
        path: PathBuf,
        /// What it says.
        schema: String,
    },
}

impl Profile {
    /// Reads the profile at `path` and makes its paths relative to the working directory.
    ///
    /// # Errors
    /// When the file is missing, too long, or not a profile.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let read = |source| ProfileError::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(read)?;
        file.take(MAX_PROFILE_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > MAX_PROFILE_BYTES {
            return Err(ProfileError::TooLong { path: path.to_owned() });
        }
        let parse = |source| ProfileError::Parse { path: path.to_owned(), source };
        let mut profile: Self = serde_json::from_slice(&bytes).map_err(parse)?;
        if profile.schema != PROFILE_SCHEMA {
            let schema = profile.schema.chars().take(64).collect();
            return Err(ProfileError::Schema { path: path.to_owned(), schema });
        }
        let directory = path.parent().unwrap_or_else(|| Path::new(""));
        // An absolute path stays as it is.
        let locate = |file: &mut PathBuf| *file = directory.join(&*file);
        for identity in std::iter::once(&mut profile.identity).chain(&mut profile.approver) {
            locate(&mut identity.certificate);
            locate(&mut identity.key);
            locate(&mut identity.ca);
        }
        locate(&mut profile.trust_root);
        Ok(profile)
    }

    /// The profile's bytes, for people to read.
    ///
    /// # Errors
    /// When a path is not UTF-8.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
