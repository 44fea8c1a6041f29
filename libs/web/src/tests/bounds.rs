//! Slow, long and many: what the bounds are for. Bounds are set small, never waited for by the clock.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::fixture::{Pki, client, serve, tls};
use crate::{ClientOptions, RequestError, ServerOptions, StatusCode, WebLimits};

fn limited(limits: WebLimits) -> ServerOptions {
    ServerOptions { limits, ..ServerOptions::default() }
}

/// Sends `bytes` and reads until the server ends the connection.
async fn raw(url: &str, bytes: &[u8]) -> String {
    let address = url.split("//").nth(1).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_and_the_bound_itself_is_taken() {
    let server = serve(limited(WebLimits { max_body_bytes: 1_000, ..WebLimits::default() }));
    let client = client(ClientOptions::default());
    let post = |length| client.post(&server.url, "text/plain", "x".repeat(length));
    assert_eq!(post(1_000).await.unwrap().status, StatusCode::OK);
    let refused = post(1_001).await.unwrap();
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(String::from_utf8_lossy(&refused.body).contains("longer than 1000 bytes"));
}

#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() {
    let limits = WebLimits { header_timeout_ms: 50, ..WebLimits::default() };
    let server = serve(limited(limits));
    let answer = raw(&server.url, b"GET / HTTP/1.1\r\nhost: a\r\n").await;
    assert!(!answer.contains("200 OK"), "{answer}");
    let idle = raw(&server.url, b"").await;
    assert_eq!(idle, "", "who asks nothing is not kept");
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered_in_time() {
    let limits = WebLimits { body_timeout_ms: 50, ..WebLimits::default() };
    let server = serve(limited(limits));
    let answer =
        raw(&server.url, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = serve(ServerOptions::default());
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let answer = raw(&server.url, long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_by_both_sides() {
    let limits = WebLimits { answer_timeout_ms: 20, ..WebLimits::default() };
    let server = serve(limited(limits));
    let url = format!("{}/never", server.url);
    let answer = client(ClientOptions::default()).get(&url).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let patient = serve(ServerOptions::default());
    let options = ClientOptions { request_timeout_ms: 20, ..ClientOptions::default() };
    let refused = client(options).get(&format!("{}/never", patient.url)).await.unwrap_err();
    assert!(matches!(refused, RequestError::Deadline { limit_ms: 20, .. }), "{refused}");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_taken() {
    let server = serve(ServerOptions::default());
    let options = ClientOptions { max_response_bytes: 99_999, ..ClientOptions::default() };
    let url = format!("{}/long", server.url);
    let refused = client(options).get(&url).await.unwrap_err();
    assert!(matches!(refused, RequestError::TooLong { limit: 99_999, .. }), "{refused}");
    let options = ClientOptions { max_response_bytes: 100_000, ..ClientOptions::default() };
    assert_eq!(client(options).get(&url).await.unwrap().body.len(), 100_000);
}

#[tokio::test]
async fn a_handshake_that_never_ends_ends_the_connection() {
    let pki = Pki::new();
    let limits = WebLimits { handshake_timeout_ms: 50, ..WebLimits::default() };
    let server = serve(ServerOptions { limits, ..tls(&pki) });
    assert_eq!(raw(&server.url, &[0x16]).await, "");
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_at_once() {
    let limits = WebLimits { max_connections_per_ip: 1, ..WebLimits::default() };
    let server = serve(limited(limits));
    let address = server.url.split("//").nth(1).unwrap();
    let mut first = TcpStream::connect(address).await.unwrap();
    let ask = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    first.write_all(ask).await.unwrap();
    let mut some = [0; 12];
    first.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200");
    let mut second = TcpStream::connect(address).await.unwrap();
    let mut rest = Vec::new();
    let ended = second.read_to_end(&mut rest).await;
    assert!(ended.is_err() || rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn a_shutdown_waits_for_the_request_in_hand_and_no_longer_than_the_drain() {
    let server = serve(ServerOptions { drain_ms: 50, ..ServerOptions::default() });
    let address = server.url.split("//").nth(1).unwrap().to_owned();
    let mut held = TcpStream::connect(&address).await.unwrap();
    held.write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut idle = TcpStream::connect(&address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut some = [0; 12];
    idle.read_exact(&mut some).await.unwrap();
    server.shutdown.cancel();
    server.ended.await.unwrap();
    assert!(TcpStream::connect(&address).await.is_err(), "nobody listens any more");
}
