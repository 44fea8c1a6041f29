//! Notices every trust root and policy that the signer publishes, and makes a record of each change
//! due; going back to an older one is a change, too.

use std::{sync::Arc, time::Duration};

use evidence::{About, Record};
use ids::{Sha256Digest, SpiffeId, Timestamp};
use schedule::Due;

use crate::{
    core::Core,
    grpc::Peers,
    ledger::Ledger,
    records::{RecordError, Records},
    stages::StageError,
};

/// The pause between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// Why it is not known what the signer publishes.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Call(#[from] StageError),
    #[error(transparent)]
    Records(#[from] RecordError),
    #[error("a record of it would be refused by every verifier: {0:?}")]
    Unfit(About),
}

/// The task.
pub(crate) struct KeyChanges {
    pub(crate) core: Core,
    pub(crate) records: Records,
    pub(crate) peers: Peers,
    /// It goes by the trust root, too.
    pub(crate) ledger: Ledger,
    /// The scheduler itself, whose these records are.
    pub(crate) own: SpiffeId,
}

impl KeyChanges {
    /// Runs until `shutdown`; a signer that is away is asked again.
    pub(crate) async fn run(self, shutdown: rpc::CancellationToken) {
        loop {
            match self.look().await {
                Ok(()) => {}
                Err(error @ LookError::Unfit(_)) => {
                    tracing::error!(target: "audit", %error, "a key change is not recorded");
                    metrics::counter!("scheduler_records_failed_total", "reason" => "unfit")
                        .increment(1);
                }
                Err(error) => tracing::debug!(%error, "cannot look at trust root and policy"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn look(&self) -> Result<(), LookError> {
        let (root, digest) = self.peers.signed_trust_root().await?;
        let root = Arc::new(root);
        self.ledger.learned(&root);
        self.note("trust-root", digest, About::TrustRoot { version: root.version, digest }).await?;
        let policy = self.peers.policy(&root).await?;
        let (name, version) = (policy.policy().name.clone(), policy.policy().version);
        let digest = policy.digest();
        self.note("policy", digest, About::Policy { name, version, digest }).await
    }

    async fn note(
        &self,
        kind: &'static str,
        digest: Sha256Digest,
        about: About,
    ) -> Result<(), LookError> {
        let record = Record::new(about, Timestamp::from(std::time::SystemTime::now()));
        if !record.is_bounded() {
            return Err(LookError::Unfit(record.about));
        }
        let due = Due::new(self.own.clone(), record);
        let about = due.record.about.clone();
        if self.records.due_anew(kind, digest, due).await? {
            self.core.made_due();
            tracing::info!(target: "audit", ?about, "the mesh goes by another key file");
        }
        Ok(())
    }
}
