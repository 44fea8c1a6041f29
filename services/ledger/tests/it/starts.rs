//! What a ledger starts with, and what it publishes then.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ledger::{NotCosigned, Parts, Proofs, Witnessing};

use crate::stages::{LINE, StubWitness, parts, start_with};

/// A log of one entry that was shown without witnesses, and published nowhere.
async fn shown_and_not_published(state: &Path) {
    let nowhere = Parts { tiles: None, ..parts(state, state, None) };
    let running = start_with(nowhere).await.unwrap();
    running.append(0, 20_000).await.unwrap();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lacks_the_quorum_of_now_is_not_published_before_it_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let (state, tiles) = (directory.path().join("state"), directory.path().join("tiles"));
    shown_and_not_published(&state).await;
    let witness = Arc::new(StubWitness::default());
    witness.away.store(true, Ordering::Relaxed);
    let running = start_with(parts(&state, &tiles, Some(&witness))).await.unwrap();
    let refused = running.append(0, 300).await.unwrap_err();
    assert!(refused.to_string().contains("too few witnesses"), "{refused}");
    // Whatever is due is published at the end.
    running.stop().await;
    assert!(!tiles.join("checkpoint").exists());
    witness.away.store(false, Ordering::Relaxed);
    let running = start_with(parts(&state, &tiles, Some(&witness))).await.unwrap();
    running.append(0, 20_000).await.unwrap();
    running.stop().await;
    assert!(std::fs::read_to_string(tiles.join("checkpoint")).unwrap().contains(LINE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_fails_halts_no_log_however_long_its_pace_is() {
    let directory = tempfile::tempdir().unwrap();
    let (state, tiles) = (directory.path().join("state"), directory.path().join("tiles"));
    shown_and_not_published(&state).await;
    // A first publication that was cut short, and a file where a folder belongs.
    std::fs::create_dir_all(tiles.join("tile/0")).unwrap();
    std::fs::write(tiles.join(".first-publication"), "under way\n").unwrap();
    std::fs::write(tiles.join("tile/0/000.p"), "").unwrap();
    let slow = Parts { publish_every: Duration::from_secs(60), ..parts(&state, &tiles, None) };
    let running = start_with(slow).await.unwrap();
    running.append(1, 20_000).await.unwrap();
    let log = Arc::clone(running.core.log());
    running.stop().await;
    assert_eq!((log.halted(), tiles.join("checkpoint").exists()), (None, false));
}

/// Witnesses to whom the log cannot prove what they ask for.
#[derive(Debug)]
struct StubUnconvinced;

#[tonic::async_trait]
impl Witnessing for StubUnconvinced {
    async fn cosign(&self, _: &str, _: u64, _: &Proofs) -> Result<String, NotCosigned> {
        Err(NotCosigned::Later("no proof from size 7".into()))
    }

    async fn first(&self, _: &str, _: u64, _: &Proofs) -> Result<Option<String>, NotCosigned> {
        Err(NotCosigned::Later("no proof from size 7".into()))
    }

    fn has_quorum(&self, _: &str) -> bool {
        false
    }

    fn collected(&self, _: u64) -> Option<String> {
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_prove_what_its_witnesses_ask_for_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let (state, tiles) = (directory.path().join("state"), directory.path().join("tiles"));
    let witnesses = Some(Arc::new(StubUnconvinced) as Arc<dyn Witnessing>);
    let unconvinced = Parts { witnesses, ..parts(&state, &tiles, None) };
    let refused = start_with(unconvinced).await.err().unwrap();
    assert!(refused.to_string().contains("no proof from size 7"), "{refused}");
}
