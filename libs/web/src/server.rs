//! A server of whole requests and whole responses: bind, serve, and end within a hard bound.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rpc::{CancellationToken, ConnectionMetrics, Connections};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    Request, Response,
    certificate::{CertificateError, Presented, TlsFiles, server_config},
    connection::{self, Serving},
};

const METRICS: ConnectionMetrics = ConnectionMetrics {
    open: "web_connections",
    refused: connection::REFUSED_METRIC,
    cut_off: "web_drain_cut_off_total",
};
/// How often the certificate's files are looked at, in milliseconds.
const POLL_CERTIFICATE_MS: u64 = 2_000;

/// The bounds on what peers may use of a server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebLimits {
    /// Open connections in all.
    pub max_connections: usize,
    /// Open connections from one IP address (one /64 for IPv6).
    pub max_connections_per_ip: usize,
    /// The longest that a TLS handshake may take, in milliseconds.
    pub handshake_timeout_ms: u64,
    /// The longest that a request's head may take, and the wait for it, in milliseconds.
    pub header_timeout_ms: u64,
    /// The longest that a request's body may take, in milliseconds.
    pub body_timeout_ms: u64,
    /// The longest that an answer may take to be made, in milliseconds.
    pub answer_timeout_ms: u64,
    /// When a connection is asked to end after the request in hand, in milliseconds; who reads so
    /// slowly that it has not ended by twice that time is cut off.
    pub max_connection_age_ms: u64,
    /// The longest body of a request that is taken, in bytes.
    pub max_body_bytes: usize,
}

impl Default for WebLimits {
    fn default() -> Self {
        Self {
            max_connections: 256,
            max_connections_per_ip: 64,
            handshake_timeout_ms: 5_000,
            header_timeout_ms: 15_000,
            body_timeout_ms: 10_000,
            answer_timeout_ms: 15_000,
            max_connection_age_ms: 300_000,
            max_body_bytes: 64 * 1024,
        }
    }
}

/// Where a server listens, as whom, and how it ends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Certificate and key; left out: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Whether plain HTTP may be served to other machines, behind a proxy that has the TLS.
    pub allow_plain: bool,
    /// How long requests in hand may go on after the shutdown began, in milliseconds.
    pub drain_ms: u64,
    /// The bounds on what peers may use.
    pub limits: WebLimits,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            allow_plain: false,
            drain_ms: 10_000,
            limits: WebLimits::default(),
        }
    }
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Plain HTTP on an address that others reach.
    #[error(
        "{0} is reached by others, and there is no TLS: name certificate and key, listen on \
         127.0.0.1, or set allow_plain behind a proxy that has the TLS"
    )]
    Plain(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was given.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
}

/// The entry to web servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds `options.listen`; nothing is accepted before [`Bound::serve`]. Runs inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the address cannot be bound, or the certificate cannot be used.
    pub fn bind(options: ServerOptions) -> Result<Bound, BindError> {
        if options.tls.is_none() && !options.allow_plain && !options.listen.ip().is_loopback() {
            return Err(BindError::Plain(options.listen));
        }
        let tls = match &options.tls {
            None => None,
            Some(files) => {
                let presented = Presented::load(files)?;
                let config = Arc::new(server_config(&presented)?);
                Some((presented, config))
            }
        };
        let failed = |source| BindError::Listen { address: options.listen, source };
        let listener = std::net::TcpListener::bind(options.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Bound { options, tls, listener, address })
    }
}

/// A server that listens but does not serve yet.
#[derive(Debug)]
pub struct Bound {
    options: ServerOptions,
    tls: Option<(Arc<Presented>, Arc<rustls::ServerConfig>)>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// The address that clients connect to.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://` or `https://` and the address.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers every request with what `handler` makes of it, until `shutdown`; returns when the
    /// requests in hand are answered, or `drain_ms` later. A handler never blocks its thread.
    pub async fn serve<H, F>(self, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let drain = Duration::from_millis(self.options.drain_ms);
        let bounds = rpc::Limits {
            max_connections: self.options.limits.max_connections,
            max_connections_per_ip: self.options.limits.max_connections_per_ip,
            ..rpc::Limits::default()
        };
        let draining = CancellationToken::new();
        let acceptor = self.tls.as_ref().map(|(_, config)| TlsAcceptor::from(Arc::clone(config)));
        let limits = self.options.limits;
        let serving = Arc::new(Serving { handler, acceptor, limits, draining: draining.clone() });
        let watching = self.tls.map(|(presented, _)| tokio::spawn(watch(presented)));
        let mut connections = Connections::new(&bounds, METRICS);
        let serve =
            |stream, remote, place| connection::run(Arc::clone(&serving), stream, remote, place);
        connections.accept(&self.listener, &shutdown, serve).await;
        drop(self.listener);
        draining.cancel();
        connections.drain(drain).await;
        if let Some(watching) = watching {
            watching.abort();
        }
    }
}

async fn watch(presented: Arc<Presented>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(POLL_CERTIFICATE_MS));
    loop {
        ticks.tick().await;
        let presented = Arc::clone(&presented);
        if let Err(error) = tokio::task::spawn_blocking(move || presented.poll()).await {
            tracing::error!(%error, "the certificate's reload failed");
        }
    }
}
