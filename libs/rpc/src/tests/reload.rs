//! Identities from files: what fits together, and what happens when it changes.

use std::{
    collections::HashSet,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ids::{Role, SpiffeId};
use keys::ca::create_root;
use tonic::Code;

use super::{
    mesh::{Mesh, id, replace, serve_as, until, within},
    raw::{Raw, STAT, Shown},
    service::quick,
};
use crate::{IdentityError, MeshIdentity, identity::now, reason_of, reload::Polled};

#[test]
fn files_that_do_not_make_an_identity_are_refused_by_name() {
    let mesh = Mesh::new();
    let user = id(Role::User, "a");
    let files = mesh.write("a", &mesh.issue(&user, 60_000));
    let identity = MeshIdentity::load(&files).unwrap();
    assert_eq!(identity.spiffe_id(), &user);
    assert_eq!(identity.certificate_chain_der().len(), 1);
    assert_eq!(identity.roots_der(), vec![mesh.root.certificate_der.clone()]);
    assert!(identity.not_after() > now());

    let other = mesh.write("b", &mesh.issue(&user, 60_000));
    let mut mixed = files.clone();
    mixed.key.clone_from(&other.key);
    let error = MeshIdentity::load(&mixed).unwrap_err();
    assert!(matches!(error, IdentityError::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains("b.key.pem") && error.to_string().contains("a.crt.pem"));

    let mut missing = files.clone();
    missing.ca = "/nowhere/ca.pem".into();
    assert!(MeshIdentity::load(&missing).unwrap_err().to_string().contains("/nowhere/ca.pem"));

    let foreign_root = create_root("mesh.test", now(), 60_000, [5; 20]).unwrap();
    let mut foreign = files.clone();
    foreign.ca = mesh.directory.path().join("foreign.pem");
    replace(&foreign.ca, &foreign_root.certificate_pem);
    let error = MeshIdentity::load(&foreign).unwrap_err();
    assert!(matches!(error, IdentityError::Chain { .. }), "{error}");
    for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"] {
        replace(&foreign.ca, text);
        assert!(MeshIdentity::load(&foreign).is_err(), "{text:?}");
    }

    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = MeshIdentity::load(&files).unwrap_err();
    assert!(matches!(error, IdentityError::Key(keys::LoadKeyError::Mode { .. })), "{error}");
    let expired = mesh.write("c", &mesh.issue(&user, -30_000));
    assert!(
        crate::status::chain(&MeshIdentity::load(&expired).unwrap_err()).contains("CertExpired")
    );
}

#[test]
fn a_rotation_half_way_keeps_the_old_set() {
    let mesh = Mesh::new();
    let user = id(Role::User, "a");
    let files = mesh.write("a", &mesh.issue(&user, 60_000));
    let identity = MeshIdentity::load(&files).unwrap();
    let before = identity.certificate_chain_der();
    let next = mesh.issue(&user, 3_600_000);
    replace(&files.certificate, &next.certificate_pem);
    assert_eq!(identity.poll_files(), Polled::Refused);
    assert_eq!(identity.certificate_chain_der(), before, "certificate without its key");
    assert_eq!(identity.poll_files(), Polled::StillRefused, "logged once");
    keys::write_secret(&files.key, &next.key_pem).unwrap();
    assert_eq!(identity.poll_files(), Polled::Reloaded);
    assert_eq!(identity.certificate_chain_der(), vec![next.certificate_der.clone()]);
    let set = identity.current();
    let certified = keys::Certificate::parse(&set.certificate_chain_der()[0]).unwrap();
    let key = keys::SigningKey::public_key(&**set.signing_key()).clone();
    assert_eq!(certified.public_key(), &key, "certificate and key belong together");
    let generation = set.generation;
    assert_eq!(identity.poll_files(), Polled::Unchanged);
    assert_eq!(identity.current().generation, generation);

    let renamed = mesh.issue(&id(Role::User, "b"), 60_000);
    mesh.write("a", &renamed);
    let error = identity.reload_now().unwrap_err();
    assert!(matches!(error, IdentityError::Renamed { .. }), "{error}");
    assert_eq!(identity.certificate_chain_der(), [next.certificate_der]);
}

#[tokio::test]
async fn changed_files_are_found_by_themselves() {
    let mesh = Mesh::new();
    let user = id(Role::User, "a");
    let identity = MeshIdentity::load(&mesh.write("a", &mesh.issue(&user, 60_000))).unwrap();
    let shutdown = crate::CancellationToken::new();
    let task = identity.spawn_reload(shutdown.clone());
    let next = mesh.issue(&user, 3_600_000);
    mesh.write("a", &next);
    until("the new certificate is in use", || {
        identity.certificate_chain_der() == vec![next.certificate_der.clone()]
    })
    .await;
    shutdown.cancel();
    within("the watch ends", task).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identities_are_replaced_under_calls_without_a_failure() {
    let mesh = Mesh::new();
    let (hub, caller) = (id(Role::Scheduler, "hub"), id(Role::User, "caller"));
    let server_identity =
        MeshIdentity::load(&mesh.write("hub", &mesh.issue(&hub, 3_600_000))).unwrap();
    let identity = MeshIdentity::load(&mesh.write("c", &mesh.issue(&caller, 3_600_000))).unwrap();
    let server = serve_as(Arc::clone(&server_identity), |_| {}).await;
    let channel = crate::connect(&server.client_config(), Arc::clone(&identity)).unwrap();
    let client = proto::artifact::v1::artifact_service_client::ArtifactServiceClient::new(channel);
    let stop = crate::CancellationToken::new();
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (mut client, stop) = (client.clone(), stop.clone());
            tokio::spawn(async move {
                let mut keys = HashSet::new();
                while !stop.is_cancelled() {
                    let answer = client.stat(quick()).await.unwrap_or_else(|s| panic!("{s:?}"));
                    keys.insert(answer.metadata().get("key").unwrap().clone());
                }
                keys
            })
        })
        .collect();
    for _ in 0..10 {
        mesh.write("hub", &mesh.issue(&hub, 3_600_000));
        mesh.write("c", &mesh.issue(&caller, 3_600_000));
        server_identity.reload_now().unwrap();
        identity.reload_now().unwrap();
        let begun = server.probe.begun.load(Ordering::SeqCst);
        until("calls go on", || server.probe.begun.load(Ordering::SeqCst) > begun + 20).await;
    }
    stop.cancel();
    let mut keys = HashSet::new();
    for caller in callers {
        keys.extend(within("caller", caller).await.unwrap());
    }
    assert!(keys.len() >= 10, "the server saw {} of the client's keys", keys.len());
    server.end().await;
}

