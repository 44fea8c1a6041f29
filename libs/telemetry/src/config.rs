//! What a service's configuration file says about logs, traces and metrics.

use std::net::SocketAddr;

use serde::Deserialize;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line per event.
    #[default]
    Text,
    /// One JSON object per event.
    Json,
}

/// The `[telemetry]` section of a service's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// The service's name in traces and JSON logs.
    pub service: String,
    /// How log lines look; they go to standard error.
    pub log_format: LogFormat,
    /// Which events are logged, in the syntax of `RUST_LOG` (`info,rpc=debug`).
    pub log_filter: String,
    /// Where spans go: an OTLP gRPC collector without TLS, `http://host:port`. None: nowhere.
    pub otlp_endpoint: Option<String>,
    /// Where `GET /metrics` answers Prometheus; port 0 picks a free one. None: no metrics.
    pub metrics_listen: Option<SocketAddr>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            service: "aibom".into(),
            log_format: LogFormat::Text,
            log_filter: "info".into(),
            otlp_endpoint: None,
            metrics_listen: None,
        }
    }
}
