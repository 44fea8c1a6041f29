//! `GET /metrics` for Prometheus: a minimal, bounded HTTP/1.1 server of ours.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

/// How many scrapes run at once; more connections than that are closed at once.
const MAX_CONNECTIONS: usize = 8;
/// The longest a connection lives, in seconds: one scrape, then it ends.
const MAX_CONNECTION_S: u64 = 10;
/// How often recorded samples are folded into buckets, in seconds.
const UPKEEP_S: u64 = 5;
/// How long to wait after a failed accept (no file descriptors), in milliseconds.
const ACCEPT_PAUSE_MS: u64 = 100;

fn answer(request: &Request<Incoming>, handle: &PrometheusHandle) -> Response<Full<Bytes>> {
    let plain = |status, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        let kind = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    };
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => plain(StatusCode::OK, handle.render()),
        (_, "/metrics") => plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".into()),
        _ => plain(StatusCode::NOT_FOUND, "the only page is /metrics\n".into()),
    }
}

/// Adopts a bound listener; the tasks end when their handles are aborted.
pub(crate) fn spawn(
    listener: std::net::TcpListener,
    handle: PrometheusHandle,
) -> std::io::Result<(SocketAddr, [JoinHandle<()>; 2])> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let folding = handle.clone();
    let upkeep = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(UPKEEP_S));
        loop {
            ticks.tick().await;
            folding.run_upkeep();
        }
    });
    Ok((address, [tokio::spawn(accept(listener, handle)), upkeep]))
}

async fn accept(listener: TcpListener, handle: PrometheusHandle) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a metrics connection");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            continue;
        };
        let handle = handle.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = answer(&request, &handle);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            let _ = tokio::time::timeout(Duration::from_secs(MAX_CONNECTION_S), connection).await;
            drop(slot);
        });
    }
}
