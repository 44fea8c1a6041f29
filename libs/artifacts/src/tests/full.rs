//! A disk that is full: said as such, nothing half stored, and over when there is room.

use std::{path::Path, process::Command};

use bytes::Bytes;
use ids::{Digests, Sha256Digest};

use super::{id, local, sample, upload};
use crate::{FinishError, PutError, Stored, UploadId, WriteError};

/// A small tmpfs over a directory, unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount(size: &str) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(directory.path());
        let output = command.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "a tmpfs stays mounted");
    }
}

async fn try_upload(
    store: &crate::ArtifactStore,
    id: UploadId,
    bytes: &[u8],
) -> Result<Stored, FinishError> {
    let size = bytes.len() as u64;
    let mut upload = store.begin(id, Sha256Digest::of(bytes), size).await.unwrap();
    let from = usize::try_from(upload.offset()).unwrap();
    for chunk in bytes[from..].chunks(100_000) {
        let chunk = Bytes::copy_from_slice(chunk);
        upload.write(chunk).await.map_err(FinishError::Write)?;
    }
    upload.finish().await
}

#[tokio::test]
async fn a_full_disk_is_said_and_the_upload_resumes_when_there_is_room() {
    let small = match Small::mount("12m") {
        Ok(small) => small,
        Err(reason) => {
            println!("skipped: cannot mount a tmpfs: {reason}");
            return;
        }
    };
    let store = local(&small.0);
    let kept = upload(&store, id(1), &sample(1 << 20), 100_000).await.unwrap();
    std::fs::write(small.path().join("ballast"), vec![1; 5 << 20]).unwrap();
    let bytes = sample(8 << 20);
    let full = try_upload(&store, id(2), &bytes).await;
    assert!(matches!(full, Err(FinishError::Write(WriteError::Full(_)))), "{full:?}");
    // Pages are left for nothing at all: small documents are refused too, and leave no trace.
    let put = store.put_bytes(&sample(4 << 20)).await;
    assert!(matches!(put, Err(PutError::Full(_))), "{put:?}");
    assert_eq!(store.stat(&Sha256Digest::of(&sample(4 << 20))).await.unwrap(), None);
    assert_eq!(store.stat(&Sha256Digest::of(&bytes)).await.unwrap(), None);
    store.rehash(&kept.digests.sha256).await.unwrap();
    std::fs::remove_file(small.path().join("ballast")).unwrap();
    let writer = store.begin(id(2), Sha256Digest::of(&bytes), bytes.len() as u64).await.unwrap();
    assert!(writer.offset() > 0, "nothing was left to resume");
    drop(writer);
    let stored = try_upload(&store, id(2), &bytes).await.unwrap();
    assert_eq!(stored.digests, Digests::of(&bytes));
    assert_eq!(store.rehash(&stored.digests.sha256).await.unwrap(), stored.digests);
    drop(store);
}
