//! Certificates from PEM files, with bounds.

use std::{io::Read as _, path::Path};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};

/// Why a file holds no certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PemError {
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
    #[error("it does not hold 1 to {0} PEM certificates")]
    Count(usize),
}

/// The 1 to `limit` certificates in the file at `path`, which has at most `max_bytes`.
pub(crate) fn certificates(
    path: &Path,
    max_bytes: u64,
    limit: usize,
) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let mut pem = Vec::new();
    let file = std::fs::File::open(path).map_err(PemError::Read)?;
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut pem).map_err(PemError::Read)?;
    if pem.len() as u64 > max_bytes {
        return Err(PemError::TooLong(max_bytes));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).take(limit + 1).collect();
    match found {
        Ok(found) if (1..=limit).contains(&found.len()) => Ok(found),
        _ => Err(PemError::Count(limit)),
    }
}
