//! Gives verified bytes their key: by rename in a local store, by upload to a bucket.

use std::{
    fs::{File, Permissions},
    io,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use ids::Sha256Digest;
use object_store::{ObjectStoreExt as _, PutMode, PutPayload, WriteMultipart};

use crate::{
    backend::{Backend, sync_directory},
    names::{key, relative_path},
    staged::Staged,
};

/// Up to this size a bucket gets an object in one request, which can say "only if absent", in bytes.
const SINGLE_PUT_BYTES: u64 = 8 * 1024 * 1024;

/// The most parts of a multipart upload that are under way at one time.
const PARTS_UNDER_WAY: usize = 4;

/// The most parts that S3 lets an object have.
const PARTS_MAX: u64 = 10_000;

/// Syncs the file, moves it to its key and makes the name durable. Blocks.
///
/// An object that is there already is replaced by these bytes, which have the same digest and were
/// just verified: nobody sees a difference, and one that rotted is healed.
pub(crate) fn publish_local(staged: &Staged, root: &Path, digest: &Sha256Digest) -> io::Result<()> {
    staged.syncer().sync()?;
    let target = root.join(relative_path(digest));
    std::fs::rename(staged.path(), &target)?;
    staged.file().set_permissions(Permissions::from_mode(0o400))?;
    target.parent().map_or(Ok(()), sync_directory)
}

/// Sends the staged file to the bucket, unless an object of that size is there already.
///
/// What is there may still be false: readers verify what they read.
pub(crate) async fn publish_remote(
    backend: &Backend,
    file: Arc<File>,
    digest: &Sha256Digest,
    size: u64,
) -> object_store::Result<()> {
    let objects = &backend.objects;
    let location = key(digest);
    match objects.head(&location).await {
        Ok(meta) if meta.size == size => return Ok(()),
        Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    if size <= SINGLE_PUT_BYTES {
        let payload = read_part(file, 0, size).await?;
        return put(backend, digest, payload).await.map(drop);
    }
    let part_bytes = SINGLE_PUT_BYTES.max(size.div_ceil(PARTS_MAX - 1));
    let upload = objects.put_multipart(&location).await?;
    let chunk = usize::try_from(part_bytes).unwrap_or(usize::MAX);
    let mut parts = WriteMultipart::new_with_chunk_size(upload, chunk);
    let mut offset = 0;
    while offset < size {
        let length = part_bytes.min(size - offset);
        match read_part(Arc::clone(&file), offset, length).await {
            Ok(part) => parts.put(part),
            Err(error) => {
                // The abort is a courtesy to the bucket; the read error is what matters.
                let _aborted = parts.abort().await;
                return Err(error);
            }
        }
        parts.wait_for_capacity(PARTS_UNDER_WAY).await?;
        offset = offset.saturating_add(length);
    }
    parts.finish().await.map(drop)
}

/// Puts small bytes under their key; false when something is there already, which stays.
pub(crate) async fn put(
    backend: &Backend,
    digest: &Sha256Digest,
    bytes: Bytes,
) -> object_store::Result<bool> {
    let payload = PutPayload::from_bytes(bytes);
    match backend.objects.put_opts(&key(digest), payload, PutMode::Create.into()).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn read_part(file: Arc<File>, offset: u64, length: u64) -> object_store::Result<Bytes> {
    let read = move || {
        let mut part = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact_at(&mut part, offset)?;
        Ok::<_, io::Error>(Bytes::from(part))
    };
    let part = tokio::task::spawn_blocking(read).await?;
    part.map_err(|error| object_store::Error::Generic { store: "staging", source: error.into() })
}
