//! Bounds on messages, streams, calls, connections, handshakes and time.

use std::{
    collections::HashSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use ids::Role;
use proto::artifact::v1::{StatRequest, UploadRequest, stat_request::Target, upload_request::Part};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Code;

use super::{
    mesh::{Mesh, Running, id, until, within},
    raw::{Raw, STAT, Shown, message, tls},
    service::{quick, slow},
};
use crate::reason_of;

fn user(mesh: &Mesh) -> Shown {
    Shown::new(&mesh.issue(&id(Role::User, "raw"), 60_000))
}

fn is(status: &tonic::Status, code: Code, reason: &str) -> bool {
    status.code() == code && reason_of(status).as_deref() == Some(reason)
}

#[tokio::test]
async fn a_message_longer_than_the_table_says_is_refused_at_its_prefix() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut client = mesh.client(&server, Role::User);
    let target = Some(Target::Sha256("x".repeat(5_000)));
    let status = client.stat(StatRequest { target, lease: None }).await.unwrap_err();
    assert!(is(&status, Code::ResourceExhausted, "MESSAGE_TOO_LARGE"), "{status:?}");
    let chunk = vec![0; (2 << 20) + 100].into();
    let part = UploadRequest { part: Some(Part::Chunk(chunk)) };
    let status = client.upload(tokio_stream::once(part)).await.unwrap_err();
    assert!(is(&status, Code::ResourceExhausted, "MESSAGE_TOO_LARGE"), "{status:?}");
    let raw = Raw::connect(server.address, Some(&user(&mesh))).await.unwrap();
    for (body, code) in [
        (vec![0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3], Code::ResourceExhausted),
        (vec![1, 0, 0, 0, 1, 0], Code::Unimplemented),
        (vec![7, 0, 0, 0, 1, 0], Code::Unimplemented),
    ] {
        let answer = raw.send("POST", STAT, "application/grpc", body).await.unwrap();
        assert_eq!(answer.code, Some(code), "{answer:?}");
    }
    for body in [vec![], vec![0, 0], message(&[0xff; 9])] {
        let answer = raw.send("POST", STAT, "application/grpc", body).await.unwrap();
        assert_ne!(answer.code, Some(Code::Ok), "{answer:?}");
    }
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok), "the connection lives on");
    server.end().await;
}

#[tokio::test]
async fn request_bytes_in_memory_are_bounded_in_all() {
    let mesh = Mesh::new();
    let server = mesh.serve(|config| config.limits.max_request_bytes_in_flight = 1_000).await;
    let mut client = mesh.client(&server, Role::User);
    let target = Some(Target::Sha256("x".repeat(2_000)));
    let status = client.stat(StatRequest { target, lease: None }).await.unwrap_err();
    assert!(is(&status, Code::ResourceExhausted, "SERVER_BUSY"), "{status:?}");
    for _ in 0..100 {
        client.stat(quick()).await.unwrap();
    }
    server.end().await;
}

#[tokio::test]
async fn calls_at_once_are_bounded_per_connection_and_in_all() {
    let mesh = Mesh::new();
    let server = mesh
        .serve(|config| {
            config.limits.max_concurrent_streams = 4;
            config.limits.max_calls = 3;
        })
        .await;
    let shown = user(&mesh);
    let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok), "settings have arrived");
    let mut client = mesh.client(&server, Role::User);
    client.stat(quick()).await.unwrap();
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.stat(slow(60_000)).await })
        })
        .collect();
    until("three run", || server.probe.running() == 3).await;
    let refused = raw.call(STAT).await.unwrap().status();
    assert!(is(&refused, Code::ResourceExhausted, "SERVER_BUSY"), "{refused:?}");
    let health = raw.call("/grpc.health.v1.Health/Check").await.unwrap();
    assert_eq!(health.code, Some(Code::Ok), "health is answered also when busy");
    for call in &calls {
        call.abort();
    }
    until("places are given back", || server.probe.running() == 0).await;
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok));
    server.end().await;
}

#[tokio::test]
async fn streams_beyond_the_connections_cap_wait() {
    let mesh = Mesh::new();
    let server = mesh.serve(|config| config.limits.max_concurrent_streams = 2).await;
    let mut client = mesh.client(&server, Role::User);
    client.stat(quick()).await.unwrap();
    let calls = (0..8).map(|_| {
        let mut client = client.clone();
        async move { client.stat(slow(20)).await.map(drop) }
    });
    let ended = within("all calls", futures::future::join_all(calls)).await;
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    assert_eq!(server.probe.most.load(Ordering::SeqCst), 2);
    server.end().await;
}

/// Waits for the server to close a socket and says how long that took.
async fn closed(mut stream: impl tokio::io::AsyncRead + Unpin) -> Duration {
    let started = Instant::now();
    let mut bytes = [0; 4096];
    within("the server closes", async {
        while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
    })
    .await;
    started.elapsed()
}

