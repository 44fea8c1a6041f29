//! Certificates of people who sign models: any X.509 chain for code signing, checked at an instant.
//!
//! Nothing here is a mesh identity; those are in `certificate.rs`.

use ids::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject as _};
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate};

use crate::{MAX_CERTIFICATE_BYTES, PublicKey, PublicKeyError};

/// The longest chain of a code-signing certificate, in certificates, its root included.
pub const MAX_CODE_SIGNING_CHAIN: usize = 8;
/// The most roots that are taken at once, in certificates.
pub const MAX_ROOTS: usize = 64;

/// `id-kp-codeSigning` (RFC 5280 section 4.2.1.12), the body of its DER form.
const EKU_CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];

/// Why a certificate chain does not vouch for a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeSigningError {
    /// Not an X.509 certificate, or longer than the bound.
    #[error("not an X.509 certificate of at most {MAX_CERTIFICATE_BYTES} bytes")]
    Malformed,
    /// No certificate, or more than the bound.
    #[error("{got} certificates, expected 1 to {limit}")]
    Count {
        /// How many there are.
        got: usize,
        /// The bound.
        limit: usize,
    },
    /// The key is of a kind that we do not take.
    #[error("the certificate's key is {0}")]
    Key(#[from] PublicKeyError),
    /// The certificate is for something else.
    #[error(
        "the certificate of {subject} is not for signing: neither its key usage has \
         digitalSignature nor its extended key usage codeSigning"
    )]
    Usage {
        /// Whose certificate.
        subject: String,
    },
    /// Not valid at that time; a check that only asked the key would not notice.
    #[error("the certificate of {subject} is valid from {from} to {to}, not at {at}")]
    Time {
        /// Whose certificate.
        subject: String,
        /// First instant of its validity.
        from: Timestamp,
        /// Last instant of its validity.
        to: Timestamp,
        /// The instant of the check.
        at: Timestamp,
    },
    /// The path to a root does not hold.
    #[error("the certificate chain does not lead to a trusted root at {at}: {reason}")]
    Chain {
        /// The instant of the check.
        at: Timestamp,
        /// What the path check said.
        reason: String,
    },
}

/// A signer's certificate, parsed; [`verify_code_signing_chain`] says whether to trust it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSigner {
    public_key: PublicKey,
    subject: String,
    names: Vec<String>,
    from: Timestamp,
    to: Timestamp,
    may_sign: bool,
}

impl CodeSigner {
    /// Parses a certificate (DER).
    ///
    /// # Errors
    /// When it is no certificate, or its key is neither Ed25519 nor P-256.
    pub fn parse(der: &[u8]) -> Result<Self, CodeSigningError> {
        let certificate = parse(der)?;
        let mut names = Vec::new();
        let mut may_sign = false;
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(found) => {
                    names.extend(found.general_names.iter().filter_map(|name| match name {
                        GeneralName::URI(name)
                        | GeneralName::RFC822Name(name)
                        | GeneralName::DNSName(name) => Some((*name).to_owned()),
                        _ => None,
                    }));
                }
                ParsedExtension::KeyUsage(usage) => may_sign |= usage.digital_signature(),
                ParsedExtension::ExtendedKeyUsage(usage) => may_sign |= usage.code_signing,
                _ => {}
            }
        }
        let subject = certificate.subject();
        let common = subject.iter_common_name().filter_map(|name| name.as_str().ok());
        names.extend(common.map(ToOwned::to_owned));
        let (from, to) = validity(&certificate);
        Ok(Self {
            public_key: PublicKey::from_spki_der(certificate.public_key().raw)?,
            subject: subject.to_string(),
            names,
            from,
            to,
            may_sign,
        })
    }

    /// The certified key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The certificate's subject, for people.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whom the certificate names: URIs, e-mail addresses, DNS names, and the common name.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the certificate may sign at `at`; says nothing about who issued it.
    ///
    /// # Errors
    /// [`CodeSigningError::Usage`] and [`CodeSigningError::Time`].
    pub fn check(&self, at: Timestamp) -> Result<(), CodeSigningError> {
        if !self.may_sign {
            return Err(CodeSigningError::Usage { subject: self.subject.clone() });
        }
        in_time(&self.subject, (self.from, self.to), at)
    }
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CodeSigningError> {
    if der.len() > MAX_CERTIFICATE_BYTES {
        return Err(CodeSigningError::Malformed);
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(CodeSigningError::Malformed),
    }
}

