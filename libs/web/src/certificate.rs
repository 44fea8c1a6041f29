//! A server's certificate and key from files, exchanged when the files change.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use keys::{FileStamp, ReadSecretError, read_secret};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde::Deserialize;

use crate::pem::{PemError, certificates};

/// The longest chain file, in bytes.
const MAX_CHAIN_BYTES: u64 = 64 * 1024;
/// The longest chain.
const MAX_CHAIN: usize = 8;
/// The longest key file, in bytes.
const MAX_KEY_BYTES: usize = 16 * 1024;

/// The PEM files of a TLS server. Any key that rustls signs with will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub certificate: PathBuf,
    /// The leaf's private key, readable by its owner only.
    pub key: PathBuf,
}

/// Why the files make no TLS server.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The chain cannot be read.
    #[error("the certificate {path} cannot be used")]
    Chain {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The key cannot be read, or others may read it.
    #[error("the TLS key cannot be used")]
    Key(#[from] ReadSecretError),
    /// The key is none, or not the certificate's.
    #[error("{key} does not hold the private key of {certificate}")]
    Mismatch {
        /// The key file.
        key: PathBuf,
        /// The certificate file.
        certificate: PathBuf,
    },
}

impl CertificateError {
    fn chain(path: &Path, source: PemError) -> Self {
        Self::Chain { path: path.to_owned(), source: Box::new(source) }
    }
}

type Stamps = [Option<FileStamp>; 2];

/// The certificate in use.
#[derive(Debug)]
pub(crate) struct Presented {
    files: TlsFiles,
    current: ArcSwap<CertifiedKey>,
    seen: Mutex<Stamps>,
}

/// What one look at the files led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Unchanged,
    Reloaded,
    Refused,
}

fn load(files: &TlsFiles) -> Result<CertifiedKey, CertificateError> {
    let chain = certificates(&files.certificate, MAX_CHAIN_BYTES, MAX_CHAIN)
        .map_err(|source| CertificateError::chain(&files.certificate, source))?;
    let secret = read_secret(&files.key, MAX_KEY_BYTES)?;
    let mismatch = || CertificateError::Mismatch {
        key: files.key.clone(),
        certificate: files.certificate.clone(),
    };
    let key = PrivateKeyDer::from_pem_slice(secret.text.as_bytes()).map_err(|_| mismatch())?;
    let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|_| mismatch())?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| mismatch())?;
    Ok(certified)
}

impl Presented {
    pub(crate) fn load(files: &TlsFiles) -> Result<Arc<Self>, CertificateError> {
        let seen = Mutex::new(stamps(files));
        let current = ArcSwap::from_pointee(load(files)?);
        Ok(Arc::new(Self { files: files.clone(), current, seen }))
    }

    /// One look at the files; a pair that does not fit together (a renewal half-way) is tried again
    /// at the next change. Blocks for two small files.
    pub(crate) fn poll(&self) -> Polled {
        let stamps = stamps(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == stamps {
            return Polled::Unchanged;
        }
        *seen = stamps;
        match load(&self.files) {
            Ok(certified) => {
                self.current.store(Arc::new(certified));
                tracing::info!(certificate = %self.files.certificate.display(), "certificate reloaded");
                Polled::Reloaded
            }
            Err(error) => {
                tracing::warn!(%error, "the new certificate cannot be used, the old one stays");
                Polled::Refused
            }
        }
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    [FileStamp::of(&files.certificate).ok(), FileStamp::of(&files.key).ok()]
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// TLS 1.3 and 1.2, without client certificates.
pub(crate) fn server_config(presented: &Arc<Presented>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(presented) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
