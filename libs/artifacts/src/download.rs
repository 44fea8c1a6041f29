//! Reading artifacts: blocks off the disk or the bucket, hashed on the way, cut into chunks.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream::BoxStream};
use ids::{Digests, Hasher, Sha256Digest};
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};

use crate::{backend::Backend, names::key, store::blocking};

/// The largest chunk of a download, in bytes.
pub const READ_CHUNK_BYTES: usize = 256 * 1024;

/// How much is read off a disk at a time, in bytes.
const BLOCK_BYTES: u64 = 1024 * 1024;

/// Why an artifact could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store has no such artifact.
    #[error("no artifact {digest}")]
    NotFound {
        /// The digest asked for.
        digest: Sha256Digest,
    },
    /// The offset is past the end.
    #[error("the artifact has {size} bytes, so nothing begins at {offset}")]
    Offset {
        /// The offset asked for, in bytes.
        offset: u64,
        /// The artifact's size in bytes.
        size: u64,
    },
    /// The artifact is larger than the caller wants to hold.
    #[error("the artifact has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// The artifact's size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The stored bytes are not the artifact: they rotted, or the store lies. Use none of them.
    #[error("the stored bytes of artifact {expected} have SHA-256 {got}")]
    Mismatch {
        /// The digest asked for.
        expected: Sha256Digest,
        /// The digest of what is stored.
        got: Sha256Digest,
    },
    /// The store gave fewer or more bytes than it had announced.
    #[error("the stored bytes of artifact {digest} are not of the announced length")]
    Short {
        /// The digest asked for.
        digest: Sha256Digest,
    },
    /// The disk failed.
    #[error("cannot read the artifact")]
    Io(#[source] io::Error),
    /// The object store failed.
    #[error("the object store did not give the artifact")]
    Backend(#[source] object_store::Error),
}

/// What is computed over the bytes as they pass.
pub(crate) enum Hashing {
    Nothing,
    Sha256(Box<Sha256>),
    Both(Box<Hasher>),
}

impl Hashing {
    pub(crate) fn sha256() -> Self {
        Self::Sha256(Box::default())
    }

    pub(crate) fn both() -> Self {
        Self::Both(Box::default())
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Nothing => {}
            Self::Sha256(sha256) => sha256.update(bytes),
            Self::Both(hasher) => hasher.update(bytes),
        }
    }

    fn sha256_so_far(&self) -> Option<Sha256Digest> {
        match self {
            Self::Nothing => None,
            Self::Sha256(sha256) => {
                Some(Sha256Digest::from_bytes(Sha256::clone(sha256).finalize().into()))
            }
            Self::Both(hasher) => Some(Hasher::clone(hasher).finish().sha256),
        }
    }
}

enum Source {
    File(File),
    Stream(BoxStream<'static, object_store::Result<Bytes>>),
}

/// The bytes of an artifact, block by block. The last block comes only when the digest is right.
pub(crate) struct Blocks {
    digest: Sha256Digest,
    source: Source,
    remaining: u64,
    hashing: Hashing,
}

impl Blocks {
    /// The artifact's size and its blocks from `offset` on.
    pub(crate) async fn open(
        backend: &Backend,
        digest: &Sha256Digest,
        offset: u64,
        hashing: Hashing,
    ) -> Result<(u64, Self), ReadError> {
        let failed = |error| match error {
            object_store::Error::NotFound { .. } => ReadError::NotFound { digest: *digest },
            error => ReadError::Backend(error),
        };
        let location = key(digest);
        // A bucket is asked for the size first: it refuses ranges that begin at the end.
        let mut options = GetOptions::default();
        if offset > 0 {
            let size = backend.objects.head(&location).await.map_err(failed)?.size;
            if offset > size {
                return Err(ReadError::Offset { offset, size });
            }
            if offset == size {
                let source = Source::Stream(futures::stream::empty().boxed());
                return Ok((size, Self { digest: *digest, source, remaining: 0, hashing }));
            }
            options.range = Some(GetRange::Offset(offset));
        }
        let found = backend.objects.get_opts(&location, options).await.map_err(failed)?;
        let size = found.meta.size;
        let source = match found.payload {
            GetResultPayload::File(mut file, _) => {
                file.seek(SeekFrom::Start(offset)).map_err(ReadError::Io)?;
                Source::File(file)
            }
            GetResultPayload::Stream(stream) => Source::Stream(stream),
        };
        let remaining = size.saturating_sub(offset);
        Ok((size, Self { digest: *digest, source, remaining, hashing }))
    }

    /// The next block, or `None` after the last. A wrong digest is an error instead of the last.
    pub(crate) async fn next(mut self) -> Result<(Option<Bytes>, Self), ReadError> {
        if self.remaining == 0 {
            // Only an empty artifact gets here without a block to hold back.
            self.check()?;
            return Ok((None, self));
        }
        let digest = self.digest;
        let (block, mut blocks) = match self.source {
            Source::File(_) => blocking(move || self.read_file()).await.map_err(ReadError::Io)?,
            Source::Stream(ref mut stream) => {
                let block = stream.next().await.transpose().map_err(ReadError::Backend)?;
                let block = block.unwrap_or_default();
                self.hashing.update(&block);
                (block, self)
            }
        };
        let left = blocks.remaining.checked_sub(block.len() as u64);
        blocks.remaining = match left {
            Some(left) if !block.is_empty() => left,
            _ => return Err(ReadError::Short { digest }),
        };
        if blocks.remaining == 0 {
            blocks.check()?;
        }
        Ok((Some(block), blocks))
    }

    /// Both digests, when the blocks were opened to compute them and have been read to the end.
    pub(crate) fn digests(self) -> Option<Digests> {
        match self.hashing {
            Hashing::Both(hasher) if self.remaining == 0 => Some(hasher.finish()),
            _ => None,
        }
    }

    fn read_file(mut self) -> io::Result<(Bytes, Self)> {
        let length = self.remaining.min(BLOCK_BYTES);
        let mut block = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
        if let Source::File(file) = &mut self.source {
            file.take(length).read_to_end(&mut block)?;
        }
        self.hashing.update(&block);
        Ok((block.into(), self))
    }

    fn check(&self) -> Result<(), ReadError> {
        match self.hashing.sha256_so_far() {
            Some(got) if got != self.digest => {
                Err(ReadError::Mismatch { expected: self.digest, got })
            }
            _ => Ok(()),
        }
    }
}

/// The bytes of an artifact, in chunks of at most [`READ_CHUNK_BYTES`].
pub struct Download(BoxStream<'static, Result<Bytes, ReadError>>);

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").finish_non_exhaustive()
    }
}

impl Download {
    pub(crate) fn new(blocks: Blocks) -> Self {
        let state = (Bytes::new(), blocks);
        let chunks = futures::stream::try_unfold(state, |(mut block, mut blocks)| async move {
            if block.is_empty() {
                let (next, rest) = blocks.next().await?;
                blocks = rest;
                match next {
                    Some(next) => block = next,
                    None => return Ok(None),
                }
            }
            let chunk = block.split_to(block.len().min(READ_CHUNK_BYTES));
            Ok(Some((chunk, (block, blocks))))
        });
        Self(chunks.boxed())
    }
}

impl Stream for Download {
    type Item = Result<Bytes, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}
