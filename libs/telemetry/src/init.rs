//! Starting and ending telemetry: the subscriber, the span exporter, the metrics page.

use std::{net::SocketAddr, time::Duration};

use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::task::JoinHandle;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::LevelFilter, fmt::format::JsonFields, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    LogFormat, TelemetryConfig,
    format::{JsonLines, TextLines},
    metrics_server,
};

/// The longest one export of spans takes, in milliseconds.
const EXPORT_TIMEOUT_MS: u64 = 5_000;
/// The longest the last flush takes, in milliseconds.
const SHUTDOWN_TIMEOUT_MS: u64 = 5_000;
/// Upper bounds of the histogram buckets of every metric named `*_seconds`, in seconds.
const SECONDS_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0];

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// `log_filter` is not in the syntax of `RUST_LOG`.
    #[error("telemetry.log_filter {filter:?} is not a log filter such as 'info,rpc=debug'")]
    Filter {
        /// The text that was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// `otlp_endpoint` is not a plain `http://` address.
    #[error(
        "telemetry.otlp_endpoint {0:?} must be http://host:port; for TLS, run a collector beside \
         the service"
    )]
    Endpoint(String),
    /// The span exporter could not be built.
    #[error("cannot export spans to {endpoint}")]
    Exporter {
        /// Where they should have gone.
        endpoint: String,
        /// What the exporter said.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// `metrics_listen` cannot be bound.
    #[error("cannot listen on telemetry.metrics_listen {address}")]
    Metrics {
        /// The address that was given.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// `init` ran outside of a tokio runtime.
    #[error("telemetry starts inside a tokio runtime")]
    NoRuntime,
    /// `init` ran twice in this process, or another subscriber or recorder is installed.
    #[error("telemetry was already started in this process")]
    AlreadyStarted,
}

/// Running telemetry; spans are flushed and the metrics page ends when it is dropped.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    metrics_address: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

impl Telemetry {
    /// Where `GET /metrics` answers, when it does.
    #[must_use]
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Flushes spans without blocking the runtime, for at most five seconds; call it last in
    /// `main`. Dropping does the same but blocks the thread.
    pub async fn shutdown(mut self) {
        let Some(provider) = self.provider.take() else {
            return;
        };
        let flushed = tokio::task::spawn_blocking(move || flush(&provider)).await;
        if flushed.is_err() {
            tracing::warn!("the last spans were not flushed");
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        if let Some(provider) = self.provider.take() {
            flush(&provider);
        }
    }
}

fn flush(provider: &SdkTracerProvider) {
    let bound = Duration::from_millis(SHUTDOWN_TIMEOUT_MS);
    if let Err(error) = provider.shutdown_with_timeout(bound) {
        tracing::debug!(%error, "span exporter ended with an error");
    }
}

fn provider(config: &TelemetryConfig) -> Result<SdkTracerProvider, InitError> {
    let resource = Resource::builder().with_service_name(config.service.clone()).build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(builder.build());
    };
    if !endpoint.starts_with("http://") {
        return Err(InitError::Endpoint(endpoint.clone()));
    }
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.clone())
        .with_timeout(Duration::from_millis(EXPORT_TIMEOUT_MS))
        .build()
        .map_err(|source| InitError::Exporter { endpoint: endpoint.clone(), source })?;
    Ok(builder.with_batch_exporter(exporter).build())
}

fn metrics_page(address: SocketAddr) -> Result<(SocketAddr, [JoinHandle<()>; 2]), InitError> {
    let failed = |source| InitError::Metrics { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    let suffix = metrics_exporter_prometheus::Matcher::Suffix("_seconds".into());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(suffix, &SECONDS_BUCKETS)
        .map_err(|_| InitError::AlreadyStarted)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| InitError::AlreadyStarted)?;
    metrics_server::spawn(listener, handle).map_err(failed)
}

/// Starts logs, traces and metrics for this process; once, first thing in `main`.
///
/// Trace ids exist and travel also without an exporter. Call it inside a tokio runtime.
///
/// # Errors
/// When the configuration does not hold, an address cannot be bound, or telemetry already runs.
pub fn init(config: &TelemetryConfig) -> Result<Telemetry, InitError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(InitError::NoRuntime);
    }
    let filter = EnvFilter::builder()
        .parse(&config.log_filter)
        .map_err(|source| InitError::Filter { filter: config.log_filter.clone(), source })?;
    let provider = provider(config)?;
    let tracer = provider.tracer("aibom");
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_filter(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(spans);
    match config.log_format {
        LogFormat::Text => {
            registry.with(lines.event_format(TextLines::new()).with_filter(filter)).try_init()
        }
        LogFormat::Json => registry
            .with(
                lines
                    .fmt_fields(JsonFields::new())
                    .event_format(JsonLines::new(&config.service))
                    .with_filter(filter),
            )
            .try_init(),
    }
    .map_err(|_| InitError::AlreadyStarted)?;
    let (metrics_address, tasks) = match config.metrics_listen {
        Some(address) => {
            let (bound, tasks) = metrics_page(address)?;
            (Some(bound), tasks.into())
        }
        None => (None, Vec::new()),
    };
    Ok(Telemetry { provider: Some(provider), metrics_address, tasks })
}
