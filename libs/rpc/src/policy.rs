//! The one layer around every call: the policy table, the peer, the deadline, the bounds, the
//! trace and the metrics.

use std::{
    convert::Infallible,
    hash::{BuildHasher as _, RandomState},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::service::Routes;
use tower::Service as _;
use tracing::{Instrument as _, Span};

use crate::{
    Coded as _, Limits, MeshIdentity,
    connection::Connection,
    identity::now,
    meter::{Budget, Call, Reservation, count},
    peer::Deadline,
    rate::RateLimiter,
    refusal::Refusal,
    request_body::RequestBody,
    response_body::{ResponseBody, code_in},
    status::to_status,
    timeout,
    tls::verify_client,
    topology::{Peers, Rule, Topology},
};

/// The one call that is answered also when all places are taken: it tells whether to restart.
const HEALTH_CHECK: &str = "grpc.health.v1.Health/Check";

type Answer = Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, Infallible>> + Send>>;

/// What the connections of one server share.
pub(crate) struct Shared {
    pub(crate) identity: Arc<MeshIdentity>,
    pub(crate) tls: Arc<rustls::ServerConfig>,
    pub(crate) public: bool,
    pub(crate) limits: Limits,
    pub(crate) topology: &'static Topology,
    pub(crate) routes: Routes,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) rate: Option<RateLimiter>,
}

impl Shared {
    /// A number from 0 to 1, another one for each connection.
    #[expect(clippy::unused_self, reason = "the seam for a seeded source")]
    pub(crate) fn jitter(&self) -> f64 {
        let random = RandomState::new().hash_one(0_u8);
        f64::from(u16::try_from(random >> 48).unwrap_or(0)) / f64::from(u16::MAX)
    }
}

/// The layer, for one connection.
pub(crate) struct Policy {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
}

struct Admitted {
    rule: &'static Rule,
    place: Option<OwnedSemaphorePermit>,
}

impl Policy {
    pub(crate) const fn new(shared: Arc<Shared>, connection: Arc<Connection>) -> Self {
        Self { shared, connection }
    }

    pub(crate) fn call(&self, request: Request<Incoming>) -> Answer {
        if !is_grpc(&request) {
            let mut response = Response::new(ResponseBody::plain(tonic::body::Body::empty()));
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Box::pin(std::future::ready(Ok(response)));
        }
        match self.admit(request.uri().path()) {
            Ok(admitted) => self.serve(request, admitted),
            Err((method, refusal)) => {
                count(method, refusal.code());
                self.log(method, &refusal);
                let response = to_status(&refusal).into_http().map(ResponseBody::plain);
                Box::pin(std::future::ready(Ok(response)))
            }
        }
    }

    fn log(&self, method: &str, refusal: &Refusal) {
        let peer = self.connection.peer.as_ref().map(|peer| peer.spiffe_id().to_string());
        let (reason, remote) = (refusal.reason(), self.connection.remote);
        tracing::warn!(method, reason, peer, %remote, %refusal, "call refused");
    }

    fn admit(&self, path: &str) -> Result<Admitted, (&'static str, Refusal)> {
        let method = path.strip_prefix('/').unwrap_or(path);
        let Some(rule) = self.shared.topology.rule(method) else {
            let method = method.chars().take(100).collect();
            return Err(("unlisted", Refusal::NotListed { method }));
        };
        self.may_call(rule).map_err(|refusal| (rule.method.as_str(), refusal))
    }

    fn may_call(&self, rule: &'static Rule) -> Result<Admitted, Refusal> {
        let method = rule.method.as_str();
        match (&rule.peers, &self.connection.peer) {
            (Peers::Anybody, None) => {}
            (Peers::Roles(_), None) => return Err(Refusal::NoCertificate { method }),
            (Peers::Roles(roles), Some(peer)) if !roles.contains(&peer.role()) => {
                return Err(Refusal::Role { method, role: peer.role() });
            }
            (_, Some(_)) => self.still_trusted()?,
        }
        if let Some(rate) = &self.shared.rate
            && !rate.admit(self.connection.remote.ip(), Instant::now())
        {
            return Err(Refusal::Rate);
        }
        if method == HEALTH_CHECK {
            return Ok(Admitted { rule, place: None });
        }
        match Arc::clone(&self.shared.places).try_acquire_owned() {
            Ok(place) => Ok(Admitted { rule, place: Some(place) }),
            Err(_) => Err(Refusal::Calls),
        }
    }

    /// A connection outlives the handshake's check: dates each time, roots when they changed.
    fn still_trusted(&self) -> Result<(), Refusal> {
        let Some(peer) = &self.connection.peer else {
            return Ok(());
        };
        let spiffe_id = || peer.spiffe_id().clone();
        let not_after = peer.identity().certificate().not_after();
        if now() > not_after {
            return Err(Refusal::Expired { spiffe_id: spiffe_id(), not_after });
        }
        let generation = self.shared.identity.current().generation;
        if self.connection.trusted_at.load(Ordering::Relaxed) != generation {
            verify_client(&self.shared.identity, peer.chain_der()).map_err(|source| {
                Refusal::NotTrusted { spiffe_id: spiffe_id(), source: Box::new(source) }
            })?;
            self.connection.trusted_at.store(generation, Ordering::Relaxed);
        }
        Ok(())
    }

    fn span(&self, method: &'static str, request: &Request<Incoming>) -> Span {
        let peer = self.connection.peer.as_ref().map(|peer| peer.spiffe_id().to_string());
        let span =
            tracing::info_span!("rpc", otel.name = method, otel.kind = "server", method, peer);
        telemetry::set_parent_context(&span, telemetry::extract(request.headers()));
        span
    }

    fn serve(&self, request: Request<Incoming>, admitted: Admitted) -> Answer {
        let Admitted { rule, place } = admitted;
        let method = rule.method.as_str();
        let span = self.span(method, &request);
        let reserved = Arc::new(Reservation::new(Arc::clone(&self.shared.budget)));
        let connection = Arc::clone(&self.connection);
        let mut call = Call::new(method, span.clone(), connection, place, Arc::clone(&reserved));
        let bound = match (rule.deadline, timeout::read(request.headers())) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let deadline = bound.and_then(|bound| call.started.checked_add(bound));
        let idle = Duration::from_millis(self.shared.limits.stream_idle_timeout_ms);
        let mut request = request.map(|body| RequestBody::new(body, rule, reserved, idle));
        if let Some(peer) = &self.connection.peer {
            request.extensions_mut().insert(Arc::clone(peer));
        }
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(Deadline(deadline));
        }
        let mut routes = self.shared.routes.clone();
        let handle = async move {
            let answer = routes.call(request);
            let answered = match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline.into(), answer).await,
                None => Ok(answer.await),
            };
            let Ok(Ok(response)) = answered else {
                let after_ms = call.started.elapsed().as_millis();
                let refusal = Refusal::Deadline { method, after_ms };
                call.finish(refusal.code());
                return Ok(to_status(&refusal).into_http().map(ResponseBody::plain));
            };
            if let Some(code) = code_in(response.headers()) {
                call.finish(code);
                return Ok(response.map(ResponseBody::plain));
            }
            Ok(response.map(|body| ResponseBody::new(body, call, deadline)))
        };
        Box::pin(handle.instrument(span))
    }
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let rest = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
    request.method() == Method::POST && matches!(rest, Some([] | [b'+' | b';', ..]))
}
