//! Inputs into the attempt's directory: hashed while they arrive, compared before any byte is read.

use std::{
    fs::{OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::PathBuf,
};

use bytes::Bytes;
use ids::{Digests, Hasher};
use job::{InputFile, Reason};
use tokio::sync::mpsc;

use crate::{
    backoff::Backoff,
    failure::{Failure, Kind},
    grpc::{CallError, Scheduler},
    order::LeaseKey,
    statement::NamedFile,
    workdir::AttemptDir,
};

/// Chunks between network and disk.
const QUEUE_CHUNKS: usize = 16;
/// How often a broken download is taken up again.
const MAX_TRIES: u32 = 5;

/// Writes and hashes what arrives; stops when more arrives than was announced.
fn write(path: &PathBuf, size: u64, mut chunks: mpsc::Receiver<Bytes>) -> std::io::Result<Hasher> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut hasher = Hasher::new();
    while let Some(chunk) = chunks.blocking_recv() {
        hasher.update(&chunk);
        if hasher.length() > size {
            break;
        }
        file.write_all(&chunk)?;
    }
    file.flush()?;
    std::fs::set_permissions(path, Permissions::from_mode(0o444))?;
    Ok(hasher)
}

/// Brings the bytes from `offset` on; gives the offset that was reached.
async fn receive(
    scheduler: &Scheduler,
    key: LeaseKey,
    input: &InputFile,
    offset: u64,
    sink: &mpsc::Sender<Bytes>,
) -> (u64, Result<(), CallError>) {
    let mut reached = offset;
    let mut stream = match scheduler.download(key, input.sha256, offset).await {
        Ok(stream) => stream,
        Err(error) => return (reached, Err(error)),
    };
    loop {
        match stream.next().await {
            Ok(Some(chunk)) => {
                reached = reached.saturating_add(chunk.len() as u64);
                // A closed sink has its own error to tell.
                if sink.send(chunk).await.is_err() {
                    return (reached, Ok(()));
                }
            }
            Ok(None) => return (reached, Ok(())),
            Err(error) => return (reached, Err(error)),
        }
    }
}

fn mismatch(role: &str, input: &InputFile, digests: &Digests, length: u64) -> Option<Failure> {
    if length != input.size && digests.sha256 == input.sha256 {
        let text = format!("the {role} has {length} bytes, the request says {}", input.size);
        return Some(Failure::refused(Reason::InputMismatch, &text));
    }
    if digests.sha256 != input.sha256 {
        let text = format!(
            "the {role} arrived as sha256:{} ({length} bytes), the request names sha256:{}",
            digests.sha256, input.sha256
        );
        return Some(Failure::new(Kind::Infrastructure, Reason::InputMismatch, &text));
    }
    None
}

/// Fetches one input.
///
/// # Errors
/// When it cannot be had, or is not what the request names. `CallError::LeaseLost` comes back as
/// `None`.
async fn fetch_one(
    scheduler: &Scheduler,
    key: LeaseKey,
    dir: &AttemptDir,
    role: &'static str,
    input: &InputFile,
) -> Result<NamedFile, Option<Failure>> {
    let (sink, chunks) = mpsc::channel(QUEUE_CHUNKS);
    let (path, size) = (dir.input(role), input.size);
    let writer = tokio::task::spawn_blocking(move || write(&path, size, chunks));
    let mut backoff = Backoff::new(MAX_TRIES);
    let mut offset = 0;
    let received = loop {
        let (reached, result) = receive(scheduler, key, input, offset, &sink).await;
        offset = reached;
        match result {
            Err(error @ CallError::Away(_)) => {
                if !backoff.pause().await {
                    break Err(error);
                }
            }
            other => break other,
        }
    };
    drop(sink);
    let disk = |text: String| Some(Failure::infrastructure(&format!("the {role}: {text}")));
    let written = writer.await.map_err(|e| disk(e.to_string()))?;
    match received {
        Ok(()) => {}
        Err(CallError::LeaseLost) => return Err(None),
        Err(error) => return Err(disk(format!("cannot be fetched: {error}"))),
    }
    let hasher = written.map_err(|e| disk(format!("cannot be written: {e}")))?;
    let size = hasher.length();
    let digests = hasher.finish();
    if let Some(failure) = mismatch(role, input, &digests, size) {
        return Err(Some(failure));
    }
    Ok(NamedFile { name: role.to_owned(), digests, size })
}

/// Fetches the three inputs in their fixed order.
///
/// # Errors
/// The failure to tell; `None` when the lease is lost.
pub(crate) async fn fetch(
    scheduler: &Scheduler,
    key: LeaseKey,
    dir: &AttemptDir,
    inputs: &job::Inputs,
) -> Result<Vec<NamedFile>, Option<Failure>> {
    let mut files = Vec::new();
    for (role, input) in inputs.each() {
        files.push(fetch_one(scheduler, key, dir, role, input).await?);
    }
    Ok(files)
}