#[tokio::test]
async fn a_withdrawn_root_ends_the_calls_of_open_connections() {
    let mesh = Mesh::new();
    let server_identity = mesh.identity(Role::Scheduler, "hub");
    let server = serve_as(Arc::clone(&server_identity), |_| {}).await;
    let shown = Shown::new(&mesh.issue(&id(Role::User, "old"), 60_000));
    let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok));
    server_identity.reload_now().unwrap();
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok), "the same roots, read again");

    // The mesh moves to a new CA: new roots, new certificate, new key.
    let next = Mesh::new();
    let files = server_identity.files();
    let issued = next.issue(server_identity.spiffe_id(), 60_000);
    replace(&files.ca, &next.root.certificate_pem);
    replace(&files.certificate, &issued.certificate_pem);
    keys::write_secret(&files.key, &issued.key_pem).unwrap();
    server_identity.reload_now().unwrap();
    let answer = raw.call(STAT).await.unwrap();
    assert_eq!(answer.code, Some(Code::Unauthenticated), "{answer:?}");
    assert_eq!(reason_of(&answer.status()).as_deref(), Some("CERTIFICATE_NOT_TRUSTED"));
    let mut client = next.client(&server, Role::User);
    within("the new mesh", client.stat(quick())).await.unwrap();
    server.end().await;
}

#[tokio::test]
async fn a_client_of_two_roots_survives_the_servers_move() {
    let (old, next) = (Mesh::new(), Mesh::new());
    let both = format!("{}{}", old.root.certificate_pem, next.root.certificate_pem);
    replace(&old.ca(), &both);
    replace(&next.ca(), &both);
    let server = next.serve(|_| {}).await;
    let mut client = old.client(&server, Role::User);
    assert!(
        tokio::time::timeout(Duration::from_secs(20), client.stat(quick())).await.unwrap().is_ok()
    );
    let stranger = SpiffeId::new("other.test", Role::Scheduler, "hub").unwrap();
    assert_ne!(&stranger, &server.spiffe_id);
    server.end().await;
}
