//! A small, bounded HTTP layer: a client and a server for static files and small requests.
//!
//! TLS with rustls everywhere but on this machine's own addresses. Every wait, size and count has a
//! bound; nothing is followed, guessed or unpacked: an answer is what the server sent. HTTP/1.1.

mod certificate;
mod client;
mod connection;
mod connector;
mod pem;
mod roots;
mod server;

pub use bytes::Bytes;
pub use certificate::{CertificateError, TlsFiles};
pub use client::{Answer, Client, ClientOptions, RequestError};
pub use connection::Remote;
pub use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
pub use roots::RootsError;
pub use server::{BindError, Bound, Server, ServerOptions, WebLimits};

/// A whole request, as a handler gets it.
pub type Request = http::Request<Bytes>;
/// A whole response, as a handler gives it.
pub type Response = http::Response<Bytes>;

/// A response with `status`, the `Content-Type` `kind`, and `body`.
#[must_use]
pub fn response(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A response in plain text, for people.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<String>) -> Response {
    response(status, "text/plain; charset=utf-8", text.into())
}

#[cfg(test)]
mod tests;
