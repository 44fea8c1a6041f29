//! Sending a file to the store; an upload that was cut short goes on where it stopped.

use std::{path::PathBuf, sync::Arc};

use bytes::{Bytes, BytesMut};
use ids::Digests;
use proto::artifact::v1::{UploadHeader, UploadRequest, UploadResponse, upload_request::Part};
use rpc::status::Status;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
    sync::mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use crate::{
    Artifacts, CallError, LocalFile, MAX_TRIES,
    call::{is_transient, pause},
};

/// Bytes in one message.
const CHUNK_BYTES: usize = 256 * 1024;
/// Messages read ahead of the network.
const CHUNKS_AHEAD: usize = 8;
/// How often an upload that is busy is asked for again before it is begun under another id.
const BUSY_TRIES: u32 = 4;
/// Derives upload ids, so that a later process of the same user finds what an earlier one sent.
const UPLOAD_NAMESPACE: Uuid = Uuid::from_u128(0x5b1d_9a54_6c1e_5c0e_9a3f_7d2e_8c41_a1b0);

/// Why a file did not reach the store.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The file cannot be read any more.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it was when it was hashed.
    #[error("{path} changed while it was being uploaded")]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// The store refused it or stayed unreachable.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadOutcome {
    /// The store had the bytes already.
    Existed,
    /// The bytes were sent, from this offset on.
    Sent {
        /// Bytes that an earlier try had left.
        resumed_at: u64,
    },
}

/// Called with the bytes that are on their way so far; at most once for each message.
type OnProgress = dyn Fn(u64) + Send + Sync;

/// What to do about a failed try.
enum Next {
    /// Go on under the same id.
    Resume,
    /// Begin under another id.
    Anew,
    /// The file is not what it was.
    Changed,
    /// Nothing: it is refused.
    Refused,
}

fn next(status: &Status, tries: u32) -> Next {
    match rpc::reason_of(status).as_deref() {
        // Another program of the same user sends the same file; or our own lost connection is not
        // noticed yet, which passes.
        Some("UPLOAD_BUSY") if tries > BUSY_TRIES => Next::Anew,
        Some("UPLOAD_DIFFERENT") => Next::Anew,
        Some("UPLOAD_SIZE" | "UPLOAD_DIGEST" | "UPLOAD_TOO_LONG") => Next::Changed,
        _ if is_transient(status) => Next::Resume,
        _ => Next::Refused,
    }
}

impl Artifacts {
    /// The same for the same file where there is a secret to make it from, else a fresh one.
    fn upload_id(&self, file: &LocalFile) -> Uuid {
        self.upload_secret.map_or_else(Uuid::new_v4, |secret| {
            let mut name = secret.to_vec();
            name.extend_from_slice(file.digests.sha256.as_bytes());
            name.extend_from_slice(&file.size.to_be_bytes());
            Uuid::new_v5(&UPLOAD_NAMESPACE, &name)
        })
    }

    /// Sends `file` unless the store has it.
    ///
    /// # Errors
    /// When the file changed or cannot be read, or the store refuses it or stays unreachable.
    pub async fn upload(
        &self,
        file: &LocalFile,
        on_progress: Arc<OnProgress>,
    ) -> Result<UploadOutcome, UploadError> {
        if self.is_stored(file.digests.sha256).await? {
            on_progress(file.size);
            return Ok(UploadOutcome::Existed);
        }
        let path = || file.path.clone();
        let mut id = self.upload_id(file);
        let (mut tries, mut furthest) = (1, 0);
        loop {
            let offset = self.committed(id).await?.min(file.size);
            if offset > furthest {
                // Slow is no failure: only tries that bring nothing count.
                (tries, furthest) = (1, offset);
            }
            let (status, read) = match self.send(file, id, offset, &on_progress).await {
                Ok(answer) => {
                    check(file, &answer)?;
                    return Ok(UploadOutcome::Sent { resumed_at: offset });
                }
                Err(failed) => failed,
            };
            if let Some(source) = read {
                return Err(match source.kind() {
                    std::io::ErrorKind::UnexpectedEof => UploadError::Changed { path: path() },
                    _ => UploadError::Read { path: path(), source },
                });
            }
            match next(&status, tries) {
                Next::Resume if tries < MAX_TRIES => {}
                Next::Anew if tries < MAX_TRIES => id = Uuid::new_v4(),
                Next::Changed => return Err(UploadError::Changed { path: path() }),
                Next::Resume | Next::Anew | Next::Refused => {
                    let what = format!("cannot upload {}", file.path.display());
                    return Err(CallError::new(what, status).into());
                }
            }
            tokio::time::sleep(pause(tries - 1)).await;
            tries += 1;
        }
    }

    /// One try; the error comes with that of the file, when that was the cause.
    async fn send(
        &self,
        file: &LocalFile,
        id: Uuid,
        offset: u64,
        on_progress: &Arc<OnProgress>,
    ) -> Result<UploadResponse, (Status, Option<std::io::Error>)> {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let header = UploadHeader {
            upload_id: id.to_string(),
            sha256: file.digests.sha256.to_hex(),
            size: file.size,
            offset,
            lease: None,
        };
        let reader = Reader {
            path: file.path.clone(),
            offset,
            size: file.size,
            on_progress: Arc::clone(on_progress),
        };
        let reading = tokio::spawn(reader.run(header, sender));
        let answer = self.raw().upload(ReceiverStream::new(receiver)).await;
        match answer {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => {
                let read = reading.await.ok().and_then(Result::err);
                Err((status, read))
            }
        }
    }
}

fn check(file: &LocalFile, answer: &UploadResponse) -> Result<(), CallError> {
    let Digests { sha256, sha512 } = &file.digests;
    let same = answer.sha256 == sha256.to_hex()
        && answer.sha512 == sha512.to_hex()
        && answer.size == file.size;
    if same {
        return Ok(());
    }
    let what = format!("cannot upload {}", file.path.display());
    Err(CallError::malformed(what, "the store answered with other digests"))
}

struct Reader {
    path: PathBuf,
    offset: u64,
    size: u64,
    on_progress: Arc<OnProgress>,
}

impl Reader {
    /// Feeds the stream; ends early without an error when the other side has gone.
    async fn run(
        self,
        header: UploadHeader,
        sender: mpsc::Sender<UploadRequest>,
    ) -> Result<(), std::io::Error> {
        let message = |part| UploadRequest { part: Some(part) };
        if sender.send(message(Part::Header(header))).await.is_err() {
            return Ok(());
        }
        let mut file = File::open(&self.path).await?;
        file.seek(std::io::SeekFrom::Start(self.offset)).await?;
        let mut sent = self.offset;
        while sent < self.size {
            let chunk = read_chunk(&mut file, self.size - sent).await?;
            if chunk.is_empty() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            sent += chunk.len() as u64;
            if sender.send(message(Part::Chunk(chunk))).await.is_err() {
                return Ok(());
            }
            (self.on_progress)(sent);
        }
        Ok(())
    }
}

/// A full chunk, or what is left before `rest` ends; empty at the end of the file.
async fn read_chunk(file: &mut File, rest: u64) -> Result<Bytes, std::io::Error> {
    let wanted = usize::try_from(rest).map_or(CHUNK_BYTES, |rest| rest.min(CHUNK_BYTES));
    let mut chunk = BytesMut::with_capacity(wanted);
    let mut bounded = file.take(wanted as u64);
    while chunk.len() < wanted {
        if bounded.read_buf(&mut chunk).await? == 0 {
            break;
        }
    }
    Ok(chunk.freeze())
}
