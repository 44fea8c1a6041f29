//! A client that follows no rule: any certificate, any path, any bytes.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::Code;

pub(super) const STAT: &str = "/aibom.artifact.v1.ArtifactService/Stat";

#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _rest: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A chain (leaf first, DER) and the key (PEM) that signs the handshake.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key_pem: String,
}

impl Shown {
    pub(super) fn new(issued: &keys::ca::Issued) -> Self {
        let chain = vec![issued.certificate_der.clone()];
        Self { chain, key_pem: issued.key_pem.to_string() }
    }
}

#[derive(Debug)]
struct Present(Arc<rustls::sign::CertifiedKey>);

impl rustls::client::ResolvesClientCert for Present {
    fn resolve(
        &self,
        _hints: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

pub(super) async fn tls(
    address: SocketAddr,
    shown: Option<&Shown>,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer));
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let key = PrivateKeyDer::from_pem_slice(shown.key_pem.as_bytes()).unwrap();
            let key = provider.key_provider.load_private_key(key).unwrap();
            let chain = shown.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
            let certified = rustls::sign::CertifiedKey::new(chain, key);
            builder.with_client_cert_resolver(Arc::new(Present(Arc::new(certified))))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// An HTTP/2 connection over whatever the server lets us open.
#[derive(Clone)]
pub(super) struct Raw {
    sender: SendRequest<Full<Bytes>>,
}

/// What came back for one request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) http: u16,
    pub(super) code: Option<Code>,
    pub(super) headers: HeaderMap,
}

impl Answer {
    /// The reason in the status details, found as text.
    pub(super) fn status(&self) -> tonic::Status {
        tonic::Status::from_header_map(&self.headers).unwrap()
    }
}

/// A gRPC message of these bytes with its prefix.
pub(super) fn message(bytes: &[u8]) -> Vec<u8> {
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    framed.extend_from_slice(bytes);
    framed
}

impl Raw {
    pub(super) async fn connect(
        address: SocketAddr,
        shown: Option<&Shown>,
    ) -> Result<Self, String> {
        let tls = tls(address, shown, &rustls::version::TLS13).await.map_err(|e| e.to_string())?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls))
            .await
            .map_err(|e| crate::status::chain(&e))?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("content-type", kind)
            .header("te", "trailers")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let mut sender = self.sender.clone();
        let response = sender.send_request(request).await.map_err(|e| crate::status::chain(&e))?;
        let http = response.status().as_u16();
        let mut headers = response.headers().clone();
        let collected =
            response.into_body().collect().await.map_err(|e| crate::status::chain(&e))?;
        headers.extend(collected.trailers().cloned().unwrap_or_default());
        let code = headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
        Ok(Answer { http, code, headers })
    }

    /// One gRPC call with an empty message.
    pub(super) async fn call(&self, path: &str) -> Result<Answer, String> {
        self.send("POST", path, "application/grpc", message(&[])).await
    }
}
