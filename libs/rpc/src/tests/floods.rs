//! Peers that abuse HTTP/2 itself, frame by frame, while a healthy peer is served.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use ids::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    mesh::{Mesh, Running, id, until, within},
    raw::{Shown, message, tls},
    service::quick,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The header block of a gRPC call, in HPACK without compression (RFC 7541, section 6).
fn block() -> Vec<u8> {
    // :method POST and :scheme https from the static table, then two literals.
    let mut block = vec![0x83, 0x87];
    let mut literal = |name: u8, value: &str| {
        // The indexed names 4 (:path) and 31 (content-type), without indexing the value.
        block.extend_from_slice(if name == 4 { &[4] } else { &[15, 16] });
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    };
    literal(4, super::raw::STAT);
    literal(31, "application/grpc");
    block
}

fn rapid_reset(turn: u32) -> Vec<u8> {
    let stream = 2 * turn + 1;
    let mut frames = frame(HEADERS, END_HEADERS, stream, &block());
    frames.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    frames
}

fn endless_headers(turn: u32) -> Vec<u8> {
    if turn == 0 {
        return frame(HEADERS, 0, 1, &block());
    }
    // Never-indexed literals with names and values of their own.
    let field = [0x10, 1, b'a', 1, b'b'].repeat(3_000);
    frame(CONTINUATION, 0, 1, &field)
}

fn data_on_no_stream(turn: u32) -> Vec<u8> {
    frame(DATA, 0, 2 * turn + 1, &[0; 1_000])
}

fn not_http2(_turn: u32) -> Vec<u8> {
    vec![0xff; 20_000]
}

/// One proper call in the same frames: what the floods repeat is valid by itself.
async fn control(server: &Running, shown: &Shown) {
    let begun = server.probe.begun.load(Ordering::SeqCst);
    let mut stream = tls(server.address, Some(shown), &rustls::version::TLS13).await.unwrap();
    let mut frames = PREFACE.to_vec();
    frames.extend(frame(SETTINGS, 0, 0, &[]));
    frames.extend(frame(HEADERS, END_HEADERS, 1, &block()));
    frames.extend(frame(DATA, END_STREAM, 1, &message(&[])));
    stream.write_all(&frames).await.unwrap();
    until("the call arrives", || server.probe.begun.load(Ordering::SeqCst) == begun + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_are_cut_off_and_others_are_served() {
    type Flood = fn(u32) -> Vec<u8>;
    let floods: [(&str, Flood); 4] = [
        ("rapid reset", rapid_reset),
        ("endless headers", endless_headers),
        ("data on no stream", data_on_no_stream),
        ("no HTTP/2", not_http2),
    ];
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut healthy = mesh.client(&server, Role::Executor);
    healthy.stat(quick()).await.unwrap();
    let shown = Shown::new(&mesh.issue(&id(Role::User, "raw"), 60_000));
    control(&server, &shown).await;
    for (name, flood) in floods {
        let stream = tls(server.address, Some(&shown), &rustls::version::TLS13).await.unwrap();
        let (mut read, mut write) = tokio::io::split(stream);
        let closed = tokio::spawn(async move {
            let mut bytes = vec![0; 65_536];
            while matches!(read.read(&mut bytes).await, Ok(read) if read > 0) {}
        });
        let sender = tokio::spawn(async move {
            let mut first = PREFACE.to_vec();
            first.extend(frame(SETTINGS, 0, 0, &[]));
            let mut turn = 0;
            let mut sent = write.write_all(&first).await;
            while sent.is_ok() {
                sent = write.write_all(&flood(turn)).await;
                turn += 1;
            }
        });
        let started = Instant::now();
        while !closed.is_finished() {
            assert!(started.elapsed() < Duration::from_secs(20), "{name} went on");
            within(name, healthy.stat(quick())).await.unwrap();
        }
        within(name, sender).await.unwrap();
        until("no handler is left", || server.probe.running() == 0).await;
    }
    healthy.stat(quick()).await.unwrap();
    server.end().await;
}
