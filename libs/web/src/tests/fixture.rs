//! A server with a certificate of its own CA, and clients of it.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
};
use rpc::CancellationToken;
use tokio::task::JoinHandle;

use crate::{
    Client, ClientOptions, Request, Response, Server, ServerOptions, StatusCode, TlsFiles,
    connection::Remote, text,
};

/// A CA, and the files of a server that it vouches for.
pub(super) struct Pki {
    directory: tempfile::TempDir,
}

impl Pki {
    pub(super) fn new() -> Self {
        let pki = Self { directory: tempfile::tempdir().unwrap() };
        pki.renew();
        pki
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.path("server.pem"), key: self.path("server.key.pem") }
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A new CA, key and certificate in the old ones' place.
    pub(super) fn renew(&self) {
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::from_ca_cert_pem(&ca_pem, ca_key).unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names).unwrap();
        let key = KeyPair::generate().unwrap();
        let request = leaf.serialize_request(&key).unwrap();
        let request = CertificateSigningRequestParams::from_der(request.der()).unwrap();
        let certificate = request.signed_by(&issuer).unwrap();
        std::fs::write(self.path("ca.pem"), ca_pem).unwrap();
        std::fs::write(self.path("server.pem"), certificate.pem()).unwrap();
        keys::write_secret(&self.path("server.key.pem"), &key.serialize_pem()).unwrap();
    }
}

/// A running server; it ends with the test.
pub(super) struct Running {
    pub(super) url: String,
    pub(super) shutdown: CancellationToken,
    pub(super) ended: JoinHandle<()>,
}

/// Says what it was asked, and from where.
async fn echo(request: Request) -> Response {
    let Remote(remote) = request.extensions().get().copied().unwrap();
    match request.uri().path() {
        "/moved" => {
            let mut moved = text(StatusCode::FOUND, "elsewhere");
            moved.headers_mut().insert("location", "/".parse().unwrap());
            moved
        }
        "/long" => text(StatusCode::OK, "x".repeat(100_000)),
        "/never" => std::future::pending().await,
        path => {
            let (method, body) = (request.method(), request.body().len());
            text(StatusCode::OK, format!("{method} {path} {body} {}", remote.port()))
        }
    }
}

pub(super) fn serve(options: ServerOptions) -> Running {
    rpc::install_crypto();
    let bound = Server::bind(options).unwrap();
    let (url, shutdown) = (bound.url(), CancellationToken::new());
    let ended = tokio::spawn(bound.serve(echo, shutdown.clone()));
    Running { url, shutdown, ended }
}

pub(super) fn tls(pki: &Pki) -> ServerOptions {
    ServerOptions { tls: Some(pki.files()), ..ServerOptions::default() }
}

pub(super) fn client(options: ClientOptions) -> Client {
    Client::new(options).unwrap()
}

pub(super) fn trusting(pki: &Pki) -> Client {
    client(ClientOptions { ca: Some(pki.ca()), ..ClientOptions::default() })
}
