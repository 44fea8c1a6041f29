//! What a ledger starts with.

use std::sync::Arc;

use ledger::{NotCosigned, Parts, Proofs, Witnessing};

use crate::stages::{parts, start_with};

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
