//! Trace ids across headers, the log forms, and one process-wide start with exporter and metrics.

use std::{
    io::Write,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tracing_subscriber::{fmt::format::JsonFields, layer::SubscriberExt as _};

use super::*;
use crate::format::{JsonLines, TextLines};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Runs `body` under a subscriber like `init`'s, without an exporter, and returns what it logged.
fn logged(json: bool, body: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let registry =
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    if json {
        let layer = layer.fmt_fields(JsonFields::new()).event_format(JsonLines::new("a\"b\\c"));
        tracing::subscriber::with_default(registry.with(layer), body);
    } else {
        let layer = layer.event_format(TextLines::new());
        tracing::subscriber::with_default(registry.with(layer), body);
    }
    lines.text()
}

#[test]
fn a_trace_goes_through_without_an_exporter() {
    let text = logged(false, || {
        let mut incoming = HeaderMap::new();
        incoming.insert("traceparent", PARENT.parse().unwrap());
        incoming.insert("tracestate", "vendor=1".parse().unwrap());
        let span = tracing::info_span!("rpc");
        set_parent_context(&span, extract(&incoming));
        assert_eq!(trace_id(&span).as_deref(), Some(TRACE));
        let _entered = span.enter();
        tracing::info!("inside");
        let mut outgoing = HeaderMap::new();
        inject(&mut outgoing);
        let sent = outgoing["traceparent"].to_str().unwrap().to_owned();
        assert!(sent.starts_with(&format!("00-{TRACE}-")), "{sent}");
        assert!(!sent.contains("00f067aa0ba902b7"), "the child has its own span id");
        assert_eq!(outgoing["tracestate"], "vendor=1");
        assert_eq!(current_traceparent(), Some(sent));
    });
    assert!(text.contains("inside") && text.ends_with(&format!(" trace_id={TRACE}\n")), "{text}");
}

#[test]
fn stored_work_resumes_its_trace_and_bad_parents_start_a_new_one() {
    logged(false, || {
        let stage = tracing::info_span!("stage");
        set_parent(&stage, PARENT);
        assert_eq!(trace_id(&stage).as_deref(), Some(TRACE));
        let long = "0".repeat(5000);
        for bad in ["", "x", "00-0-0-01", &PARENT.to_uppercase(), &long] {
            let span = tracing::info_span!("stage");
            set_parent(&span, bad);
            let id = trace_id(&span).unwrap();
            assert!(id != TRACE && id.len() == 32, "{bad:?} gave {id}");
        }
    });
}

#[test]
fn without_a_trace_nothing_is_sent() {
    let mut headers = HeaderMap::new();
    inject(&mut headers);
    assert!(headers.is_empty());
    assert_eq!(current_traceparent(), None);
}

#[test]
fn json_lines_are_objects_with_service_and_trace_id() {
    let text = logged(true, || {
        tracing::info!(answer = 42, "outside");
        let span = tracing::info_span!("rpc", method = "m");
        set_parent(&span, PARENT);
        let _entered = span.enter();
        tracing::warn!("inside \"quotes\"");
    });
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["service"], "abc");
    assert_eq!(lines[0]["answer"], 42);
    assert!(lines[0].get("trace_id").is_none());
    assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(lines[1]["trace_id"], TRACE);
    assert_eq!(lines[1]["message"], "inside \"quotes\"");
    assert_eq!(lines[1]["span"]["method"], "m");
}

#[test]
fn configuration_is_strict_and_has_defaults() {
    assert_eq!(toml::from_str::<TelemetryConfig>("").unwrap(), TelemetryConfig::default());
    let config: TelemetryConfig =
        toml::from_str("service='s'\nlog_format='json'\nmetrics_listen='127.0.0.1:0'").unwrap();
    assert_eq!(config.log_format, LogFormat::Json);
    assert!(toml::from_str::<TelemetryConfig>("log_formt='json'").is_err());
}

/// A collector that notes the path and body of every export.
async fn collector() -> (String, mpsc::Receiver<(String, Bytes)>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, exports) = mpsc::sync_channel(16);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let sender = sender.clone();
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await?.to_bytes();
                    sender.try_send((path, body)).unwrap();
                    let response = Response::builder()
                        .header("content-type", "application/grpc")
                        .header("grpc-status", "0")
                        .body(Full::new(Bytes::new()));
                    Ok::<_, hyper::Error>(response.unwrap())
                }
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    (endpoint, exports)
}

async fn get(address: std::net::SocketAddr, request_line: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("{request_line} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn one_start_exports_spans_and_serves_metrics() {
    let refused = |change: fn(&mut TelemetryConfig)| {
        let mut config = TelemetryConfig::default();
        change(&mut config);
        init(&config).unwrap_err()
    };
    let filter = refused(|config| config.log_filter = "info,=,".into());
    assert!(matches!(filter, InitError::Filter { .. }), "{filter:?}");
    let tls = refused(|config| config.otlp_endpoint = Some("https://x:4317".into()));
    assert!(matches!(tls, InitError::Endpoint(_)), "{tls:?}");

    let (endpoint, exports) = collector().await;
    let config = TelemetryConfig {
        service: "telemetry-test".into(),
        otlp_endpoint: Some(endpoint),
        metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
        ..TelemetryConfig::default()
    };
    let telemetry = init(&config).unwrap();
    assert!(matches!(init(&TelemetryConfig::default()), Err(InitError::AlreadyStarted)));

    tracing::info_span!("exported-span").in_scope(|| tracing::info!("in a span"));
    metrics::counter!("tests_total", "kind" => "unit").increment(3);
    metrics::histogram!("test_seconds").record(0.003);
    let address = telemetry.metrics_address().unwrap();
    let page = get(address, "GET /metrics").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("tests_total{kind=\"unit\"} 3"), "{page}");
    assert!(page.contains("test_seconds_bucket{le=\"0.005\"} 1"), "{page}");
    assert!(get(address, "GET /").await.starts_with("HTTP/1.1 404"));
    assert!(get(address, "POST /metrics").await.starts_with("HTTP/1.1 405"));

    telemetry.shutdown().await;
    let (path, body) = exports.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("exported-span") && body.contains("telemetry-test"), "{body}");
}
