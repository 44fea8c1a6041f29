//! Large uploads go past the page cache, whatever the chunks and wherever they were interrupted.

use bytes::Bytes;
use ids::{Digests, Sha256Digest};

use super::{collect, id, local, sample, upload};
use crate::direct::Direct;

/// Past the bound, and no multiple of a page.
const LARGE_BYTES: usize = (17 << 20) + 4097;

#[tokio::test]
async fn a_large_upload_is_whole_whatever_the_chunks() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    for (number, chunk) in [256 * 1024, 100_000, (3 << 20) + 1].into_iter().enumerate() {
        let mut bytes = sample(LARGE_BYTES);
        bytes[0] = u8::try_from(number).unwrap();
        let stored = upload(&store, id(number as u128), &bytes, chunk).await.unwrap();
        assert_eq!(stored.digests, Digests::of(&bytes));
        let (_, download) = store.read_verified(&stored.digests.sha256).await.unwrap();
        assert!(collect(download).await.unwrap() == bytes, "chunks of {chunk}");
    }
}

#[tokio::test]
async fn a_large_upload_resumes_between_pages_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = sample(LARGE_BYTES);
    let digest = Sha256Digest::of(&bytes);
    for end in [(2 << 20) + 5, (9 << 20) + 4096, (9 << 20) + 4100] {
        let store = local(&directory);
        let mut upload = store.begin(id(1), digest, LARGE_BYTES as u64).await.unwrap();
        let from = usize::try_from(upload.offset()).unwrap();
        upload.write(Bytes::copy_from_slice(&bytes[from..end])).await.unwrap();
        assert_eq!(upload.suspend().await.unwrap(), end as u64);
    }
    let store = local(&directory);
    let stored = upload(&store, id(1), &bytes, 256 * 1024).await.unwrap();
    assert_eq!(stored.digests, Digests::of(&bytes));
    let (_, download) = store.read_verified(&digest).await.unwrap();
    assert!(collect(download).await.unwrap() == bytes);
}

#[test]
fn only_whole_pages_at_a_page_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, b"").unwrap();
    assert!(Direct::open(&path, 4096).is_none(), "small uploads stay in the cache");
    // Not every file system takes it.
    let Some(direct) = Direct::open(&path, 1 << 30) else { return };
    let block = [Bytes::from(vec![1; 5000]), Bytes::from(vec![2; 5000])];
    assert_eq!(direct.write_pages(&block, 100).unwrap(), 0);
    assert_eq!(direct.write_pages(&block[..0], 0).unwrap(), 0);
    let done = direct.write_pages(&block, 4096).unwrap();
    assert!(done == 8192 || done == 0, "{done}");
    if done > 0 {
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((bytes.len(), bytes[4096], bytes[9096]), (12_288, 1, 2));
    }
}
