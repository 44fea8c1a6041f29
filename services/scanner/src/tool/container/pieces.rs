//! The digest of one file that the engine gives as a tar archive, piece by piece.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use futures::{Stream, StreamExt as _};
use ids::Sha256Digest;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

/// Pieces between the engine and the digest.
const PIECES_MAX: usize = 16;
/// The largest binary, in bytes.
const BINARY_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Reads what comes through the channel.
struct Pieces {
    receiver: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(piece) = self.receiver.blocking_recv() else { return Ok(0) };
            self.piece = piece;
        }
        (&mut self.piece).reader().read(buffer)
    }
}

/// SHA-256 of the only file in `archive`.
pub(super) async fn sha256_of_the_file<E: std::fmt::Display>(
    archive: impl Stream<Item = Result<Bytes, E>>,
) -> io::Result<Sha256Digest> {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let pieces = Pieces { receiver, piece: Bytes::new() };
    let digest = tokio::task::spawn_blocking(move || first_file(pieces));
    let mut archive = std::pin::pin!(archive);
    while let Some(piece) = archive.next().await {
        let piece = piece.map_err(|error| io::Error::other(error.to_string()))?;
        // The reader has what it wants, or the reason why not.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    digest.await.map_err(io::Error::other)?
}

fn first_file(pieces: Pieces) -> io::Result<Sha256Digest> {
    let mut archive = tar::Archive::new(pieces);
    let first = archive.entries()?.next().ok_or_else(|| io::Error::other("not there"))?;
    let mut file = first?;
    if !file.header().entry_type().is_file() {
        return Err(io::Error::other("no plain file"));
    }
    if file.size() > BINARY_BYTES_MAX {
        return Err(io::Error::other(format!("more than {BINARY_BYTES_MAX} bytes")));
    }
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    Ok(Sha256Digest::from_bytes(hasher.finalize().into()))
}
