//! One connection's life: handshake, serving, and its end by age, idleness, expiry or drain.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2, service::Service};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::{
    Limits,
    gate::Place,
    identity::now,
    peer::Peer,
    policy::{Policy, Shared},
    response_body::ResponseBody,
    status::chain,
    tls::refusal_in,
};

/// How long a connection that was asked to end for being idle may take, in milliseconds.
const CLOSE_GRACE_MS: u64 = 5_000;
/// The same for a connection on which no call was ever made, in milliseconds.
const UNUSED_GRACE_MS: u64 = 500;
/// How long before its peer's certificate expires a connection is asked to end, in milliseconds.
const EXPIRY_MARGIN_MS: u64 = 30_000;
/// How long a refused peer has to read its alert, in milliseconds.
const LINGER_MS: u64 = 250;
/// How many pieces of what it still sends are read in that time, in number.
const LINGER_READS: usize = 8;
/// What a call on the public listener may send ahead at most, in bytes; a connection twice that.
const PUBLIC_WINDOW_BYTES: u32 = 256 * 1024;
/// The largest HTTP/2 frame that is taken, in bytes.
pub(crate) const MAX_FRAME_BYTES: u32 = 64 * 1024;

/// Counts connections that were not let in, or not past the handshake.
pub(crate) const REFUSED_METRIC: &str = "rpc_connections_refused_total";

/// What the calls of one connection share.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: Option<Arc<Peer>>,
    pub(crate) remote: SocketAddr,
    /// The generation of roots that the peer was last checked against.
    pub(crate) trusted_at: AtomicU64,
    opened: Instant,
    stop: CancellationToken,
    active: AtomicUsize,
    total: AtomicUsize,
    idle_since_ms: AtomicU64,
    abandoned: AtomicU32,
    max_abandoned: u32,
}

impl Connection {
    fn new(
        peer: Option<Arc<Peer>>,
        remote: SocketAddr,
        shared: &Shared,
        stop: CancellationToken,
    ) -> Self {
        Self {
            peer,
            remote,
            trusted_at: AtomicU64::new(shared.identity.current().generation),
            opened: Instant::now(),
            stop,
            active: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            idle_since_ms: AtomicU64::new(0),
            abandoned: AtomicU32::new(0),
            max_abandoned: shared.limits.max_abandoned_calls,
        }
    }

    pub(crate) fn call_began(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn call_ended(&self, abandoned: bool) {
        let ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.idle_since_ms.store(ms, Ordering::Relaxed);
        self.active.fetch_sub(1, Ordering::Relaxed);
        if abandoned && self.abandoned.fetch_add(1, Ordering::Relaxed) >= self.max_abandoned {
            self.stop.cancel();
        }
    }

    /// When the connection counts as idle, if no call comes until then.
    fn idle_at(&self, limits: &Limits) -> Instant {
        let bound = if self.total.load(Ordering::Relaxed) == 0 {
            limits.handshake_timeout_ms
        } else {
            limits.idle_timeout_ms
        };
        let bound = Duration::from_millis(bound);
        if self.active.load(Ordering::Relaxed) > 0 {
            return Instant::now() + bound;
        }
        self.opened + Duration::from_millis(self.idle_since_ms.load(Ordering::Relaxed)) + bound
    }
}

/// Runs calls as tasks that end with their connection.
#[derive(Clone)]
struct Tasks(CancellationToken);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, call: F) {
        let stop = self.0.clone();
        tokio::spawn(async move {
            stop.run_until_cancelled_owned(call).await;
        });
    }
}

/// When to ask a connection to end, and when to cut it off.
struct Schedule {
    ask_at: Instant,
    cut_at: Instant,
    asked: bool,
}

impl Schedule {
    fn new(connection: &Connection, limits: &Limits, jitter: f64) -> Self {
        let age = Duration::from_millis(limits.max_connection_age_ms).mul_f64(1.0 - 0.1 * jitter);
        let grace = Duration::from_millis(limits.max_connection_age_grace_ms);
        let opened = connection.opened;
        let mut schedule =
            Self { ask_at: opened + age, cut_at: opened + age + grace, asked: false };
        if let Some(peer) = &connection.peer {
            let left = peer.identity().certificate().not_after().since_ms(now());
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            let margin = Duration::from_millis(EXPIRY_MARGIN_MS).min(left / 10);
            schedule.ask_at = schedule.ask_at.min(opened + left - margin);
            schedule.cut_at = schedule.cut_at.min(opened + left);
        }
        schedule
    }

    fn ask(&mut self, at: Instant, grace_ms: u64) {
        self.asked = true;
        self.cut_at = self.cut_at.min(at + Duration::from_millis(grace_ms));
    }
}

