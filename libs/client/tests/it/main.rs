//! Uploads and downloads against a store that cuts connections, lies, and is busy.
#![expect(clippy::unwrap_used, reason = "a failed step of a test fails the test")]

mod store;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use client::{DownloadError, LocalFile, UploadError, UploadOutcome};
use ids::Sha256Digest;
use store::{Fault, Store};

const MIB: usize = 1024 * 1024;

fn file(directory: &tempfile::TempDir, bytes: &[u8]) -> LocalFile {
    let path = directory.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    LocalFile::hash(&path).unwrap()
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

fn silent() -> Arc<dyn Fn(u64) + Send + Sync> {
    Arc::new(|_| {})
}

#[tokio::test]
async fn an_upload_that_is_cut_goes_on_where_it_stopped() {
    let store = Store::start().await;
    let directory = tempfile::tempdir().unwrap();
    let content = bytes(3 * MIB + 17);
    let file = file(&directory, &content);
    store.faults([Fault::CutUploadAfter(MIB), Fault::CutUploadAfter(2 * MIB)]);
    let highest = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&highest);
    let progress = Arc::new(move |sent| {
        seen.fetch_max(sent, Ordering::Relaxed);
    });
    let outcome = store.artifacts().upload(&file, progress).await.unwrap();
    assert_eq!(outcome, UploadOutcome::Sent { resumed_at: 2 * MIB as u64 });
    assert_eq!(highest.load(Ordering::Relaxed), file.size);
    assert_eq!(store.stored(file.digests.sha256), Some(content));
    assert_eq!(store.received(), file.size, "no byte was kept twice");
    let again = store.artifacts().upload(&file, silent()).await.unwrap();
    assert_eq!(again, UploadOutcome::Existed);
}

#[tokio::test]
async fn a_later_process_resumes_with_the_same_secret_only() {
    let store = Store::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = file(&directory, &bytes(2 * MIB));
    // The first process meets nothing but cuts before the first byte of each further try.
    store.faults(std::iter::once(Fault::CutUploadAfter(MIB)).chain([Fault::RefuseUpload; 1]));
    let first = store.artifacts().with_upload_secret([1; 32]);
    assert!(matches!(first.upload(&file, silent()).await, Err(UploadError::Call(_))));
    let other = store.artifacts().with_upload_secret([2; 32]);
    store.faults([Fault::RefuseUpload]);
    assert!(other.upload(&file, silent()).await.is_err());
    let later = store.artifacts().with_upload_secret([1; 32]);
    let outcome = later.upload(&file, silent()).await.unwrap();
    assert_eq!(outcome, UploadOutcome::Sent { resumed_at: MIB as u64 });
}

#[tokio::test]
async fn an_upload_of_another_content_under_our_id_is_begun_anew() {
    let store = Store::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = file(&directory, &bytes(MIB));
    store.faults([Fault::DifferentUpload]);
    let artifacts = store.artifacts().with_upload_secret([1; 32]);
    let outcome = artifacts.upload(&file, silent()).await.unwrap();
    assert_eq!(outcome, UploadOutcome::Sent { resumed_at: 0 });
}

#[tokio::test]
async fn a_file_that_changed_is_noticed() {
    let store = Store::start().await;
    let directory = tempfile::tempdir().unwrap();
    let shorter = file(&directory, &bytes(MIB));
    std::fs::write(&shorter.path, bytes(MIB / 2)).unwrap();
    let refused = store.artifacts().upload(&shorter, silent()).await;
    assert!(matches!(refused, Err(UploadError::Changed { .. })), "{refused:?}");
    let other = file(&directory, &bytes(MIB));
    std::fs::write(&other.path, vec![0; MIB]).unwrap();
    let refused = store.artifacts().upload(&other, silent()).await;
    assert!(matches!(refused, Err(UploadError::Changed { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_download_that_is_cut_goes_on_and_a_changed_byte_is_refused() {
    let store = Store::start().await;
    let directory = tempfile::tempdir().unwrap();
    let content = bytes(3 * MIB + 5);
    let digest = store.put(content.clone());
    store.faults([Fault::CutDownloadAfter(MIB), Fault::CutDownloadAfter(MIB)]);
    let path = directory.path().join("out");
    let digests = store.artifacts().download(digest, &path, &|_| {}).await.unwrap();
    assert_eq!(digests.sha256, digest);
    assert_eq!(std::fs::read(&path).unwrap(), content);
    assert_eq!(store.artifacts().document(digest).await.unwrap(), content);

    store.faults([Fault::FlipDownload]);
    let refused = store.artifacts().document(digest).await;
    assert!(matches!(refused, Err(DownloadError::Digest { .. })), "{refused:?}");
    let taken = store.artifacts().download(digest, &path, &|_| {}).await;
    assert!(matches!(taken, Err(DownloadError::Write { .. })), "an existing file stays");
    let none = store.artifacts().document(Sha256Digest::of(b"none")).await;
    assert!(matches!(none, Err(DownloadError::Call(error)) if error.is_not_found()));
}

#[tokio::test]
async fn a_store_that_sends_more_than_it_promised_is_refused() {
    let store = Store::start().await;
    // The byte too many comes in the last message: one after it would not even be read.
    let digest = store.put(bytes(MIB - 3));
    store.faults([Fault::OversizeDownload]);
    let refused = store.artifacts().document(digest).await;
    assert!(matches!(refused, Err(DownloadError::TooLong { .. })), "{refused:?}");
}
