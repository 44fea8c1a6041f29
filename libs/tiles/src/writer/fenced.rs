//! What a writer of a bucket, which nothing can lock, does so that it is the only one: conditional writes.

use ids::Sha256Digest;
use merkle::{Checkpoint, SignedCheckpoint, checkpoint::MAX_NOTE_BYTES, tile::CHECKPOINT_PATH};
use object_store::{
    Error as ObjectError, ObjectStoreExt as _, PutMode, PutPayload, UpdateVersion, path::Path,
};

use super::{FIRST_PATH, Head, Writer, verify};
use crate::{PublishError, SourceError};

/// The ETag of nothing: an exchange of it must fail.
const NO_ETAG: &str = "\"00000000000000000000000000000000\"";

impl Writer {
    /// Marks the first publication as under way. A bucket that writes over the mark where it was told not
    /// to (`If-None-Match`, `If-Match`) would fence nobody, and is refused.
    pub(super) async fn begin(&mut self) -> Result<(), PublishError> {
        let mark = Path::from(FIRST_PATH);
        let failed = |source| PublishError::Write { path: FIRST_PATH.to_owned(), source };
        let payload = || PutPayload::from_static(b"under way\n");
        if !self.marked {
            self.store.objects.put(&mark, payload()).await.map_err(failed)?;
            self.marked = true;
        }
        if self.lock.is_some() {
            return Ok(());
        }
        let other = UpdateVersion { e_tag: Some(NO_ETAG.to_owned()), version: None };
        for mode in [PutMode::Create, PutMode::Update(other)] {
            match self.store.objects.put_opts(&mark, payload(), mode.into()).await {
                Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => {}
                Err(source) => return Err(failed(source)),
                Ok(_) => return Err(PublishError::Unfenced { place: self.store.place.clone() }),
            }
        }
        Ok(())
    }

    /// Writes the checkpoint of a bucket over the one that this writer knows, and nothing else.
    pub(super) async fn put_checkpoint(
        &mut self,
        note: &str,
        checkpoint: &Checkpoint,
    ) -> Result<UpdateVersion, PublishError> {
        self.attempted.insert(Sha256Digest::of(note.as_bytes()));
        let path = Path::from(CHECKPOINT_PATH);
        loop {
            let mode = self
                .head
                .as_ref()
                .map_or(PutMode::Create, |head| PutMode::Update(head.version.clone()));
            let payload = PutPayload::from(note.to_owned());
            let version = match self.store.objects.put_opts(&path, payload, mode.into()).await {
                Ok(put) => put.into(),
                // S3 says so (409), too, while an earlier request for the checkpoint is under way.
                Err(source @ ObjectError::AlreadyExists { .. }) if self.is_unchanged().await? => {
                    return Err(PublishError::Write { path: CHECKPOINT_PATH.to_owned(), source });
                }
                Err(ObjectError::Precondition { .. } | ObjectError::AlreadyExists { .. }) => {
                    match self.adopt(note, checkpoint).await? {
                        Some(version) => version,
                        None => continue,
                    }
                }
                Err(source) => {
                    return Err(PublishError::Write { path: CHECKPOINT_PATH.to_owned(), source });
                }
            };
            self.attempted.clear();
            return Ok(version);
        }
    }

    /// Whether the checkpoint that is there is the one known, or neither is.
    async fn is_unchanged(&self) -> Result<bool, SourceError> {
        let found =
            self.store.find(CHECKPOINT_PATH, MAX_NOTE_BYTES).await?.map(|found| found.bytes);
        Ok(found.as_deref() == self.note().map(str::as_bytes))
    }

    /// Looks at the checkpoint that is there instead of the one known. `Some`: it is `note`. `None`:
    /// an earlier one of this writer, whose answer was lost, and which is the known one now.
    async fn adopt(
        &mut self,
        note: &str,
        checkpoint: &Checkpoint,
    ) -> Result<Option<UpdateVersion>, PublishError> {
        let Some(found) = self.store.find(CHECKPOINT_PATH, MAX_NOTE_BYTES).await? else {
            return Err(self.superseded(None));
        };
        if found.bytes == note.as_bytes() {
            return Ok(Some(found.version));
        }
        // Each is taken once, so this ends.
        let ours = self.attempted.remove(&Sha256Digest::of(&found.bytes));
        let head = ours.then(|| String::from_utf8_lossy(&found.bytes).into_owned());
        let head = head.and_then(|note| Some((verify(&note, &self.key).ok()?, note)));
        let Some((known, known_note)) = head else {
            return Err(self.superseded(Some(found.bytes.to_vec())));
        };
        let (published, offered) = (known.size, checkpoint.size);
        self.head = Some(Head { note: known_note, checkpoint: known, version: found.version });
        if offered < published {
            return Err(PublishError::Back { published, offered });
        }
        Ok(None)
    }

    fn superseded(&self, found: Option<Vec<u8>>) -> PublishError {
        let note = found.and_then(|bytes| String::from_utf8(bytes).ok());
        let head = note.and_then(|note| SignedCheckpoint::parse(&note).ok());
        let found = head.map_or_else(
            || "no checkpoint".to_owned(),
            |head| format!("{} of {} entries", head.unverified().origin, head.unverified().size),
        );
        PublishError::Superseded { found, place: self.store.place.clone() }
    }
}