#[tokio::test]
async fn silent_and_slow_peers_are_closed() {
    let mesh = Mesh::new();
    let server = mesh
        .serve(|config| {
            config.limits.handshake_timeout_ms = 300;
            config.limits.idle_timeout_ms = 300;
        })
        .await;
    closed(TcpStream::connect(server.address).await.unwrap()).await;

    let (read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
    let slow_hello = tokio::spawn(async move {
        for byte in [0x16, 3, 1, 2, 0].iter().cycle() {
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    });
    closed(read).await;
    slow_hello.abort();

    let shown = user(&mesh);
    let no_preface = tls(server.address, Some(&shown), &rustls::version::TLS13).await.unwrap();
    let took = closed(no_preface).await;
    assert!(took >= Duration::from_millis(100), "closed after {took:?}, before its bound");

    let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok));
    until("an idle connection ends", || raw.is_closed()).await;
    server.end().await;
}

async fn is_served(server: &Running, shown: &Shown) -> bool {
    match Raw::connect(server.address, Some(shown)).await {
        Ok(raw) => within("call", raw.call(STAT)).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn connections_are_bounded_in_all_per_address_and_per_identity() {
    for bound in ["all", "address", "identity"] {
        let mesh = Mesh::new();
        let server = mesh
            .serve(|config| match bound {
                "all" => config.limits.max_connections = 2,
                "address" => config.limits.max_connections_per_ip = 2,
                _ => config.limits.max_connections_per_id = 2,
            })
            .await;
        let shown = user(&mesh);
        let first = Raw::connect(server.address, Some(&shown)).await.unwrap();
        let second = Raw::connect(server.address, Some(&shown)).await.unwrap();
        for held in [&first, &second] {
            assert_eq!(held.call(STAT).await.unwrap().code, Some(Code::Ok), "{bound}");
        }
        assert!(!is_served(&server, &shown).await, "a third connection: {bound}");
        if bound == "identity" {
            let other = Shown::new(&mesh.issue(&id(Role::User, "other"), 60_000));
            assert!(is_served(&server, &other).await, "another identity has its own bound");
        }
        drop(first);
        let give_up = Instant::now() + Duration::from_secs(20);
        while !is_served(&server, &shown).await {
            assert!(Instant::now() < give_up, "the place is given back: {bound}");
        }
        assert_eq!(second.call(STAT).await.unwrap().code, Some(Code::Ok), "{bound}");
        server.end().await;
    }
}

#[tokio::test]
async fn a_peer_that_abandons_calls_in_masses_is_cut_off() {
    let mesh = Mesh::new();
    let server = mesh.serve(|config| config.limits.max_abandoned_calls = 50).await;
    let mut healthy = mesh.client(&server, Role::Executor);
    healthy.stat(quick()).await.unwrap();
    let raw = Raw::connect(server.address, Some(&user(&mesh))).await.unwrap();
    let give_up = Instant::now() + Duration::from_secs(20);
    while !raw.is_closed() {
        assert!(Instant::now() < give_up, "the flood went on");
        let begun = server.probe.begun.load(Ordering::SeqCst);
        let call = raw.clone();
        let body = message(&[0x0a, 9, b's', b'l', b'o', b'w', b':', b'6', b'0', b'0', b'0']);
        let call =
            tokio::spawn(async move { call.send("POST", STAT, "application/grpc", body).await });
        while server.probe.begun.load(Ordering::SeqCst) == begun && !call.is_finished() {
            tokio::task::yield_now().await;
        }
        call.abort();
    }
    healthy.stat(quick()).await.unwrap();
    until("no handler is left", || server.probe.running() == 0).await;
    server.end().await;
}

#[tokio::test]
async fn a_request_stream_that_pauses_too_long_ends() {
    let mesh = Mesh::new();
    let server = mesh.serve(|config| config.limits.stream_idle_timeout_ms = 200).await;
    let mut client = mesh.client(&server, Role::User);
    let part = UploadRequest { part: Some(Part::Chunk(vec![1; 10].into())) };
    let silent =
        tokio_stream::StreamExt::chain(tokio_stream::once(part), futures::stream::pending());
    let status = within("idle stream", client.upload(silent)).await.unwrap_err();
    assert!(is(&status, Code::DeadlineExceeded, "STREAM_IDLE"), "{status:?}");
    server.end().await;
}

#[tokio::test]
async fn connections_age_out_without_a_failed_call() {
    let mesh = Mesh::new();
    let server = mesh.serve(|config| config.limits.max_connection_age_ms = 100).await;
    let client = mesh.client(&server, Role::User);
    let mut connections = HashSet::new();
    let give_up = Instant::now() + Duration::from_secs(20);
    while connections.len() < 6 {
        assert!(Instant::now() < give_up, "only {} connections", connections.len());
        let calls = (0..4).map(|_| {
            let mut client = client.clone();
            async move { client.stat(quick()).await }
        });
        for answer in futures::future::join_all(calls).await {
            let answer = answer.unwrap_or_else(|status| panic!("{status:?}"));
            connections.insert(answer.metadata().get("remote").unwrap().clone());
        }
    }
    server.end().await;
}
