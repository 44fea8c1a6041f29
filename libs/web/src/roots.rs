//! Whom a client believes: the certificates of a PEM file, read again when the file changes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use keys::FileStamp;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::pem::{PemError, certificates};

/// The longest file of roots, in bytes: whole bundles of systems are a quarter of that.
const MAX_ROOTS_BYTES: u64 = 1024 * 1024;
/// The most roots that a file may hold.
const MAX_ROOTS: usize = 1_024;

/// Why a file of roots cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be used as the CA of a web server: name a PEM file with its certificates")]
pub struct RootsError {
    path: PathBuf,
    #[source]
    source: RootsCause,
}

#[derive(Debug, thiserror::Error)]
enum RootsCause {
    #[error(transparent)]
    Pem(#[from] PemError),
    #[error("no certificate in it is a CA certificate")]
    NoCertificate,
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

#[derive(Debug, Clone)]
struct Loaded {
    stamp: Option<FileStamp>,
    tls: Arc<ClientConfig>,
}

/// The roots of a file.
#[derive(Debug)]
pub(crate) struct Roots {
    path: PathBuf,
    loaded: Mutex<Loaded>,
}

fn load(path: &Path) -> Result<Arc<ClientConfig>, RootsCause> {
    let mut store = RootCertStore::empty();
    // The bundles of systems have some that nobody can use; they are no reason to believe nobody.
    let (taken, left) =
        store.add_parsable_certificates(certificates(path, MAX_ROOTS_BYTES, MAX_ROOTS)?);
    if taken == 0 {
        return Err(RootsCause::NoCertificate);
    }
    if left > 0 {
        tracing::warn!(path = %path.display(), left, "certificates that cannot be used were left out");
    }
    let mut tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}

impl Roots {
    pub(crate) fn read(path: &Path) -> Result<Self, RootsError> {
        // The stamp first: a change between the two is seen later, not missed.
        let stamp = FileStamp::of(path).ok();
        let tls = load(path).map_err(|source| RootsError { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), loaded: Mutex::new(Loaded { stamp, tls }) })
    }

    /// TLS with the roots that the file holds now; with those of before while it cannot be used.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        let stamp = FileStamp::of(&self.path).ok();
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.stamp != stamp {
            match load(&self.path) {
                Ok(tls) => loaded.tls = tls,
                Err(error) => {
                    let path = self.path.display();
                    tracing::warn!(%path, %error, "the new roots cannot be used, the old ones stay");
                }
            }
            loaded.stamp = stamp;
        }
        Arc::clone(&loaded.tls)
    }
}
