//! The bar for uploads: a plain TLS 1.3 pair on the loopback; one side sends a file, the other
//! hashes what comes and throws it away. No HTTP, no gRPC, no disk.

use std::{
    fs::File,
    io::Read as _,
    net::Ipv4Addr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use sha2::{Digest as _, Sha256, Sha512};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::site::Site;

/// What is sent and read at a time, in bytes: as the uploader's chunks.
const CHUNK_BYTES: usize = 256 * 1024;

/// What the receiver hashes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hashes {
    /// SHA-256 alone.
    Sha256,
    /// SHA-256 and SHA-512, as every artifact has both; SHA-512 on a thread of its own.
    Both,
}

fn configs(site: &Site) -> anyhow::Result<(Arc<ServerConfig>, Arc<ClientConfig>)> {
    let party = &site.mesh.scheduler;
    let chain = vec![CertificateDer::from(party.certificate_der.clone())];
    let key = PrivateKeyDer::from_pem_slice(party.key_pem.as_bytes())?;
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(site.mesh.ca.certificate_der()))?;
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok((Arc::new(server), Arc::new(client)))
}

async fn receive(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    hashes: Hashes,
) -> anyhow::Result<u64> {
    let (socket, _) = listener.accept().await?;
    socket.set_nodelay(true)?;
    let mut stream = TlsAcceptor::from(config).accept(socket).await?;
    let (mut sha256, mut length) = (Sha256::new(), 0);
    let (sender, lane) = lane(hashes);
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while chunk.len() < CHUNK_BYTES && stream.read_buf(&mut chunk).await? > 0 {}
        if chunk.is_empty() {
            break;
        }
        length += chunk.len() as u64;
        let chunk = Arc::new(chunk);
        if let Some(sender) = &sender {
            sender.send(Arc::clone(&chunk)).await.context("the hashing thread ended")?;
        }
        sha256.update(chunk.as_slice());
    }
    std::hint::black_box(sha256.finalize());
    drop(sender);
    if let Some(lane) = lane {
        lane.await?;
    }
    stream.write_all(&[1]).await?;
    stream.shutdown().await?;
    Ok(length)
}

type Lane = (Option<tokio::sync::mpsc::Sender<Arc<Vec<u8>>>>, Option<tokio::task::JoinHandle<()>>);

/// The thread of SHA-512, where it is wanted; it may lag by a few chunks.
fn lane(hashes: Hashes) -> Lane {
    if hashes == Hashes::Sha256 {
        return (None, None);
    }
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Arc<Vec<u8>>>(8);
    let lane = tokio::task::spawn_blocking(move || {
        let mut sha512 = Sha512::new();
        while let Some(chunk) = receiver.blocking_recv() {
            sha512.update(chunk.as_slice());
        }
        std::hint::black_box(sha512.finalize());
    });
    (Some(sender), Some(lane))
}

/// Reads the file in a thread, so that reading and encrypting overlap as in the uploader.
fn read(path: &Path, sender: &tokio::sync::mpsc::Sender<Vec<u8>>) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() || sender.blocking_send(chunk).is_err() {
            return Ok(());
        }
    }
}

/// Sends the file at `path`; the time from the first byte read to the receiver's last hash.
pub(crate) async fn send(site: &Site, path: &Path, hashes: Hashes) -> anyhow::Result<Duration> {
    let (server, client) = configs(site)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let receiving = tokio::spawn(receive(listener, server, hashes));
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let name = ServerName::try_from("localhost")?;
    let mut stream = TlsConnector::from(client).connect(name, socket).await?;

    let begun = Instant::now();
    let (sender, mut chunks) = tokio::sync::mpsc::channel(8);
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || read(&path, &sender));
    let mut sent = 0;
    while let Some(chunk) = chunks.recv().await {
        stream.write_all(&chunk).await?;
        sent += chunk.len() as u64;
    }
    stream.shutdown().await?;
    reading.await??;
    let mut done = [0];
    stream.read_exact(&mut done).await?;
    let took = begun.elapsed();
    let received = receiving.await??;
    anyhow::ensure!(sent == received, "sent {sent} bytes, {received} came");
    Ok(took)
}