/// Takes an accepted socket through its whole life.
pub(crate) async fn run(
    stream: TcpStream,
    remote: SocketAddr,
    mut place: Place,
    shared: Arc<Shared>,
    draining: CancellationToken,
    stop: CancellationToken,
) {
    let _ends_calls = stop.clone().drop_guard();
    let tls = tokio::select! {
        () = draining.cancelled() => return,
        tls = handshake(stream, remote, &shared) => tls,
    };
    let Some(tls) = tls else { return };
    let peer = match peer_of(&tls, remote, &shared) {
        Ok(peer) => peer,
        Err(reason) => return refused("identity", remote, &reason),
    };
    if let Some(peer) = &peer
        && !place.identify(peer.spiffe_id())
    {
        let id = peer.spiffe_id().to_string();
        return refused("max_connections_per_id", remote, &id);
    }
    let connection = Arc::new(Connection::new(peer, remote, &shared, stop.clone()));
    serve(tls, connection, shared, draining, stop).await;
    drop(place);
}

/// A finished handshake within its bound; a refused peer is told why by its TLS alert.
async fn handshake(
    stream: TcpStream,
    remote: SocketAddr,
    shared: &Shared,
) -> Option<TlsStream<TcpStream>> {
    let bound = Duration::from_millis(shared.limits.handshake_timeout_ms);
    let accept = TlsAcceptor::from(Arc::clone(&shared.tls)).accept(stream).into_fallible();
    let Ok(accepted) = tokio::time::timeout(bound, accept).await else {
        refused("handshake_timeout", remote, "the handshake took too long");
        return None;
    };
    match accepted {
        Ok(tls) => Some(tls),
        Err((error, stream)) => {
            let detail = refusal_in(&error).map_or_else(|| chain(&error), ToString::to_string);
            refused("handshake", remote, &detail);
            linger(stream).await;
            None
        }
    }
}

/// Reads what a refused peer still sends: closing over unread bytes would reset the connection
/// and destroy the alert on its way.
async fn linger(mut stream: TcpStream) {
    let mut rest = [0; 4096];
    let drained = async {
        let _ = stream.shutdown().await;
        for _ in 0..LINGER_READS {
            if !matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(LINGER_MS), drained).await;
}

fn refused(why: &'static str, remote: SocketAddr, detail: &str) {
    metrics::counter!(REFUSED_METRIC, "why" => why).increment(1);
    tracing::info!(why, %remote, detail, "connection refused");
}

fn peer_of(
    tls: &TlsStream<TcpStream>,
    remote: SocketAddr,
    shared: &Shared,
) -> Result<Option<Arc<Peer>>, String> {
    if shared.public {
        return Ok(None);
    }
    let (_, session) = tls.get_ref();
    let chain: Vec<Vec<u8>> = session
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|certificate| certificate.as_ref().to_vec())
        .collect();
    let identity =
        crate::tls::verify_client(&shared.identity, &chain).map_err(|error| error.to_string())?;
    Ok(Some(Arc::new(Peer::new(identity, chain, remote))))
}

fn builder(limits: &Limits, public: bool, tasks: Tasks) -> http2::Builder<Tasks> {
    let (stream, connection) = (limits.stream_window_bytes, limits.connection_window_bytes);
    let (stream, connection) = if public {
        (stream.min(PUBLIC_WINDOW_BYTES), connection.min(2 * PUBLIC_WINDOW_BYTES))
    } else {
        (stream, connection)
    };
    let mut builder = http2::Builder::new(tasks);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.max_header_list_bytes)
        .initial_stream_window_size(stream)
        .initial_connection_window_size(connection)
        .max_frame_size(MAX_FRAME_BYTES)
        .keep_alive_interval(Duration::from_millis(limits.keepalive_interval_ms))
        .keep_alive_timeout(Duration::from_millis(limits.keepalive_timeout_ms))
        .max_pending_accept_reset_streams(limits.max_pending_resets)
        .max_local_error_reset_streams(limits.max_error_resets);
    builder
}

struct Calls(Policy);

impl Service<Request<Incoming>> for Calls {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.0.call(request)
    }
}

async fn serve(
    tls: TlsStream<TcpStream>,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
    draining: CancellationToken,
    stop: CancellationToken,
) {
    let limits = &shared.limits;
    let mut schedule = Schedule::new(&connection, limits, shared.jitter());
    let policy = Policy::new(Arc::clone(&shared), Arc::clone(&connection));
    let http = builder(limits, shared.public, Tasks(stop.clone()))
        .serve_connection(TokioIo::new(tls), Calls(policy));
    let mut http = pin!(http);
    let mut drains = pin!(draining.cancelled());
    let mut drained = false;
    loop {
        let wake = if schedule.asked {
            schedule.cut_at
        } else {
            schedule.ask_at.min(connection.idle_at(limits)).min(schedule.cut_at)
        };
        tokio::select! {
            ended = http.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(remote = %connection.remote, error = chain(&error), "connection ended");
                }
                return;
            }
            () = stop.cancelled() => return,
            () = &mut drains, if !drained => {
                drained = true;
                schedule.asked = true;
                http.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep_until(wake) => {
                let at = Instant::now();
                if at >= schedule.cut_at {
                    return;
                }
                let aged = at >= schedule.ask_at;
                if !schedule.asked && (aged || at >= connection.idle_at(limits)) {
                    let grace = match connection.total.load(Ordering::Relaxed) {
                        _ if aged => limits.max_connection_age_grace_ms,
                        0 => UNUSED_GRACE_MS,
                        _ => CLOSE_GRACE_MS,
                    };
                    schedule.ask(at, grace);
                    http.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
