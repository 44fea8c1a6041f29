//! A client's channel to one exact peer: connects when first used, again when it must.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::future::{BoxFuture, FutureExt as _, Shared};
use http::{Request, Response, Uri, uri::Authority};
use hyper::body::Incoming;
use rustls_pki_types::ServerName;
use tokio::sync::Semaphore;
use tonic::{Code, Status, body::Body};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::Service;

use crate::{
    ClientConfig, MeshIdentity,
    client_body::{ClientBody, sanitise},
    connector::{Live, OpenError, Target, open},
    status::{self, chain},
    timeout,
    tls::{Roots, client_config},
    topology::topology,
};

/// How long to wait for the cause of a connection that just ended, in milliseconds.
const CAUSE_WAIT_MS: u64 = 200;
/// How much later than the server's the client's own deadline is, in milliseconds: the server's
/// answer says more.
const DEADLINE_SLACK_MS: u64 = 250;

/// Why a channel cannot be made; connecting itself happens at the first call.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not `https://host:port`.
    #[error("{0:?} is not of the form https://host:port")]
    Url(String),
    /// TLS cannot be set up.
    #[error("cannot set up TLS for {url}")]
    Tls {
        /// The address that was given.
        url: String,
        /// What the TLS library said.
        #[source]
        source: rustls::Error,
    },
}

type Opening = Shared<BoxFuture<'static, Result<Live, Arc<OpenError>>>>;

#[derive(Debug)]
pub(crate) struct Inner {
    target: Arc<Target>,
    authority: Authority,
    roots: Roots,
    opening: Mutex<Option<Opening>>,
    places: Semaphore,
}

/// A channel that generated clients take: `JobServiceClient::new(channel)`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

/// A lazily connecting channel to `config.spiffe_id`, presenting `identity`'s current certificate.
///
/// # Errors
/// When the URL is not `https://host:port`, or TLS cannot be set up.
pub fn connect(
    config: &ClientConfig,
    identity: Arc<MeshIdentity>,
) -> Result<Channel, ConnectError> {
    channel(config, Roots::Mesh(identity))
}

/// A channel to a public listener, without a certificate of our own; `roots` are DER.
///
/// # Errors
/// When the URL is not `https://host:port`, or TLS cannot be set up.
pub fn connect_public(config: &ClientConfig, roots: Vec<Vec<u8>>) -> Result<Channel, ConnectError> {
    channel(config, Roots::Fixed(roots.into()))
}

fn channel(config: &ClientConfig, roots: Roots) -> Result<Channel, ConnectError> {
    let bad = || ConnectError::Url(config.url.clone());
    let uri: Uri = config.url.parse().map_err(|_| bad())?;
    let authority = uri.authority().cloned().ok_or_else(bad)?;
    let plain = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    if uri.scheme_str() != Some("https") || !plain {
        return Err(bad());
    }
    let port = authority.port_u16().ok_or_else(bad)?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host.clone()).map_err(|_| bad())?;
    let tls = client_config(roots.clone(), config.spiffe_id.clone())
        .map_err(|source| ConnectError::Tls { url: config.url.clone(), source })?;
    let target = Target { host, port, name, tls: Arc::new(tls), config: config.clone() };
    let places = Semaphore::new(config.max_calls.clamp(1, Semaphore::MAX_PERMITS));
    let (target, opening) = (Arc::new(target), Mutex::default());
    Ok(Channel { inner: Arc::new(Inner { target, authority, roots, opening, places }) })
}

impl Inner {
    fn generation(&self) -> u64 {
        match &self.roots {
            Roots::Mesh(identity) => identity.current().generation,
            Roots::Fixed(_) => 0,
        }
    }

    /// The open connection, or the attempt that is under way, or a new attempt.
    fn opening(&self) -> Opening {
        let mut slot = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.generation();
        if let Some(opening) = slot.as_ref() {
            // Asked, not only peeked at: the caller that waited for it may be gone.
            let usable = match opening.clone().now_or_never() {
                None => true,
                Some(Err(_)) => false,
                Some(Ok(live)) => !live.sender.is_closed() && live.generation == generation,
            };
            if usable {
                return opening.clone();
            }
        }
        let target = Arc::clone(&self.target);
        let task = tokio::spawn(async move { open(&target, generation).await });
        let opening = async move {
            match task.await {
                Ok(opened) => opened.map_err(Arc::new),
                Err(_) => Err(Arc::new(OpenError::Timeout(0))),
            }
        };
        let opening = opening.boxed().shared();
        *slot = Some(opening.clone());
        opening
    }

