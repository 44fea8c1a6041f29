//! Notices every trust root and policy that the signer publishes, and makes a record of each due once.

use std::{collections::BTreeSet, time::Duration};

use evidence::{About, Record};
use ids::{Sha256Digest, SpiffeId, Timestamp};
use schedule::Due;

use crate::{
    core::Core,
    grpc::Peers,
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
}

/// The task.
pub(crate) struct KeyChanges {
    pub(crate) core: Core,
    pub(crate) records: Records,
    pub(crate) peers: Peers,
    /// The scheduler itself, whose these records are.
    pub(crate) own: SpiffeId,
}

impl KeyChanges {
    /// Runs until `shutdown`; a signer that is away is asked again.
    pub(crate) async fn run(self, shutdown: rpc::CancellationToken) {
        // What was seen since the start: the store knows the rest.
        let mut seen = BTreeSet::new();
        loop {
            if let Err(error) = self.look(&mut seen).await {
                tracing::debug!(%error, "cannot look at trust root and policy");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn look(&self, seen: &mut BTreeSet<Sha256Digest>) -> Result<(), LookError> {
        let (root, digest) = self.peers.signed_trust_root().await?;
        self.note(seen, digest, About::TrustRoot { version: root.version, digest }).await?;
        let policy = self.peers.policy(&root).await?;
        let (name, version) = (policy.policy().name.clone(), policy.policy().version);
        let digest = policy.digest();
        self.note(seen, digest, About::Policy { name, version, digest }).await
    }

    async fn note(
        &self,
        seen: &mut BTreeSet<Sha256Digest>,
        digest: Sha256Digest,
        about: About,
    ) -> Result<(), LookError> {
        if seen.contains(&digest) {
            return Ok(());
        }
        let at = Timestamp::from(std::time::SystemTime::now());
        let due = Due::new(self.own.clone(), Record::new(about, at));
        if self.records.due_once(&due).await? {
            self.core.made_due();
            tracing::info!(target: "audit", about = ?due.record.about, "the mesh has another key file");
        }
        seen.insert(digest);
        Ok(())
    }
}
