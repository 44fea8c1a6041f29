//! Health, and the order and the bound of the end.

use std::time::{Duration, Instant};

use ids::Role;
use proto::artifact::v1::DownloadRequest;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    mesh::{Mesh, until, within},
    service::{Probe, quick, slow},
};
use crate::{CancellationToken, HealthState, ServeError, Server, ServerConfig, Services};

const ARTIFACTS: &str = "aibom.artifact.v1.ArtifactService";

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

#[tokio::test]
async fn health_flips_for_all_services_at_once() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut health = HealthClient::new(mesh.channel(&server, Role::Ledger));
    for (ready, expected) in [(false, ServingStatus::NotServing), (true, ServingStatus::Serving)] {
        if ready {
            server.health.set_ready();
        } else {
            server.health.not_ready("the store is away");
            assert_eq!(server.health.state(), HealthState::NotReady("the store is away".into()));
        }
        for service in ["", ARTIFACTS] {
            let answer = health.check(about(service)).await.unwrap().into_inner();
            assert_eq!(answer.status(), expected, "{service:?}");
        }
    }
    let status = health.check(about("aibom.signer.v1.SignerService")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    server.end().await;
}

#[tokio::test]
async fn health_watches_hear_of_the_drain_and_end() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut health = HealthClient::new(mesh.channel(&server, Role::User));
    let mut watch = health.watch(about(ARTIFACTS)).await.unwrap().into_inner();
    let first = watch.next().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    server.shutdown.cancel();
    let last = within("not serving", watch.next()).await.unwrap().unwrap();
    assert_eq!(last.status(), ServingStatus::NotServing);
    assert!(within("the watch ends", watch.next()).await.is_none());
    within("the server ends", server.task).await.unwrap().unwrap();
    server.health.set_ready();
    assert_eq!(server.health.state(), HealthState::Draining, "draining is final");
}

#[tokio::test]
async fn calls_in_flight_end_well_and_new_ones_are_not_taken() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut client = mesh.client(&server, Role::User);
    let mut late = mesh.client(&server, Role::Executor);
    let in_flight = tokio::spawn(async move { client.stat(slow(400)).await });
    until("it runs", || server.probe.running() == 1).await;
    server.shutdown.cancel();
    until("draining", || server.health.state() == HealthState::Draining).await;
    let status = within("late call", late.stat(quick())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(within("in flight", in_flight).await.unwrap().is_ok());
    within("the server ends", server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stuck_stream_cannot_hold_up_the_end() {
    let mesh = Mesh::new();
    let server = mesh.serve(|config| config.drain_ms = 300).await;
    let mut client = mesh.client(&server, Role::User);
    let request = DownloadRequest { sha256: "stuck".into(), ..DownloadRequest::default() };
    let mut parts = client.download(request).await.unwrap().into_inner();
    assert!(parts.next().await.unwrap().is_ok());
    let started = Instant::now();
    server.shutdown.cancel();
    within("the server ends", server.task).await.unwrap().unwrap();
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(290), "the stream had its {took:?}");
    let status = within("the stream ends", parts.next()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}

#[tokio::test]
async fn an_end_without_connections_is_at_once_and_an_abort_leaves_nothing() {
    let mesh = Mesh::new();
    let server = mesh.serve(|config| config.drain_ms = 3_600_000).await;
    within("the server ends", server.end()).await;
    let server = mesh.serve(|_| {}).await;
    let mut client = mesh.client(&server, Role::User);
    let call = tokio::spawn(async move { client.stat(slow(60_000)).await });
    until("it runs", || server.probe.running() == 1).await;
    server.task.abort();
    until("the handler is dropped", || server.probe.running() == 0).await;
    assert!(within("the call ends", call).await.unwrap().is_err());
}

#[derive(Clone)]
struct Unlisted;

impl tonic::server::NamedService for Unlisted {
    const NAME: &'static str = "aibom.admin.v1.AdminService";
}

impl tower::Service<http::Request<tonic::body::Body>> for Unlisted {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: http::Request<tonic::body::Body>) -> Self::Future {
        std::future::ready(Ok(http::Response::new(tonic::body::Body::empty())))
    }
}

#[tokio::test]
async fn a_server_with_twins_or_unlisted_services_does_not_start() {
    use proto::artifact::v1::artifact_service_server::ArtifactServiceServer;
    let mesh = Mesh::new();
    let identity = mesh.identity(Role::Scheduler, "hub");
    let artifacts = || ArtifactServiceServer::new(Probe::default());
    let config = ServerConfig::default();
    let bound = Server::bind(config.clone(), identity.clone()).await.unwrap();
    let twins = Services::new().add(artifacts()).add(artifacts());
    let error = bound.serve(twins, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, ServeError::Duplicate(ARTIFACTS)), "{error}");
    let bound = Server::bind(config.clone(), identity.clone()).await.unwrap();
    let error = bound.serve(Services::new().add(Unlisted), CancellationToken::new()).await;
    assert!(matches!(error, Err(ServeError::NotListed(_))), "{error:?}");
    let bound = Server::bind(config, identity.clone()).await.unwrap();
    let taken = ServerConfig { listen: bound.local_addr(), ..ServerConfig::default() };
    let error = Server::bind(taken, identity).await.unwrap_err();
    assert!(error.to_string().contains(&bound.local_addr().to_string()), "{error}");
}
