//! mTLS transport, the policy table, limits, deadlines, health and drain: everything between a
//! socket and a service's `grpc.rs`.
//!
//! A server admits nobody but identities of its own mesh, and no call that `docs/topology.toml`
//! does not list. A client talks to exactly the SPIFFE id that it was told. See `README.md`.

mod accept;
mod channel;
mod client_body;
mod config;
mod connection;
mod connector;
mod gate;
mod grpc_frames;
mod health;
mod identity;
mod meter;
mod peer;
mod policy;
mod rate;
mod reflection;
mod refusal;
mod reload;
mod request_body;
mod response_body;
mod server;
mod services;
mod signals;
pub mod status;
mod timeout;
mod tls;
pub mod topology;

pub use accept::{ConnectionMetrics, Connections};
pub use channel::{Channel, ConnectError, connect, connect_public};
pub use config::{ClientConfig, Limits, ServerConfig};
pub use gate::Place;
pub use health::{HealthHandle, HealthState};
pub use identity::{Credentials, IdentityError, IdentityFiles, MeshIdentity};
pub use peer::{Peer, deadline, peer};
pub use server::{BindError, Bound, ServeError, Server};
pub use services::Services;
pub use signals::until_signal;
pub use status::{Coded, describe, reason_of, to_status};
pub use tls::install_crypto;
pub use tokio_util::sync::CancellationToken;
pub use topology::message_limit;

/// The largest response message that a client of the mesh takes, in bytes; give it to
/// `max_decoding_message_size` of a generated client.
pub const MAX_RESPONSE_BYTES: usize = 36 * 1024 * 1024;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
