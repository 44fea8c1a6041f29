//! Who this process is: certificate, key and roots from files, as one set that fits together.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use arc_swap::ArcSwap;
use ids::{SpiffeId, Timestamp};
use keys::{FileKey, Identity, SigningKey as _};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde::Deserialize;

use crate::reload::Reloads;

/// The largest certificate or CA file that is read, in bytes.
const MAX_PEM_BYTES: u64 = 256 * 1024;
/// How many roots a CA file may hold: two during a rotation, a few for partners.
const MAX_ROOTS: usize = 16;

/// The three PEM files of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityFiles {
    /// The certificate chain, leaf first.
    pub certificate: PathBuf,
    /// The leaf's private key, PKCS#8, readable by its owner only.
    pub key: PathBuf,
    /// The roots that peers must lead to.
    pub ca: PathBuf,
}

/// Why files do not make an identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file holds no certificate, too many, or damaged PEM.
    #[error("{path} does not hold 1 to {limit} PEM certificates")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// The most that it may hold.
        limit: usize,
    },
    /// The key file is unusable or open to others.
    #[error(transparent)]
    Key(#[from] keys::LoadKeyError),
    /// The key is not the certificate's.
    #[error("the key {key} is not the key of the certificate {certificate}")]
    Mismatch {
        /// The key file.
        key: PathBuf,
        /// The certificate file.
        certificate: PathBuf,
    },
    /// The certificate is no mesh identity now, or does not lead to the roots.
    #[error("the certificate {certificate} does not hold under {ca}")]
    Chain {
        /// The certificate file.
        certificate: PathBuf,
        /// The CA file.
        ca: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<keys::ChainError>,
    },
    /// A reload brought another identity.
    #[error("{certificate} now names {new}, this process runs as {old}: restart it")]
    Renamed {
        /// The certificate file.
        certificate: PathBuf,
        /// Who the process is.
        old: Box<SpiffeId>,
        /// Whom the new certificate names.
        new: Box<SpiffeId>,
    },
}

/// One consistent set of certificate chain, key and roots.
#[derive(Debug)]
pub struct Credentials {
    chain: Vec<Vec<u8>>,
    identity: Identity,
    key: Arc<FileKey>,
    roots: Vec<Vec<u8>>,
    pub(crate) certified: Arc<rustls::sign::CertifiedKey>,
    pub(crate) generation: u64,
}

impl Credentials {
    /// The certificate chain, leaf first, DER.
    #[must_use]
    pub fn certificate_chain_der(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The leaf's private key, for signing evidence as this identity.
    #[must_use]
    pub const fn signing_key(&self) -> &Arc<FileKey> {
        &self.key
    }

    /// The roots, DER.
    #[must_use]
    pub fn roots_der(&self) -> &[Vec<u8>] {
        &self.roots
    }

    /// The leaf's last valid instant.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.identity.certificate().not_after()
    }

    fn load(files: &IdentityFiles, at: Timestamp) -> Result<Self, IdentityError> {
        let mut chain = certificates(&files.certificate, keys_max_chain())?;
        let roots = certificates(&files.ca, MAX_ROOTS)?;
        // A full chain often ends in the root; what is pinned anyway is not sent or signed along.
        chain.retain(|certificate| !roots.contains(certificate));
        let key = Arc::new(FileKey::load(&files.key)?);
        let identity = keys::verify_chain(&chain, &roots, at).map_err(|source| {
            let (certificate, ca) = (files.certificate.clone(), files.ca.clone());
            IdentityError::Chain { certificate, ca, source: Box::new(source) }
        })?;
        if identity.public_key() != key.public_key() {
            let (key, certificate) = (files.key.clone(), files.certificate.clone());
            return Err(IdentityError::Mismatch { key, certificate });
        }
        let certified = crate::tls::certified_key(&chain, &key);
        Ok(Self { chain, identity, key, roots, certified, generation: 0 })
    }
}

const fn keys_max_chain() -> usize {
    4
}

fn certificates(path: &Path, limit: usize) -> Result<Vec<Vec<u8>>, IdentityError> {
    let read = |source| IdentityError::Read { path: path.to_owned(), source };
    let mut pem = Vec::new();
    let file = std::fs::File::open(path).map_err(read)?;
    file.take(MAX_PEM_BYTES).read_to_end(&mut pem).map_err(read)?;
    let bad = || IdentityError::Pem { path: path.to_owned(), limit };
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        if found.len() == limit {
            return Err(bad());
        }
        found.push(certificate.map_err(|_| bad())?.to_vec());
    }
    if found.is_empty() { Err(bad()) } else { Ok(found) }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

/// This process's identity; reloads swap the whole set at once.
#[derive(Debug)]
pub struct MeshIdentity {
    files: IdentityFiles,
    spiffe_id: SpiffeId,
    current: ArcSwap<Credentials>,
    pub(crate) reloads: Reloads,
}

impl MeshIdentity {
    /// Reads the files and checks that they fit together now.
    ///
    /// # Errors
    /// When a file is missing, damaged or too open, or the three do not fit together.
    pub fn load(files: &IdentityFiles) -> Result<Arc<Self>, IdentityError> {
        let reloads = Reloads::new(files);
        let credentials = Credentials::load(files, now())?;
        Ok(Arc::new(Self {
            files: files.clone(),
            spiffe_id: credentials.identity.spiffe_id().clone(),
            current: ArcSwap::from_pointee(credentials),
            reloads,
        }))
    }

    /// The set in use now; take it once where certificate and key must belong together.
    #[must_use]
    pub fn current(&self) -> Arc<Credentials> {
        self.current.load_full()
    }

    /// Who this process is.
    #[must_use]
    pub const fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }

    /// The certificate chain in use, leaf first, DER.
    #[must_use]
    pub fn certificate_chain_der(&self) -> Vec<Vec<u8>> {
        self.current.load().chain.clone()
    }

    /// The leaf's private key.
    #[must_use]
    pub fn signing_key(&self) -> Arc<FileKey> {
        Arc::clone(&self.current.load().key)
    }

    /// The roots in use, DER.
    #[must_use]
    pub fn roots_der(&self) -> Vec<Vec<u8>> {
        self.current.load().roots.clone()
    }

    /// The leaf's last valid instant.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.current.load().not_after()
    }

    /// The files that the identity comes from.
    #[must_use]
    pub const fn files(&self) -> &IdentityFiles {
        &self.files
    }

    /// Reads the files again and swaps the whole set when they fit together; keeps the old set
    /// otherwise. Blocks for three small files.
    ///
    /// # Errors
    /// When the new files do not make an identity, or make another one.
    pub fn reload_now(&self) -> Result<(), IdentityError> {
        let mut new = Credentials::load(&self.files, now())?;
        if *new.identity.spiffe_id() != self.spiffe_id {
            return Err(IdentityError::Renamed {
                certificate: self.files.certificate.clone(),
                old: Box::new(self.spiffe_id.clone()),
                new: Box::new(new.identity.spiffe_id().clone()),
            });
        }
        new.generation = self.current.load().generation + 1;
        self.current.store(Arc::new(new));
        Ok(())
    }
}