fn validity(certificate: &X509Certificate<'_>) -> (Timestamp, Timestamp) {
    let instant = |seconds: i64| Timestamp::from_unix_ms(seconds.saturating_mul(1000));
    let validity = certificate.validity();
    (instant(validity.not_before.timestamp()), instant(validity.not_after.timestamp()))
}

fn in_time(
    subject: &str,
    (from, to): (Timestamp, Timestamp),
    at: Timestamp,
) -> Result<(), CodeSigningError> {
    if (from..=to).contains(&at) {
        return Ok(());
    }
    Err(CodeSigningError::Time { subject: subject.to_owned(), from, to, at })
}

/// The certificates of a PEM text, as DER; at least one and at most `limit`.
///
/// # Errors
/// When there are none or too many, or one does not parse.
pub fn certificates_from_pem(pem: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, CodeSigningError> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem).take(limit.saturating_add(1)) {
        let der = certificate.map_err(|_| CodeSigningError::Malformed)?.to_vec();
        parse(&der)?;
        found.push(der);
    }
    if found.is_empty() || found.len() > limit {
        return Err(CodeSigningError::Count { got: found.len(), limit });
    }
    Ok(found)
}

/// Checks that `chain` (the signer's certificate first) leads to one of `roots` (DER) and that
/// every certificate on the way, the root too, is valid at the instant `at` (RFC 5280 section 6).
///
/// The signer's certificate must be for signing: `digitalSignature` or `codeSigning`, and an
/// extended key usage must name `codeSigning` where there is one.
///
/// # Errors
/// When it does not.
pub fn verify_code_signing_chain(
    chain: &[Vec<u8>],
    roots: &[Vec<u8>],
    at: Timestamp,
) -> Result<CodeSigner, CodeSigningError> {
    let count = |got, limit| CodeSigningError::Count { got, limit };
    let [leaf, others @ ..] = chain else {
        return Err(count(0, MAX_CODE_SIGNING_CHAIN));
    };
    if chain.len() > MAX_CODE_SIGNING_CHAIN {
        return Err(count(chain.len(), MAX_CODE_SIGNING_CHAIN));
    }
    if roots.is_empty() || roots.len() > MAX_ROOTS {
        return Err(count(roots.len(), MAX_ROOTS));
    }
    let signer = CodeSigner::parse(leaf)?;
    signer.check(at)?;
    let ders: Vec<CertificateDer<'_>> = usable_roots(roots, at)?;
    let refused = |error: webpki::Error| CodeSigningError::Chain { at, reason: error.to_string() };
    let anchors: Vec<TrustAnchor<'_>> = ders
        .iter()
        .map(|der| webpki::anchor_from_trusted_cert(der).map_err(refused))
        .collect::<Result<_, _>>()?;
    let others: Vec<CertificateDer<'_>> =
        others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let leaf = CertificateDer::from(leaf.as_slice());
    let seconds = u64::try_from(at.unix_ms() / 1000).unwrap_or(0);
    webpki::EndEntityCert::try_from(&leaf)
        .map_err(refused)?
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &others,
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
            webpki::KeyUsage::required_if_present(EKU_CODE_SIGNING),
            None,
            None,
        )
        .map_err(refused)?;
    Ok(signer)
}

/// The roots that are valid at `at`: the path check does not look at a root's own dates.
fn usable_roots(
    roots: &[Vec<u8>],
    at: Timestamp,
) -> Result<Vec<CertificateDer<'_>>, CodeSigningError> {
    let mut usable = Vec::new();
    let mut problem = CodeSigningError::Malformed;
    for der in roots {
        let root = parse(der)?;
        match in_time(&root.subject().to_string(), validity(&root), at) {
            Ok(()) => usable.push(CertificateDer::from(der.as_slice())),
            Err(error) => problem = error,
        }
    }
    if usable.is_empty() { Err(problem) } else { Ok(usable) }
}

#[cfg(test)]
mod tests;
