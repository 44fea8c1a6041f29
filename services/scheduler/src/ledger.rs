//! The ledger as the scheduler believes it: an answer counts when it proves what it says under the
//! log policy of the trust root, and leads on from the newest checkpoint that was ever given.

mod judge;
mod newest_root;

use std::sync::Arc;

use bundle::{Inclusion, LedgerEntry, LoggedError, commitment};
use evidence::TrustRoot;
use ids::{Sha256Digest, SpiffeId, Timestamp};
pub(crate) use judge::Head;
use judge::{Lie, Link, link, newest_of, prove};
use newest_root::NewestRoot;
use tokio::sync::Mutex;

use crate::{grpc::Peers, records::Records, stages::StageError, tags::Tags};

/// Appends, and believes nothing. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    peers: Peers,
    records: Records,
    tags: Tags,
    root: NewestRoot,
    /// Held by whoever makes a checkpoint the newest.
    turn: Mutex<()>,
}

impl From<Lie> for StageError {
    fn from(lie: Lie) -> Self {
        let reason = lie.reason();
        tracing::error!(target: "audit", %reason, %lie, "the ledger's answer is not taken");
        metrics::counter!("scheduler_ledger_refused_total", "reason" => reason.as_str())
            .increment(1);
        Self { reason, message: format!("ledger: {lie}"), again: true }
    }
}

impl Ledger {
    pub(crate) fn new(peers: Peers, records: Records, tags: Tags) -> Self {
        let (root, turn) = (NewestRoot::default(), Mutex::new(()));
        Self(Arc::new(Shared { peers, records, tags, root, turn }))
    }

    /// Appends the commitment to `document` (exact envelope bytes), under the tag of `owner`.
    /// Idempotent by the salt.
    pub(crate) async fn append(
        &self,
        salt: Vec<u8>,
        document: &[u8],
        owner: &SpiffeId,
    ) -> Result<Inclusion, StageError> {
        let Shared { peers, records, tags, .. } = self.0.as_ref();
        let known = records.heads()?;
        let commitment = commitment(&salt, document);
        let tag = tags.of(owner, &commitment);
        let (entry, proof) = peers.append(&commitment, &tag).await?;
        let inclusion = Inclusion { salt, entry, proof };
        let judged = self.judged(|root| proved(&inclusion, document, root)).await?;
        let (said, head) = judged.map_err(|error| unproved(&error))?;
        if said.tag != tag {
            // Its owner's monitor does not know it, but it proves what it should, and the ledger
            // keeps the first tag for ever: to refuse it would hold the job for ever, too.
            tracing::error!(target: "audit", %commitment, "the ledger's entry has another tag");
            metrics::counter!("scheduler_ledger_retagged_total").increment(1);
        }
        self.follow(&known, &head).await?;
        Ok(inclusion)
    }

    /// When the ledger took a commitment, should it have it. Its word, which nothing proves.
    pub(crate) async fn logged_at(
        &self,
        commitment: &Sha256Digest,
    ) -> Result<Option<Timestamp>, StageError> {
        self.0.peers.logged_at(commitment).await
    }

    /// Takes note of a trust root that the signer publishes.
    pub(crate) fn learned(&self, root: &Arc<TrustRoot>) {
        self.0.root.learn(root);
    }

    /// What `judge` says under the trust root. The newest that was seen is good for a yes, also while the
    /// signer is away; before a no it is asked for a newer one.
    pub(crate) async fn judged<T, E>(
        &self,
        judge: impl Fn(&TrustRoot) -> Result<T, E> + Send,
    ) -> Result<Result<T, E>, StageError> {
        if let Some(yes) = self.0.root.get().and_then(|root| judge(&root).ok()) {
            return Ok(Ok(yes));
        }
        let root = Arc::new(self.0.peers.trust_root().await?);
        Ok(judge(&self.0.root.learn(&root)))
    }

    /// Holds `got` against the newest head of its log, and makes it the newest, durably, when it is
    /// later. `known` are the newest of when the ledger was asked.
    async fn follow(&self, known: &[Head], got: &Head) -> Result<(), StageError> {
        let Shared { peers, records, turn, .. } = self.0.as_ref();
        let known = newest_of(known, &got.origin);
        let mut mine = None;
        loop {
            let heads = records.heads()?;
            let newest = newest_of(&heads, &got.origin);
            // What is behind the newest needs a proof, but nobody's turn.
            let advances = newest.is_none_or(|newest| got.is_later_than(newest));
            match (advances, mine.is_some()) {
                (true, false) => {
                    mine = Some(turn.lock().await);
                    continue;
                }
                (false, true) => drop(mine.take()),
                (true, true) | (false, false) => {}
            }
            match link(known, newest, got)? {
                Link::Same => return Ok(()),
                Link::First => {}
                Link::Between { old, new } => {
                    let proof = peers.consistency(old.size, new.size).await?;
                    prove(old, new, &proof)?;
                }
            }
            return if advances { Ok(records.put_head(got).await?) } else { Ok(()) };
        }
    }
}

/// The entry, and the tree head that proves it.
fn proved(
    inclusion: &Inclusion,
    document: &[u8],
    root: &TrustRoot,
) -> Result<(LedgerEntry, Head), LoggedError> {
    let policy = root.log_policy().map_err(|e| LoggedError::Checkpoint(e.to_string()))?;
    let logged = inclusion.check(document, &policy)?;
    Ok((logged.entry().clone(), Head::of(logged.checkpoint())))
}

/// That too few witnesses have cosigned is no lie: they may be away.
fn unproved(error: &LoggedError) -> StageError {
    match error {
        LoggedError::Witnesses(_) => StageError::ours(format_args!("ledger: {error}")),
        LoggedError::Checkpoint(_) | LoggedError::Entry(_) | LoggedError::Inclusion(_) => {
            Lie::Unproved(error.to_string()).into()
        }
    }
}
