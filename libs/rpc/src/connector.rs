//! Opening one connection to one exact peer.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::body::Body;

use crate::{
    ClientConfig,
    connection::MAX_FRAME_BYTES,
    status::chain,
    tls::{PeerRefused, refusal_in},
};

/// What one call may receive ahead of being read, in bytes.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// What one connection may receive ahead of being read, in bytes.
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// An open connection.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) sender: SendRequest<Body>,
    /// Why it ended, once it did.
    pub(crate) ended: Arc<Ended>,
    /// The identity generation that it was opened with.
    pub(crate) generation: u64,
}

/// Filled when a connection's task ends.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    cause: OnceLock<String>,
    notify: tokio::sync::Notify,
}

impl Ended {
    fn set(&self, cause: String) {
        let _ = self.cause.set(cause);
        self.notify.notify_waiters();
    }

    /// The cause, waiting a moment for it: a TLS alert arrives just after the first bytes.
    pub(crate) async fn cause(&self, wait: Duration) -> Option<&str> {
        let notified = self.notify.notified();
        if self.cause.get().is_none() {
            let _ = tokio::time::timeout(wait, notified).await;
        }
        self.cause.get().map(String::as_str).filter(|cause| !cause.is_empty())
    }
}

/// Where to connect and as whom.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) name: ServerName<'static>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) config: ClientConfig,
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("no connection within {0} ms")]
    Timeout(u64),
    #[error("TCP")]
    Tcp(#[source] std::io::Error),
    #[error("TLS")]
    Tls(#[source] std::io::Error),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    WrongServer(String),
    #[error("HTTP/2")]
    Http(#[source] hyper::Error),
}

impl OpenError {
    /// The reason that the caller sees.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::WrongServer(_) => "WRONG_SERVER",
            Self::Refused(_) => "SERVER_NOT_TRUSTED",
            Self::Timeout(_) | Self::Tcp(_) | Self::Tls(_) | Self::Http(_) => "UNREACHABLE",
        }
    }

    fn of_handshake(error: std::io::Error) -> Self {
        match refusal_in(&error) {
            Some(refused @ PeerRefused::WrongServer { .. }) => {
                Self::WrongServer(refused.to_string())
            }
            Some(refused) => Self::Refused(refused.to_string()),
            None if chain(&error).contains("invalid peer certificate") => {
                Self::Refused(chain(&error))
            }
            None => Self::Tls(error),
        }
    }
}

pub(crate) async fn open(target: &Target, generation: u64) -> Result<Live, OpenError> {
    let bound_ms = target.config.connect_timeout_ms;
    tokio::time::timeout(Duration::from_millis(bound_ms), open_unbounded(target, generation))
        .await
        .unwrap_or(Err(OpenError::Timeout(bound_ms)))
}

async fn open_unbounded(target: &Target, generation: u64) -> Result<Live, OpenError> {
    let address = (target.host.as_str(), target.port);
    let tcp = TcpStream::connect(address).await.map_err(OpenError::Tcp)?;
    tcp.set_nodelay(true).map_err(OpenError::Tcp)?;
    let connector = TlsConnector::from(Arc::clone(&target.tls));
    let tls = connector.connect(target.name.clone(), tcp).await.map_err(OpenError::of_handshake)?;
    let config = &target.config;
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .keep_alive_interval(Duration::from_millis(config.keepalive_interval_ms))
        .keep_alive_timeout(Duration::from_millis(config.keepalive_timeout_ms))
        .handshake(TokioIo::new(tls))
        .await
        .map_err(OpenError::Http)?;
    let ended = Arc::new(Ended::default());
    let slot = Arc::clone(&ended);
    tokio::spawn(async move {
        let cause = connection.await.err().map(|error| chain(&error)).unwrap_or_default();
        slot.set(cause);
    });
    Ok(Live { sender, ended, generation })
}