    /// Drops a connection that takes no more requests, so that the next call opens another.
    fn forget(&self, dead: &Live) {
        let mut slot = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let current = slot.as_ref().and_then(Opening::peek);
        if matches!(current, Some(Ok(live)) if Arc::ptr_eq(&live.ended, &dead.ended)) {
            *slot = None;
        }
    }

    async fn live(&self) -> Result<Live, Status> {
        self.opening().await.map_err(|error| {
            let config = &self.target.config;
            let message = format!(
                "cannot connect to {} at {}: {}",
                config.spiffe_id,
                config.url,
                chain(&*error)
            );
            status::new(Code::Unavailable, error.reason(), &message)
        })
    }

    /// The status of a call whose connection failed under it.
    pub(crate) fn lost(&self, error: hyper::Error, cause: Option<&str>) -> Status {
        let config = &self.target.config;
        let text = chain(&error);
        let text = cause.map_or_else(|| text.clone(), |cause| format!("{text}: {cause}"));
        let refused = text.contains("received fatal alert");
        let reason = if refused { "CERTIFICATE_REFUSED" } else { "CONNECTION_LOST" };
        let code = match Status::from_error(Box::new(error)).code() {
            Code::ResourceExhausted => Code::ResourceExhausted,
            _ => Code::Unavailable,
        };
        let message =
            format!("the connection to {} at {} failed: {text}", config.spiffe_id, config.url);
        status::new(code, reason, &message)
    }

    /// The status of a call that the server did not even refuse in time.
    pub(crate) fn late(&self) -> Status {
        let config = &self.target.config;
        let message = format!("no answer in time from {} at {}", config.spiffe_id, config.url);
        status::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", &message)
    }

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, Status> {
        let mut again = true;
        loop {
            let mut live = self.live().await?;
            let mut error = match live.sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            // A request that never left may go out once more, whatever it is.
            match error.take_message() {
                Some(unsent) if again => {
                    again = false;
                    request = unsent;
                    self.forget(&live);
                }
                _ => {
                    let wait = Duration::from_millis(CAUSE_WAIT_MS);
                    let cause = live.ended.cause(wait).await;
                    return Err(self.lost(error.into_error(), cause));
                }
            }
        }
    }

    fn prepare(&self, request: &mut Request<Body>) -> Option<Instant> {
        let path = request.uri().path_and_query().cloned();
        let method = path.as_ref().map_or("", |path| path.path().trim_start_matches('/'));
        let ours = topology().rule(method).and_then(|rule| rule.deadline);
        let bound = timeout::read(request.headers()).or(ours);
        if let Some(bound) = bound {
            timeout::write(request.headers_mut(), bound);
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(http::uri::Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = path;
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        telemetry::inject(request.headers_mut());
        let slack = Duration::from_millis(DEADLINE_SLACK_MS);
        bound.and_then(|bound| Instant::now().checked_add(bound + slack))
    }

    async fn call(self: Arc<Self>, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let deadline = self.prepare(&mut request);
        let exchange = async {
            // The semaphore is never closed.
            let _place = self.places.acquire().await;
            self.send(request).await
        };
        let response = match deadline {
            Some(at) => match tokio::time::timeout_at(at.into(), exchange).await {
                Ok(response) => response?,
                Err(_) => return Err(self.late()),
            },
            None => exchange.await?,
        };
        let (mut parts, inner) = response.into_parts();
        sanitise(&mut parts.headers);
        let deadline = deadline.map(|at| Box::pin(tokio::time::sleep_until(at.into())));
        let body = ClientBody { inner, channel: self, deadline, ended: false };
        Ok(Response::from_parts(parts, Body::new(body)))
    }
}

impl Channel {
    /// Connects now and asks for the peer's health, to find out whether it answers us at all,
    /// serving or not.
    ///
    /// # Errors
    /// UNAVAILABLE with the target and the cause.
    pub async fn probe(&self) -> Result<(), Status> {
        let request = HealthCheckRequest::default();
        HealthClient::new(self.clone()).check(request).await.map(drop)
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(Arc::clone(&self.inner).call(request))
    }
}
