//! What goes through: right peers, deadlines, traces, metrics, reflection, the public listener.

use std::{sync::atomic::Ordering, time::Duration};

use ids::Role;
use proto::artifact::v1::{DownloadRequest, UploadRequest, upload_request::Part};
use telemetry::TelemetryConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_stream::StreamExt as _;
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::{v1, v1alpha};

use super::{
    mesh::{Mesh, id, until, within},
    raw::{Raw, STAT, Shown},
    service::{quick, slow},
};
use crate::reason_of;

#[tokio::test]
async fn the_right_peers_pass_and_the_handler_sees_who_they_are() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    for role in [Role::User, Role::Executor] {
        let identity = mesh.identity(role, "caller");
        let channel = crate::connect(&server.client_config(), identity.clone()).unwrap();
        channel.probe().await.unwrap();
        let mut client =
            proto::artifact::v1::artifact_service_client::ArtifactServiceClient::new(channel);
        let answer = client.stat(quick()).await.unwrap();
        assert_eq!(answer.metadata().get("peer").unwrap(), &id(role, "caller").to_string());
        let key = keys::SigningKey::public_key(&*identity.signing_key()).key_id();
        assert_eq!(answer.metadata().get("key").unwrap(), &key.to_string());
    }
    server.end().await;
}

#[tokio::test]
async fn large_streams_go_through_both_ways() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut client = mesh.client(&server, Role::User);
    let chunk = bytes::Bytes::from(vec![1; 256 * 1024]);
    let parts = (0..64).map(move |_| UploadRequest { part: Some(Part::Chunk(chunk.clone())) });
    let stored = client.upload(tokio_stream::iter(parts)).await.unwrap().into_inner();
    assert_eq!(stored.size, 64 * 256 * 1024);
    let request = DownloadRequest { sha256: "100".into(), ..DownloadRequest::default() };
    let mut parts = client.download(request).await.unwrap().into_inner();
    let mut size = 0;
    while let Some(part) = parts.next().await {
        size += part.unwrap().chunk.len();
    }
    assert_eq!(size, 100 * 64 * 1024);
    server.end().await;
}

#[tokio::test]
async fn a_call_ends_at_the_smaller_deadline_and_its_handler_is_dropped() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut client = mesh.client(&server, Role::User);
    let mut request = Request::new(slow(60_000));
    request.set_timeout(Duration::from_millis(100));
    let status = within("deadline", client.stat(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason_of(&status).as_deref(), Some("DEADLINE_EXCEEDED"));
    assert!(status.message().contains("ArtifactService/Stat"), "the server says it: {status:?}");
    until("the handler ends", || server.probe.running() == 0).await;

    // Without a wish of the caller, and with a larger one, the table's 5,000 ms hold.
    let left =
        |answer: &http::HeaderMap| -> u64 { answer["left-ms"].to_str().unwrap().parse().unwrap() };
    let shown = Shown::new(&mesh.issue(&id(Role::User, "raw"), 60_000));
    let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
    let answer = raw.call(STAT).await.unwrap();
    assert!((1_000..=5_000).contains(&left(&answer.headers)), "{answer:?}");
    let mut request = Request::new(quick());
    request.set_timeout(Duration::from_secs(3600));
    let answer = client.stat(request).await.unwrap();
    assert!(left(&answer.metadata().clone().into_headers()) <= 5_000);
    // A stream has none.
    let request = DownloadRequest { sha256: "stuck".into(), ..DownloadRequest::default() };
    let mut request = Request::new(request);
    request.set_timeout(Duration::from_millis(200));
    let mut parts = client.download(request).await.unwrap().into_inner();
    assert!(parts.next().await.unwrap().is_ok());
    let status = within("stream deadline", parts.next()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_go_through_and_calls_are_counted() {
    let config = TelemetryConfig {
        log_filter: "off".into(),
        metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
        ..TelemetryConfig::default()
    };
    let telemetry = telemetry::init(&config).unwrap();
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut client = mesh.client(&server, Role::User);
    let span = tracing::info_span!("caller");
    let ours = telemetry::trace_id(&span).unwrap();
    let answer = tracing::Instrument::instrument(client.stat(quick()), span).await.unwrap();
    let seen = answer.metadata().get("seen-traceparent").unwrap().to_str().unwrap();
    assert!(seen.starts_with(&format!("00-{ours}-")), "{seen} is not of trace {ours}");
    let shown = Shown::new(&mesh.issue(&id(Role::Scanner, "raw"), 60_000));
    let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
    raw.call(STAT).await.unwrap();
    raw.call("/nobody.v1.Nothing/Here").await.unwrap();
    let mut page =
        tokio::net::TcpStream::connect(telemetry.metrics_address().unwrap()).await.unwrap();
    page.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut text = String::new();
    page.read_to_string(&mut text).await.unwrap();
    for line in [
        "rpc_requests_total{method=\"aibom.artifact.v1.ArtifactService/Stat\",code=\"OK\"}",
        "rpc_requests_total{method=\"aibom.artifact.v1.ArtifactService/Stat\",code=\"PERMISSION_DENIED\"}",
        "rpc_requests_total{method=\"unlisted\",code=\"PERMISSION_DENIED\"}",
        "rpc_seconds_bucket{method=\"aibom.artifact.v1.ArtifactService/Stat\",le=",
        "rpc_ready 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    server.end().await;
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let channel = mesh.channel(&server, Role::Scanner);
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let ask = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut answers =
        client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.next().await.unwrap().unwrap());
    for name in ["aibom.artifact.v1.ArtifactService", "grpc.health.v1.Health"] {
        assert!(answer.contains(name), "{answer}");
    }
    assert!(!answer.contains("aibom.signer"), "only what this server answers for: {answer}");
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                "aibom.artifact.v1.ArtifactService".into(),
            ),
        ),
    };
    let mut answers =
        client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap();
    assert!(format!("{answer:?}").contains("FileDescriptorResponse"), "{answer:?}");
    server.end().await;
}

#[tokio::test]
async fn the_public_listener_answers_anybody_little_and_slowly() {
    let mesh = Mesh::new();
    let server = mesh
        .serve(|config| {
            config.public = true;
            config.limits.public_calls_per_second = 1;
            config.limits.public_burst = 5;
        })
        .await;
    let roots = vec![mesh.root.certificate_der.clone()];
    let channel = crate::connect_public(&server.client_config(), roots).unwrap();
    let mut health = HealthClient::new(channel.clone());
    assert!(health.check(HealthCheckRequest::default()).await.is_ok());
    let mut artifacts =
        proto::artifact::v1::artifact_service_client::ArtifactServiceClient::new(channel);
    let status = artifacts.stat(quick()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason_of(&status).as_deref(), Some("NO_CERTIFICATE"));
    let mut refused = None;
    for _ in 0..20 {
        if let Err(status) = health.check(HealthCheckRequest::default()).await {
            refused = Some(status);
            break;
        }
    }
    assert_eq!(reason_of(&refused.unwrap()).as_deref(), Some("RATE_LIMITED"));
    assert_eq!(server.probe.begun.load(Ordering::SeqCst), 0);
    server.end().await;
}
