//! Outputs and log to the scheduler: each file was hashed once, is sent, and must be stored as it
//! was hashed.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    backoff::Backoff,
    failure::Failure,
    grpc::{CallError, Scheduler, UploadHead},
    order::LeaseKey,
    outputs::OutputFile,
};

/// Chunks between disk and network.
const QUEUE_CHUNKS: usize = 8;
/// Bytes in one message.
const CHUNK_BYTES: u64 = 256 * 1024;
/// How often a broken upload is taken up again.
const MAX_TRIES: u32 = 5;

/// Reads from `offset` on until the end, or until nobody listens; blocks.
fn read(mut file: File, offset: u64, sink: &mpsc::Sender<Bytes>) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    loop {
        let mut chunk = Vec::new();
        (&mut file).take(CHUNK_BYTES).read_to_end(&mut chunk)?;
        if chunk.is_empty() || sink.blocking_send(Bytes::from(chunk)).is_err() {
            return Ok(());
        }
    }
}

async fn send(
    scheduler: &Scheduler,
    key: LeaseKey,
    output: &OutputFile,
    head: UploadHead,
) -> Result<(), CallError> {
    let disk = |e: std::io::Error| CallError::Refused(format!("the file cannot be read: {e}"));
    let file = output.handle.try_clone().map_err(disk)?;
    let (sink, chunks) = mpsc::channel(QUEUE_CHUNKS);
    let offset = head.offset;
    let reader = tokio::task::spawn_blocking(move || read(file, offset, &sink));
    let stored = scheduler.upload(key, head, chunks).await;
    // The reader goes first: the next try shares the file's position with it.
    let sent = reader.await;
    let stored = stored?;
    if let Ok(Err(error)) = sent {
        return Err(disk(error));
    }
    if stored == output.file.digests {
        return Ok(());
    }
    Err(CallError::Answer("the stored bytes have other digests than the file"))
}

/// Sends one file, resuming where a broken call left off.
///
/// # Errors
/// The failure to tell; `None` when the lease is lost.
pub(crate) async fn upload(
    scheduler: &Scheduler,
    key: LeaseKey,
    output: &OutputFile,
) -> Result<(), Option<Failure>> {
    let upload_id = Uuid::new_v4().to_string();
    let mut backoff = Backoff::new(MAX_TRIES);
    let mut offset = 0;
    loop {
        let (sha256, size) = (output.file.digests.sha256, output.file.size);
        let head = UploadHead { upload_id: upload_id.clone(), sha256, size, offset };
        match send(scheduler, key, output, head).await {
            Ok(()) => return Ok(()),
            Err(CallError::LeaseLost) => return Err(None),
            Err(CallError::Away(_)) if backoff.pause().await => {
                offset = scheduler.uploaded(key, &upload_id).await.unwrap_or(0).min(size);
            }
            Err(error) => {
                let text = format!("{} cannot be uploaded: {error}", output.file.name);
                return Err(Some(Failure::infrastructure(&text)));
            }
        }
    }
}
