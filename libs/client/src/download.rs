//! Getting bytes from the store by their digest; nothing is kept whose digest is another.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use ids::{Digests, Hasher, Sha256Digest};
use proto::artifact::v1::{DownloadRequest, DownloadResponse};
use rpc::status::{Code, Status};
use tokio::{fs::File, io::AsyncWriteExt as _};
use tonic::Streaming;

use crate::{
    Artifacts, CallError, MAX_TRIES,
    call::{is_transient, pause},
};

/// The longest document that is taken into memory, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 32 * 1024 * 1024;

/// Why bytes did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The store refused or stayed unreachable.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store sent other bytes than were asked for.
    #[error("the store sent bytes of SHA-256 {got} where {wanted} was asked for")]
    Digest {
        /// What was asked for.
        wanted: Sha256Digest,
        /// What came.
        got: Sha256Digest,
    },
    /// More bytes than the bound.
    #[error("the store has more than {limit} bytes for {wanted}")]
    TooLong {
        /// What was asked for.
        wanted: Sha256Digest,
        /// The bound in bytes.
        limit: u64,
    },
    /// The bytes cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// A download under way; connects again where it was cut off.
struct Incoming {
    artifacts: Artifacts,
    wanted: Sha256Digest,
    limit: u64,
    stream: Option<Streaming<DownloadResponse>>,
    hasher: Hasher,
    size: Option<u64>,
    failures: u32,
}

impl Incoming {
    async fn message(&mut self) -> Result<Option<DownloadResponse>, Status> {
        if self.stream.is_none() {
            let request = DownloadRequest {
                sha256: self.wanted.to_hex(),
                offset: self.hasher.length(),
                lease: None,
            };
            self.stream = Some(self.artifacts.raw().download(request).await?.into_inner());
        }
        match self.stream.as_mut() {
            Some(stream) => stream.message().await,
            None => Ok(None),
        }
    }

    /// The next bytes, hashed; `None` when all have come.
    async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        loop {
            if self.size.is_some_and(|size| size == self.hasher.length()) {
                return Ok(None);
            }
            let failed = match self.message().await {
                Ok(Some(message)) => {
                    if self.size.is_none() {
                        self.size = Some(message.size);
                    }
                    self.hasher.update(&message.chunk);
                    if self.hasher.length() > self.size.unwrap_or(0).min(self.limit) {
                        return Err(DownloadError::TooLong {
                            wanted: self.wanted,
                            limit: self.limit,
                        });
                    }
                    self.failures = 0;
                    if message.chunk.is_empty() {
                        continue;
                    }
                    return Ok(Some(message.chunk));
                }
                Ok(None) => Status::new(Code::Unavailable, "the stream ended before the bytes did"),
                Err(status) => status,
            };
            self.stream = None;
            self.failures += 1;
            if self.failures >= MAX_TRIES || !is_transient(&failed) {
                let what = format!("cannot download {}", self.wanted);
                return Err(CallError::new(what, failed).into());
            }
            tokio::time::sleep(pause(self.failures - 1)).await;
        }
    }

    fn finish(self) -> Result<Digests, DownloadError> {
        let digests = self.hasher.finish();
        if digests.sha256 == self.wanted {
            Ok(digests)
        } else {
            Err(DownloadError::Digest { wanted: self.wanted, got: digests.sha256 })
        }
    }
}

impl Artifacts {
    fn incoming(&self, wanted: Sha256Digest, limit: u64) -> Incoming {
        Incoming {
            artifacts: self.clone(),
            wanted,
            limit,
            stream: None,
            hasher: Hasher::new(),
            size: None,
            failures: 0,
        }
    }

    /// A document of at most [`MAX_DOCUMENT_BYTES`].
    ///
    /// # Errors
    /// When it does not arrive, is too long, or has another digest.
    pub async fn document(&self, wanted: Sha256Digest) -> Result<Vec<u8>, DownloadError> {
        let mut incoming = self.incoming(wanted, MAX_DOCUMENT_BYTES);
        let mut bytes = Vec::new();
        while let Some(chunk) = incoming.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        incoming.finish()?;
        Ok(bytes)
    }

    /// Writes the bytes of `wanted` to the new file `path`, durably, and gives their digests.
    /// What was written is left in place when it fails: the caller's directory is temporary.
    ///
    /// # Errors
    /// When the bytes do not arrive, have another digest, or cannot be written.
    pub async fn download(
        &self,
        wanted: Sha256Digest,
        path: &Path,
        on_progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Digests, DownloadError> {
        let write = |source| DownloadError::Write { path: path.to_owned(), source };
        let mut incoming = self.incoming(wanted, job::MAX_INPUT_BYTES);
        let mut file = File::create_new(path).await.map_err(write)?;
        while let Some(chunk) = incoming.next().await? {
            file.write_all(&chunk).await.map_err(write)?;
            on_progress(incoming.hasher.length());
        }
        file.flush().await.map_err(write)?;
        file.sync_all().await.map_err(write)?;
        incoming.finish()
    }
}
