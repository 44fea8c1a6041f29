//! Opening one connection: TCP, and TLS where the address says so.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;
use tower::Service;

use crate::roots::Roots;

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("no connection within {0} ms")]
    Timeout(u64),
    #[error("the host is no DNS name and no IP address")]
    Name,
    #[error("TCP")]
    Tcp(#[source] io::Error),
    #[error("no CA is configured that its certificate could lead to")]
    NoRoots,
    #[error("TLS")]
    Tls(#[source] io::Error),
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub(crate) struct Stream(TokioIo<Either<Box<TlsStream<TcpStream>>, TcpStream>>);

/// Opens connections for hyper's pool.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) roots: Option<Arc<Roots>>,
    pub(crate) timeout_ms: u64,
}

/// The host of a URI without the brackets of IPv6 addresses.
pub(crate) fn host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

impl Connector {
    async fn open(self, uri: Uri) -> Result<Stream, OpenError> {
        let tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let name = ServerName::try_from(host(&uri).to_owned()).map_err(|_| OpenError::Name)?;
        let tcp = TcpStream::connect((host(&uri), port)).await.map_err(OpenError::Tcp)?;
        tcp.set_nodelay(true).map_err(OpenError::Tcp)?;
        if !tls {
            return Ok(Stream(TokioIo::new(Either::Right(tcp))));
        }
        let config = self.roots.as_ref().ok_or(OpenError::NoRoots)?.tls();
        let stream = TlsConnector::from(config).connect(name, tcp).await.map_err(OpenError::Tls)?;
        Ok(Stream(TokioIo::new(Either::Left(Box::new(stream)))))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = OpenError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, OpenError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), OpenError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connector, bound_ms) = (self.clone(), self.timeout_ms);
        Box::pin(async move {
            let bound = Duration::from_millis(bound_ms);
            let opened = tokio::time::timeout(bound, connector.open(uri)).await;
            opened.unwrap_or(Err(OpenError::Timeout(bound_ms)))
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
