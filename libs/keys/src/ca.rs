//! The mesh CA: makes the root and the short-lived role certificates (rcgen, ECDSA P-256).

use ids::{SpiffeId, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// How far before `now` a certificate begins, in milliseconds: clocks of a mesh differ.
pub const BACKDATE_MS: i64 = 60_000;

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The generator refused.
    #[error("cannot make the certificate: {0}")]
    Generate(#[from] rcgen::Error),
    /// A name that no certificate can hold.
    #[error("{0:?} is not a DNS name or address that a certificate can hold")]
    Name(String),
}

/// A certificate with its private key.
#[derive(Debug)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
    /// The private key, PKCS#8 PEM.
    pub key_pem: Zeroizing<String>,
}

/// What one leaf certificate says.
#[derive(Debug, Clone)]
pub struct LeafRequest<'a> {
    /// Whom it names.
    pub spiffe_id: &'a SpiffeId,
    /// DNS names and IP addresses for stock TLS clients; ours check the SPIFFE id.
    pub names: &'a [String],
    /// The instant of issue.
    pub now: Timestamp,
    /// How long it holds, in milliseconds.
    pub ttl_ms: i64,
    /// Twenty random bytes for the serial number.
    pub serial: [u8; 20],
}

fn instant(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.unix_ms() / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn serial(mut bytes: [u8; 20]) -> SerialNumber {
    // RFC 5280 section 4.1.2.2: positive, at most 20 octets.
    bytes[0] &= 0x7f;
    bytes[0] |= 0x40;
    SerialNumber::from(bytes.to_vec())
}

/// Makes a new root for `trust_domain`; `serial` is random.
///
/// # Errors
/// When the generator refuses.
pub fn create_root(
    trust_domain: &str,
    now: Timestamp,
    ttl_ms: i64,
    serial_bytes: [u8; 20],
) -> Result<Issued, IssueError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("{trust_domain} mesh CA"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = instant(now.plus_ms(-BACKDATE_MS));
    params.not_after = instant(now.plus_ms(ttl_ms));
    params.serial_number = Some(serial(serial_bytes));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    Ok(Issued {
        certificate_pem: certificate.pem(),
        certificate_der: certificate.der().to_vec(),
        key_pem: Zeroizing::new(key.serialize_pem()),
    })
}

/// A loaded root that issues leaf certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Loads the root from its PEM certificate and key.
    ///
    /// # Errors
    /// When either is not usable.
    pub fn load(certificate_pem: &str, key_pem: &str) -> Result<Self, IssueError> {
        let key = KeyPair::from_pem(key_pem)?;
        Ok(Self { issuer: Issuer::from_ca_cert_pem(certificate_pem, key)? })
    }

    /// Issues a leaf with a fresh P-256 key.
    ///
    /// # Errors
    /// When a name cannot be held or the generator refuses.
    pub fn issue(&self, request: &LeafRequest<'_>) -> Result<Issued, IssueError> {
        let mut params = CertificateParams::default();
        let id = request.spiffe_id;
        params.distinguished_name.push(DnType::CommonName, format!("{}/{}", id.role(), id.name()));
        let uri = id.to_string();
        params.subject_alt_names.push(SanType::URI(
            uri.as_str().try_into().map_err(|_| IssueError::Name(uri.clone()))?,
        ));
        for name in request.names {
            params.subject_alt_names.push(match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(
                    name.as_str().try_into().map_err(|_| IssueError::Name(name.clone()))?,
                ),
            });
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = instant(request.now.plus_ms(-BACKDATE_MS));
        params.not_after = instant(request.now.plus_ms(request.ttl_ms));
        params.serial_number = Some(serial(request.serial));
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }
}
