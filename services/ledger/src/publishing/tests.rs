//! A publisher over a directory that cannot be written for a while.

use bundle::{TAG_BYTES, Tag};
use ids::{Sha256Digest, Timestamp};
use keys::FileKey;
use store::Durable;

use super::*;
use crate::{Leaf, Shows, SignKey, TABLES};

/// A log of one entry.
fn log(state: &std::path::Path) -> Log {
    let store = Durable::open_with_reserve(state.join("ledger.redb"), TABLES, 0).unwrap();
    let pem = keys::generate_ed25519(&[1; 32]).unwrap();
    let key = SignKey::new(FileKey::from_pem(&pem).unwrap(), "mesh.test/ledger").unwrap();
    let log = Log::replay(store, key, Shows::Committed).unwrap();
    let leaf = Leaf { commitment: Sha256Digest::of(b"one"), tag: Tag::from_bytes([7; TAG_BYTES]) };
    log.append(&[leaf], Timestamp::from_unix_ms(1)).unwrap();
    log
}

async fn publisher(log: Log, state: &std::path::Path, tiles: &std::path::Path) -> Publisher {
    let (log, place) = (Arc::new(log), tiles.to_str().unwrap().to_owned());
    let writer = Some(crate::core::open(&log, &place).await.unwrap());
    let (state, pace) = (state.to_owned(), Duration::from_millis(1));
    Publisher { log, witnesses: None, writer, last: 0, place, state, pace, unswept: false }
}

#[test]
fn after_a_write_that_failed_the_next_attempt_publishes() {
    let (state, tiles) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log(state.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut publisher = publisher(log, state.path(), tiles.path()).await;
        // A file where the folder of the tiles belongs.
        let in_the_way = tiles.path().join("tile");
        std::fs::write(&in_the_way, b"").unwrap();
        let refused = publisher.attempt().await.unwrap_err();
        assert!(matches!(refused, PublishError::Broke { .. }), "{refused}");
        std::fs::remove_file(&in_the_way).unwrap();
        publisher.attempt().await.unwrap();
        assert_eq!(publisher.published(), 1);
    });
}
