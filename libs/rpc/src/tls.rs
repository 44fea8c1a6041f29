//! TLS 1.3 both ways: keys that never leave `keys`, and verifiers that read the current roots.

use std::sync::Arc;

use ids::SpiffeId;
use keys::{ChainError, FileKey, Identity, SigningKey as _};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    SignatureAlgorithm, SignatureScheme,
    client::{
        ResolvesClientCert, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::{CertifiedKey, Signer, SigningKey},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::{MeshIdentity, identity::now};

const ALPN_H2: &[u8] = b"h2";

/// Makes aws-lc-rs the process's default provider, for libraries that ask for one; this crate
/// names it itself. Harmless when called twice.
pub fn install_crypto() {
    let _ = aws_lc_rs::default_provider().install_default();
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A certificate's key as rustls wants it; signing stays in `keys`.
#[derive(Debug)]
struct TlsKey(Arc<FileKey>);

impl TlsKey {
    fn scheme(&self) -> SignatureScheme {
        match self.0.public_key().algorithm() {
            keys::Algorithm::Ed25519 => SignatureScheme::ED25519,
            keys::Algorithm::EcdsaP256Sha256 => SignatureScheme::ECDSA_NISTP256_SHA256,
        }
    }
}

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self.scheme();
        offered.contains(&scheme).then(|| Box::new(Self(Arc::clone(&self.0))) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.public_key().algorithm() {
            keys::Algorithm::Ed25519 => SignatureAlgorithm::ED25519,
            keys::Algorithm::EcdsaP256Sha256 => SignatureAlgorithm::ECDSA,
        }
    }
}

impl Signer for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign(message).map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        Self::scheme(self)
    }
}

pub(crate) fn certified_key(chain: &[Vec<u8>], key: &Arc<FileKey>) -> Arc<CertifiedKey> {
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    Arc::new(CertifiedKey::new(chain, Arc::new(TlsKey(Arc::clone(key)))))
}

/// Presents the current certificate, as server and as client.
#[derive(Debug)]
struct Presenter(Arc<MeshIdentity>);

impl ResolvesServerCert for Presenter {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().certified))
    }
}

impl ResolvesClientCert for Presenter {
    fn resolve(
        &self,
        _root_hints: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Why a peer's certificate is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerRefused {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("{found} is of another trust domain than {own}")]
    Foreign { found: SpiffeId, own: String },
    #[error("the server is {found}, expected {expected}")]
    WrongServer { found: SpiffeId, expected: SpiffeId },
}

impl From<PeerRefused> for Error {
    fn from(refused: PeerRefused) -> Self {
        let alert = match &refused {
            // The peer learns the usual cases from the TLS alert; the log here has the detail.
            PeerRefused::Chain(ChainError::Chain { reason, .. }) => match reason.as_str() {
                "CertExpired" => CertificateError::Expired,
                "CertNotValidYet" => CertificateError::NotValidYet,
                "UnknownIssuer" => CertificateError::UnknownIssuer,
                _ => CertificateError::Other(OtherError(Arc::new(refused))),
            },
            _ => CertificateError::Other(OtherError(Arc::new(refused))),
        };
        Self::InvalidCertificate(alert)
    }
}

/// Our own reason inside a failed handshake, when it was us who refused the peer.
pub(crate) fn refusal_in(error: &std::io::Error) -> Option<&PeerRefused> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    let Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else {
        return None;
    };
    inner.downcast_ref::<PeerRefused>()
}

/// Where a verifier finds the roots.
#[derive(Debug, Clone)]
pub(crate) enum Roots {
    /// The current ones of this process's identity.
    Mesh(Arc<MeshIdentity>),
    /// Fixed ones, for callers without an identity.
    Fixed(Arc<[Vec<u8>]>),
}

impl Roots {
    pub(crate) fn verify(&self, chain: &[Vec<u8>]) -> Result<Identity, ChainError> {
        match self {
            Self::Mesh(identity) => {
                keys::verify_chain(chain, identity.current().roots_der(), now())
            }
            Self::Fixed(roots) => keys::verify_chain(chain, roots, now()),
        }
    }

    fn verify_der(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
    ) -> Result<Identity, ChainError> {
        let chain: Vec<Vec<u8>> =
            std::iter::once(leaf).chain(rest).map(|der| der.as_ref().to_vec()).collect();
        self.verify(&chain)
    }
}

/// Checks a client of our listener: a mesh identity of our own trust domain.
pub(crate) fn verify_client(
    identity: &MeshIdentity,
    chain: &[Vec<u8>],
) -> Result<Identity, PeerRefused> {
    let peer = keys::verify_chain(chain, identity.current().roots_der(), now())?;
    let own = identity.spiffe_id().trust_domain();
    if peer.spiffe_id().trust_domain() == own {
        Ok(peer)
    } else {
        Err(PeerRefused::Foreign { found: peer.spiffe_id().clone(), own: own.to_owned() })
    }
}

macro_rules! tls13_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _certificate: &CertificateDer<'_>,
            _signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("TLS 1.2 is not offered".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signed, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
        }
    };
}

#[derive(Debug)]
struct MeshClients {
    identity: Arc<MeshIdentity>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for MeshClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<Vec<u8>> =
            std::iter::once(leaf).chain(rest).map(|der| der.as_ref().to_vec()).collect();
        verify_client(&self.identity, &chain)?;
        Ok(ClientCertVerified::assertion())
    }

    tls13_signatures!();
}

/// Accepts exactly one server id, whatever its DNS names.
#[derive(Debug)]
struct ExactServer {
    roots: Roots,
    expected: SpiffeId,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ExactServer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = self.roots.verify_der(leaf, rest).map_err(PeerRefused::Chain)?;
        if *found.spiffe_id() == self.expected {
            return Ok(ServerCertVerified::assertion());
        }
        let (found, expected) = (found.spiffe_id().clone(), self.expected.clone());
        Err(PeerRefused::WrongServer { found, expected }.into())
    }

    tls13_signatures!();
}

/// The server side; `public` asks for no client certificate.
pub(crate) fn server_config(
    identity: &Arc<MeshIdentity>,
    public: bool,
) -> Result<rustls::ServerConfig, Error> {
    let provider = provider();
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = if public {
        builder.with_no_client_auth()
    } else {
        let identity = Arc::clone(identity);
        builder.with_client_cert_verifier(Arc::new(MeshClients { identity, provider }))
    };
    let mut config = builder.with_cert_resolver(Arc::new(Presenter(Arc::clone(identity))));
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    // Every connection shows its certificate anew: no tickets, no stored sessions.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// The client side; without an identity no certificate is presented.
pub(crate) fn client_config(
    roots: Roots,
    expected: SpiffeId,
) -> Result<rustls::ClientConfig, Error> {
    let provider = provider();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ExactServer {
            roots: roots.clone(),
            expected,
            provider,
        }));
    let mut config = match roots {
        Roots::Mesh(identity) => builder.with_client_cert_resolver(Arc::new(Presenter(identity))),
        Roots::Fixed(_) => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}
