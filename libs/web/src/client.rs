//! A client of web servers: one request, one whole answer, within bounds of time and size.

use std::{error::Error, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    connector::{Connector, host},
    roots::{Roots, RootsError},
};

/// How long a connection without requests is kept, in seconds: less than any server keeps it, for a
/// request into a connection that is being closed has no answer.
const POOL_IDLE_S: u64 = 10;
/// Connections without requests that are kept for each server.
const POOL_IDLE: usize = 4;
/// The longest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// The most headers of an answer.
const MAX_HEADERS: usize = 64;
/// What the client calls itself.
const AGENT: &str = concat!("aibom/", env!("CARGO_PKG_VERSION"));

/// What a client may do, and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// A PEM file with the CA certificates that servers must lead to; it is read again when it
    /// changes. Without one only `http://` can be asked.
    pub ca: Option<PathBuf>,
    /// Whether `http://` may leave this machine.
    pub allow_plain: bool,
    /// The longest that name lookup, TCP and TLS may take together, in milliseconds.
    pub connect_timeout_ms: u64,
    /// The longest that a whole request may take, from its start to the last byte of the answer, in
    /// milliseconds.
    pub request_timeout_ms: u64,
    /// The longest body of an answer that is taken, in bytes.
    pub max_response_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            ca: None,
            allow_plain: false,
            connect_timeout_ms: 5_000,
            request_timeout_ms: 10_000,
            max_response_bytes: 64 * 1024,
        }
    }
}

/// Why a request has no answer. Each names the URL, and says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The text is no address that can be asked.
    #[error("{url:?} cannot be asked: write it as https://host[:port]/path")]
    Url {
        /// The text that was given.
        url: String,
    },
    /// The request would leave this machine unprotected.
    #[error(
        "{url} is not asked: http:// is for this machine's own addresses, 127.0.0.1 and [::1]; use \
         https://"
    )]
    Plain {
        /// The address that was given.
        url: String,
    },
    /// Nobody was reached.
    #[error(
        "cannot connect to {url}: check that it runs there, and that the CA file leads to its certificate"
    )]
    Connect {
        /// The address that was given.
        url: String,
        /// What failed.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The connection ended under the request, or the answer was no HTTP.
    #[error("the exchange with {url} failed: look at that server's log")]
    Exchange {
        /// The address that was given.
        url: String,
        /// What failed.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The whole answer did not come in time.
    #[error(
        "no whole answer from {url} within {limit_ms} ms: it is slow, or not what it should be"
    )]
    Deadline {
        /// The address that was given.
        url: String,
        /// The bound, in milliseconds.
        limit_ms: u64,
    },
    /// The answer is longer than asked for.
    #[error("the answer of {url} is longer than {limit} bytes: it is not what it should be")]
    TooLong {
        /// The address that was given.
        url: String,
        /// The bound, in bytes.
        limit: usize,
    },
}

impl RequestError {
    /// The error and its causes in one line.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        rpc::status::chain(self)
    }
}

/// A whole answer, whatever its status: redirects are not followed.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

impl Answer {
    /// The media type without its parameters; empty when there is none.
    #[must_use]
    pub fn media_type(&self) -> &str {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim()
    }
}

/// A client that keeps connections open between requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    pool: legacy::Client<Connector, Full<Bytes>>,
    options: Arc<ClientOptions>,
}

impl Client {
    /// A client with these bounds; nothing is connected yet.
    ///
    /// # Errors
    /// When the CA file cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self, RootsError> {
        let roots = options.ca.as_deref().map(Roots::read).transpose()?.map(Arc::new);
        let connector = Connector { roots, timeout_ms: options.connect_timeout_ms };
        let pool = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(POOL_IDLE_S))
            .pool_max_idle_per_host(POOL_IDLE)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http1_max_headers(MAX_HEADERS)
            .build(connector);
        Ok(Self { pool, options: Arc::new(options) })
    }

    /// Asks for what is at `url`.
    ///
    /// # Errors
    /// When there is no whole answer within the bounds; any status is an answer.
    pub async fn get(&self, url: &str) -> Result<Answer, RequestError> {
        let request = http::Request::builder().method(Method::GET);
        self.ask(url, request, Bytes::new()).await
    }

    /// Posts `body` to `url` as `kind` (a media type).
    ///
    /// # Errors
    /// When there is no whole answer within the bounds; any status is an answer.
    pub async fn post(
        &self,
        url: &str,
        kind: &'static str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, RequestError> {
        let request = http::Request::builder()
            .method(Method::POST)
            .header(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.ask(url, request, body.into()).await
    }

    async fn ask(
        &self,
        url: &str,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Answer, RequestError> {
        let uri = self.address(url)?;
        let request = request
            .uri(uri)
            .header(USER_AGENT, AGENT)
            // Nothing is unpacked here.
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .body(Full::new(body))
            .map_err(|_| RequestError::Url { url: url.to_owned() })?;
        let limit_ms = self.options.request_timeout_ms;
        let exchange = async {
            let response = self.pool.request(request).await.map_err(|error| failed(url, error))?;
            self.whole(url, response).await
        };
        tokio::time::timeout(Duration::from_millis(limit_ms), exchange)
            .await
            .unwrap_or_else(|_| Err(RequestError::Deadline { url: url.to_owned(), limit_ms }))
    }

    fn address(&self, url: &str) -> Result<Uri, RequestError> {
        let bad = || RequestError::Url { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        if authority.as_str().contains('@') || host(&uri).is_empty() {
            return Err(bad());
        }
        match uri.scheme_str() {
            Some("https") => Ok(uri),
            Some("http") if self.options.allow_plain || is_local(host(&uri)) => Ok(uri),
            Some("http") => Err(RequestError::Plain { url: url.to_owned() }),
            _ => Err(bad()),
        }
    }

    async fn whole(
        &self,
        url: &str,
        response: http::Response<Incoming>,
    ) -> Result<Answer, RequestError> {
        let limit = self.options.max_response_bytes;
        let (parts, mut incoming) = response.into_parts();
        let mut body = BytesMut::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| RequestError::Exchange {
                url: url.to_owned(),
                source: Box::new(error),
            })?;
            // Trailers are of no use to us.
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > limit.saturating_sub(body.len()) {
                return Err(RequestError::TooLong { url: url.to_owned(), limit });
            }
            body.extend_from_slice(&data);
        }
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.freeze() })
    }
}

fn failed(url: &str, error: legacy::Error) -> RequestError {
    let url = url.to_owned();
    if error.is_connect() {
        RequestError::Connect { url, source: Box::new(error) }
    } else {
        RequestError::Exchange { url, source: Box::new(error) }
    }
}

/// Whether `host` is an address of this machine that nobody else can be. The name `localhost` is none:
/// it is looked up, and may be anybody.
fn is_local(host: &str) -> bool {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback())
}
