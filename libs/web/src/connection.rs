//! One connection's life: handshake, requests one after another, and its end.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rpc::{CancellationToken, Place};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::{Request, Response, WebLimits, text};

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// How much of a body that is too long is read on, in times the bound: closing over unread bytes
/// would reset the connection and destroy the answer on its way.
const LINGER_TIMES: usize = 4;

/// Counts connections that were not let in, or not past the handshake.
pub(crate) const REFUSED_METRIC: &str = "web_connections_refused_total";

/// Who sent a request; an extension of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote(
    /// The peer's address and port.
    pub SocketAddr,
);

/// What the connections of a server share.
pub(crate) struct Serving<H> {
    pub(crate) handler: H,
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) limits: WebLimits,
    pub(crate) draining: CancellationToken,
}

/// Takes an accepted socket through its whole life.
pub(crate) async fn run<H, F>(
    serving: Arc<Serving<H>>,
    stream: TcpStream,
    remote: SocketAddr,
    place: Place,
) where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let Some(acceptor) = serving.acceptor.clone() else {
        return serve(serving, stream, remote, place).await;
    };
    let bound = Duration::from_millis(serving.limits.handshake_timeout_ms);
    let handshake = tokio::select! {
        () = serving.draining.cancelled() => return,
        handshake = timeout(bound, acceptor.accept(stream)) => handshake,
    };
    let why = match handshake {
        Ok(Ok(stream)) => return serve(serving, stream, remote, place).await,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the handshake took too long".to_owned(),
    };
    metrics::counter!(REFUSED_METRIC, "why" => "handshake").increment(1);
    tracing::info!(%remote, why, "connection refused");
}

async fn serve<H, F, S>(serving: Arc<Serving<H>>, stream: S, remote: SocketAddr, _place: Place)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| answer(&serving, request, remote));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(serving.limits.header_timeout_ms))
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let age = Duration::from_millis(serving.limits.max_connection_age_ms);
    let mut deadline = Instant::now() + age;
    let (mut asked, mut drains) = (false, pin!(serving.draining.cancelled()));
    let mut drained = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%remote, %error, "connection ended");
                }
                return;
            }
            () = &mut drains, if !drained => {
                drained = true;
                // A request in hand ends in its own time, and not at what was left of the age.
                deadline = Instant::now() + age;
            }
            () = tokio::time::sleep_until(deadline) => {
                if asked {
                    return tracing::info!(%remote, "connection cut off: it reads too slowly");
                }
                deadline += age;
            }
        }
        asked = true;
        connection.as_mut().graceful_shutdown();
    }
}

async fn answer<H, F>(
    serving: &Serving<H>,
    request: http::Request<Incoming>,
    remote: SocketAddr,
) -> Result<http::Response<Full<Bytes>>, Infallible>
where
    H: Fn(Request) -> F + Send + Sync,
    F: Future<Output = Response> + Send,
{
    let limits = &serving.limits;
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Remote(remote));
    let body = timeout(Duration::from_millis(limits.body_timeout_ms), whole(body, limits)).await;
    let response = match body {
        Err(_) => closing(StatusCode::REQUEST_TIMEOUT, "the request's body took too long\n"),
        Ok(Err(refused)) => refused,
        Ok(Ok(body)) => {
            let answer = (serving.handler)(Request::from_parts(parts, body));
            let bound = Duration::from_millis(limits.answer_timeout_ms);
            timeout(bound, answer).await.unwrap_or_else(|_| {
                closing(StatusCode::SERVICE_UNAVAILABLE, "the answer took too long: ask again\n")
            })
        }
    };
    let status = response.status().as_u16().to_string();
    metrics::counter!("web_requests_total", "status" => status).increment(1);
    Ok(response.map(Full::new))
}

/// The whole body, or the answer to one that cannot be taken.
async fn whole(mut incoming: Incoming, limits: &WebLimits) -> Result<Bytes, Response> {
    let limit = limits.max_body_bytes;
    let (mut body, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            return Err(closing(StatusCode::BAD_REQUEST, "the request's body is cut short\n"));
        };
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= limit {
            body.extend_from_slice(&data);
        } else if length > limit.saturating_mul(LINGER_TIMES) {
            break;
        }
    }
    if length > limit {
        let why = format!("the request's body is longer than {limit} bytes\n");
        return Err(closing(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    Ok(body.freeze())
}

fn closing(status: StatusCode, why: impl Into<String>) -> Response {
    let mut response = text(status, why);
    let close = http::HeaderValue::from_static("close");
    response.headers_mut().insert(http::header::CONNECTION, close);
    response
}
