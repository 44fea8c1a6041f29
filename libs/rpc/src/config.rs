//! Configuration of servers and clients: every bound by name, with its unit and a sane default.

use std::net::{Ipv4Addr, SocketAddr};

use ids::SpiffeId;
use serde::Deserialize;

/// Where a server listens and how it ends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How long calls in flight may go on after the shutdown began, in milliseconds.
    pub drain_ms: u64,
    /// Whether this is the public listener: no client certificate is asked for, only the RPCs for
    /// "anybody" are answered, and calls are rate-limited.
    pub public: bool,
    /// The bounds on what peers may use.
    pub limits: Limits,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            drain_ms: 20_000,
            public: false,
            limits: Limits::default(),
        }
    }
}

/// The bounds on what peers may use of a server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections in all.
    pub max_connections: usize,
    /// Open connections from one IP address (one /64 for IPv6).
    pub max_connections_per_ip: usize,
    /// Open connections of one SPIFFE id.
    pub max_connections_per_id: usize,
    /// The longest a TLS handshake, and then the wait for the first call, may take, in
    /// milliseconds.
    pub handshake_timeout_ms: u64,
    /// How long a connection without calls stays open, in milliseconds.
    pub idle_timeout_ms: u64,
    /// When a connection is asked to end (less up to a tenth, at random), in milliseconds; clients
    /// open a new one with the certificates of that time.
    pub max_connection_age_ms: u64,
    /// How long calls may go on after that before they are cut off, in milliseconds.
    pub max_connection_age_grace_ms: u64,
    /// Calls at once on one connection.
    pub max_concurrent_streams: u32,
    /// Calls at once in all; more are answered with SERVER_BUSY.
    pub max_calls: usize,
    /// Calls that a peer may abandon on one connection before it is closed.
    pub max_abandoned_calls: u32,
    /// Request messages held in memory at once in all, in bytes.
    pub max_request_bytes_in_flight: usize,
    /// The longest pause between two pieces of a request stream, in milliseconds.
    pub stream_idle_timeout_ms: u64,
    /// The header list of one request, in bytes.
    pub max_header_list_bytes: u32,
    /// What one call may send ahead of being read, in bytes.
    pub stream_window_bytes: u32,
    /// What one connection may send ahead of being read, in bytes.
    pub connection_window_bytes: u32,
    /// How often a silent connection is pinged, in milliseconds.
    pub keepalive_interval_ms: u64,
    /// How long the answer to a ping may take, in milliseconds.
    pub keepalive_timeout_ms: u64,
    /// Streams that a peer may reset before they were accepted (rapid reset), in number.
    pub max_pending_resets: usize,
    /// Streams that the server had to reset for a peer's errors before it closes, in number.
    pub max_error_resets: usize,
    /// Public listener: calls per second that one IP address may make.
    pub public_calls_per_second: u32,
    /// Public listener: calls that one IP address may make at once after a pause.
    pub public_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 512,
            max_connections_per_ip: 256,
            max_connections_per_id: 32,
            handshake_timeout_ms: 10_000,
            idle_timeout_ms: 300_000,
            max_connection_age_ms: 1_800_000,
            max_connection_age_grace_ms: 600_000,
            max_concurrent_streams: 128,
            max_calls: 2_048,
            max_abandoned_calls: 2_000,
            max_request_bytes_in_flight: 128 * 1024 * 1024,
            stream_idle_timeout_ms: 60_000,
            max_header_list_bytes: 16 * 1024,
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 4 * 1024 * 1024,
            keepalive_interval_ms: 20_000,
            keepalive_timeout_ms: 10_000,
            max_pending_resets: 20,
            max_error_resets: 64,
            public_calls_per_second: 20,
            public_burst: 40,
        }
    }
}

/// Whom a client talks to, and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// `https://host:port`.
    pub url: String,
    /// Who must answer there, exactly.
    pub spiffe_id: SpiffeId,
    /// The longest that name lookup, TCP and TLS may take together, in milliseconds.
    #[serde(default = "default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Calls that wait for their answer at once; more wait for a place.
    #[serde(default = "default_max_calls")]
    pub max_calls: usize,
    /// How often a connection with calls in flight is pinged, in milliseconds.
    #[serde(default = "default_keepalive_interval_ms")]
    pub keepalive_interval_ms: u64,
    /// How long the answer to a ping may take, in milliseconds.
    #[serde(default = "default_keepalive_timeout_ms")]
    pub keepalive_timeout_ms: u64,
}

const fn default_connect_timeout_ms() -> u64 {
    5_000
}

const fn default_max_calls() -> usize {
    1_024
}

const fn default_keepalive_interval_ms() -> u64 {
    20_000
}

const fn default_keepalive_timeout_ms() -> u64 {
    10_000
}

impl ClientConfig {
    /// A client of `spiffe_id` at `url` (`https://host:port`) with the default bounds.
    #[must_use]
    pub fn new(url: impl Into<String>, spiffe_id: SpiffeId) -> Self {
        Self {
            url: url.into(),
            spiffe_id,
            connect_timeout_ms: default_connect_timeout_ms(),
            max_calls: default_max_calls(),
            keepalive_interval_ms: default_keepalive_interval_ms(),
            keepalive_timeout_ms: default_keepalive_timeout_ms(),
        }
    }
}
