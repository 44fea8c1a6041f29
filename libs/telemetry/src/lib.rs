//! Traces across services, metrics, and logs: one `init` in `main`, helpers for the wire.
//!
//! Libraries only use the `tracing` and `metrics` macros; nothing but this crate names an exporter.

mod config;
mod format;
mod init;
mod metrics_server;
mod program;
mod propagate;

pub use config::{LogFormat, TelemetryConfig};
pub use init::{InitError, Telemetry, init};
pub use program::own_program;
pub use propagate::{
    Context, current_traceparent, extract, inject, set_parent, set_parent_context, trace_id,
};

#[cfg(test)]
mod tests;
