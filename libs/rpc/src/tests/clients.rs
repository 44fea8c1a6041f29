//! The client's side: one exact server, and failures that say what happened.

use ids::{Role, SpiffeId};
use proto::artifact::v1::artifact_service_client::ArtifactServiceClient;
use tonic::{Code, Status};

use super::{
    mesh::{Mesh, id, within},
    service::quick,
};
use crate::{Channel, ClientConfig, ConnectError, describe, reason_of};

async fn stat(channel: Channel) -> Result<(), Status> {
    within("call", ArtifactServiceClient::new(channel).stat(quick())).await.map(drop)
}

#[tokio::test]
async fn only_the_exact_server_is_talked_to() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let identity = mesh.identity(Role::User, "caller");
    for expected in [
        id(Role::Scheduler, "other"),
        id(Role::Signer, "hub"),
        SpiffeId::new("other.test", Role::Scheduler, "hub").unwrap(),
    ] {
        let config = ClientConfig { spiffe_id: expected.clone(), ..server.client_config() };
        let channel = crate::connect(&config, identity.clone()).unwrap();
        let status = stat(channel).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(reason_of(&status).as_deref(), Some("WRONG_SERVER"), "{status:?}");
        for part in [expected.to_string(), server.spiffe_id.to_string(), config.url] {
            assert!(status.message().contains(&part), "{part}: {status:?}");
        }
    }
    let other_mesh = Mesh::new();
    let channel =
        crate::connect(&server.client_config(), other_mesh.identity(Role::User, "caller")).unwrap();
    let status = stat(channel).await.unwrap_err();
    assert_eq!(reason_of(&status).as_deref(), Some("SERVER_NOT_TRUSTED"), "{status:?}");
    server.end().await;
}

#[tokio::test]
async fn an_absent_server_is_named_with_the_cause() {
    let mesh = Mesh::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = ClientConfig::new(format!("https://{free}"), id(Role::Signer, "main"));
    let channel = crate::connect(&config, mesh.identity(Role::User, "caller")).unwrap();
    let status = stat(channel.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let text = describe(&status);
    for part in ["UNREACHABLE", "/signer/main", &free.to_string(), "Connection refused", "hint:"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(channel.probe().await.is_err());

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let config = ClientConfig {
        connect_timeout_ms: 100,
        ..ClientConfig::new(url, id(Role::Signer, "main"))
    };
    let channel = crate::connect(&config, mesh.identity(Role::User, "caller")).unwrap();
    let status = stat(channel).await.unwrap_err();
    assert!(status.message().contains("no connection within 100 ms"), "{status:?}");
}

#[tokio::test]
async fn a_client_that_the_server_refuses_hears_that_it_was_its_certificate() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let foreign = SpiffeId::new("other.test", Role::User, "caller").unwrap();
    let channel = crate::connect(&server.client_config(), mesh.identity_of(&foreign)).unwrap();
    let status = stat(channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason_of(&status).as_deref(), Some("CERTIFICATE_REFUSED"), "{status:?}");
    let anonymous =
        crate::connect_public(&server.client_config(), vec![mesh.root.certificate_der.clone()])
            .unwrap();
    let status = stat(anonymous).await.unwrap_err();
    assert_eq!(reason_of(&status).as_deref(), Some("CERTIFICATE_REFUSED"), "{status:?}");
    server.end().await;
}

#[tokio::test]
async fn urls_are_strict() {
    let mesh = Mesh::new();
    let identity = mesh.identity(Role::User, "caller");
    for bad in [
        "http://h:1",
        "https://h",
        "https://h:1/path",
        "https://h:1?q",
        "https://u@h:1",
        "h:1",
        "",
        "https://:1",
        "spiffe://h:1",
    ] {
        let config = ClientConfig::new(bad, id(Role::Signer, "main"));
        let made = crate::connect(&config, identity.clone());
        assert!(matches!(made, Err(ConnectError::Url(_))), "{bad:?}");
    }
    for good in ["https://h:1", "https://127.0.0.1:1/", "https://[::1]:1"] {
        let config = ClientConfig::new(good, id(Role::Signer, "main"));
        assert!(crate::connect(&config, identity.clone()).is_ok(), "{good:?}");
    }
}

#[tokio::test]
async fn a_channel_finds_a_server_that_came_back() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let channel = mesh.channel(&server, Role::User);
    stat(channel.clone()).await.unwrap();
    let address = server.address;
    server.end().await;
    assert_eq!(stat(channel.clone()).await.unwrap_err().code(), Code::Unavailable);
    let server = mesh.serve(|config| config.listen = address).await;
    stat(channel).await.unwrap();
    server.end().await;
}
