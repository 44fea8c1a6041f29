//! Mesh certificates: one exact SPIFFE id each, and chains checked at a given instant.

use ids::{SpiffeId, SpiffeIdError, Timestamp};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate};

use crate::{PublicKey, PublicKeyError};

/// The longest certificate that is parsed, in bytes.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;
/// The longest chain that is followed below the root, in certificates.
pub const MAX_CHAIN: usize = 4;

/// Why a certificate is not a mesh identity (SPIFFE X.509-SVID, section 4 and 5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not an X.509 certificate, or longer than the bound.
    #[error("not an X.509 certificate of at most {MAX_CERTIFICATE_BYTES} bytes")]
    Malformed,
    /// Not exactly one URI subject alternative name.
    #[error("the certificate has {0} URI names, a mesh identity has exactly one")]
    UriCount(usize),
    /// The URI is not one of our SPIFFE ids.
    #[error("the certificate's URI is not a mesh identity: {0}")]
    SpiffeId(#[from] SpiffeIdError),
    /// A CA certificate, or one that may sign certificates, cannot be a leaf identity.
    #[error("the certificate may sign other certificates, a mesh identity may not")]
    MaySign,
    /// The key is of a kind that we do not take.
    #[error("the certificate's key is {0}")]
    Key(#[from] PublicKeyError),
}

/// Why a chain does not lead to a trusted root at the given instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The leaf is not a mesh identity.
    #[error(transparent)]
    Leaf(#[from] CertificateError),
    /// No leaf, or more certificates than the bound.
    #[error("a chain has 1 to {MAX_CHAIN} certificates, got {0}")]
    Length(usize),
    /// A trusted root is itself unusable.
    #[error("a trusted root is not a usable certificate")]
    Root,
    /// The chain does not hold.
    #[error("the certificate chain does not hold at {at}: {reason}")]
    Chain {
        /// The instant of the check.
        at: Timestamp,
        /// What the path check said.
        reason: String,
    },
}

/// A leaf certificate of the mesh, parsed but not yet trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    spiffe_id: SpiffeId,
    public_key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Certificate {
    /// Parses a leaf.
    ///
    /// # Errors
    /// When the bytes are not a certificate with exactly one mesh identity.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::Malformed);
        }
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let mut uris = Vec::new();
        let mut may_sign = parsed.is_ca();
        for extension in parsed.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    uris.extend(names.general_names.iter().filter_map(|name| match name {
                        GeneralName::URI(uri) => Some((*uri).to_owned()),
                        _ => None,
                    }));
                }
                ParsedExtension::KeyUsage(usage) => {
                    may_sign |= usage.key_cert_sign() || usage.crl_sign();
                }
                _ => {}
            }
        }
        let [uri] = uris.as_slice() else {
            return Err(CertificateError::UriCount(uris.len()));
        };
        if may_sign {
            return Err(CertificateError::MaySign);
        }
        let instant = |seconds: i64| Timestamp::from_unix_ms(seconds.saturating_mul(1000));
        Ok(Self {
            spiffe_id: uri.parse()?,
            public_key: PublicKey::from_spki_der(parsed.public_key().raw)?,
            not_before: instant(parsed.validity().not_before.timestamp()),
            not_after: instant(parsed.validity().not_after.timestamp()),
            der: der.to_vec(),
        })
    }

    /// Whom the certificate names.
    #[must_use]
    pub const fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }

    /// The certified key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The first instant of its validity.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last instant of its validity.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

/// An identity whose chain was checked: only [`verify_chain`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    certificate: Certificate,
}

impl Identity {
    /// Who it is.
    #[must_use]
    pub const fn spiffe_id(&self) -> &SpiffeId {
        &self.certificate.spiffe_id
    }

    /// The certified key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.certificate.public_key
    }

    /// The leaf certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// Checks that `chain` (leaf first) leads to one of `roots` (DER) at the instant `at`.
///
/// # Errors
/// When the leaf is no mesh identity, or the path does not hold then (RFC 5280 section 6).
pub fn verify_chain(
    chain: &[Vec<u8>],
    roots: &[Vec<u8>],
    at: Timestamp,
) -> Result<Identity, ChainError> {
    let [leaf, intermediates @ ..] = chain else {
        return Err(ChainError::Length(0));
    };
    if chain.len() > MAX_CHAIN {
        return Err(ChainError::Length(chain.len()));
    }
    let certificate = Certificate::parse(leaf)?;
    let root_ders: Vec<CertificateDer<'_>> =
        roots.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors: Vec<TrustAnchor<'_>> = root_ders
        .iter()
        .map(|der| webpki::anchor_from_trusted_cert(der).map_err(|_| ChainError::Root))
        .collect::<Result<_, _>>()?;
    let intermediates: Vec<CertificateDer<'_>> =
        intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let refused = |e: webpki::Error| ChainError::Chain { at, reason: e.to_string() };
    let leaf_der = CertificateDer::from(leaf.as_slice());
    let end_entity = webpki::EndEntityCert::try_from(&leaf_der).map_err(refused)?;
    let seconds = u64::try_from(at.unix_ms() / 1000).unwrap_or(0);
    end_entity
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &intermediates,
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
            webpki::KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(refused)?;
    Ok(Identity { certificate })
}

/// Whether `chain` carries a certificate that its path does not need. Path checks pass over such
/// certificates; in a signed document they would be bytes that no check covers.
#[must_use]
pub fn carries_idle(chain: &[Vec<u8>], roots: &[Vec<u8>], at: Timestamp) -> bool {
    (1..chain.len().min(MAX_CHAIN.saturating_add(1))).any(|left_out| {
        let mut shorter = chain.to_vec();
        shorter.remove(left_out);
        verify_chain(&shorter, roots, at).is_ok()
    })
}
