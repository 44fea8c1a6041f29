//! The ledger as the scheduler believes it: an answer counts when it proves what it says under the
//! log policy of the trust root, and leads on from the newest checkpoint that was ever given.

mod judge;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bundle::{Inclusion, LoggedError, commitment};
use evidence::TrustRoot;
use ids::SpiffeId;
pub(crate) use judge::Head;
use judge::{Lie, Link, link, prove};
use tokio::sync::Mutex;

use crate::{grpc::Peers, records::Records, stages::StageError, tags::Tags};

/// How long a trust root is used before it is asked for again.
const ROOT_TTL: Duration = Duration::from_secs(5);

/// Appends, and believes nothing. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    peers: Peers,
    records: Records,
    tags: Tags,
    root: Mutex<Option<(Instant, Arc<TrustRoot>)>>,
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
        let (root, turn) = (Mutex::new(None), Mutex::new(()));
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
        let known = records.head()?;
        let commitment = commitment(&salt, document);
        let tag = tags.of(owner, &commitment);
        let (entry, proof) = peers.append(&commitment, &tag).await?;
        let inclusion = Inclusion { salt, entry, proof };
        let head = self.proved(&inclusion, document).await?;
        let said = inclusion.check_entry(document).map_err(|e| Lie::Unproved(e.to_string()))?;
        if said.tag != tag {
            return Err(Lie::Unproved("the entry has another tag".to_owned()).into());
        }
        self.follow(known.as_ref(), &head).await?;
        Ok(inclusion)
    }

    /// The tree head that proves it. A trust root that may have changed meanwhile is asked for again.
    async fn proved(&self, inclusion: &Inclusion, document: &[u8]) -> Result<Head, StageError> {
        let (root, fresh) = self.root(false).await?;
        match proved(inclusion, document, &root) {
            Ok(head) => Ok(head),
            Err(error) if fresh => Err(unproved(&error)),
            Err(_) => {
                let (root, _) = self.root(true).await?;
                proved(inclusion, document, &root).map_err(|error| unproved(&error))
            }
        }
    }

    /// The trust root, and whether it was asked for just now.
    async fn root(&self, anew: bool) -> Result<(Arc<TrustRoot>, bool), StageError> {
        let mut kept = self.0.root.lock().await;
        match kept.as_ref() {
            Some((since, root)) if !anew && since.elapsed() < ROOT_TTL => {
                return Ok((Arc::clone(root), false));
            }
            _ => {}
        }
        let root = Arc::new(self.0.peers.trust_root().await?);
        *kept = Some((Instant::now(), Arc::clone(&root)));
        Ok((root, true))
    }

    /// Holds `got` against the newest head, and makes it the newest, durably, when it is later.
    /// `known` is the newest of when the ledger was asked.
    async fn follow(&self, known: Option<&Head>, got: &Head) -> Result<(), StageError> {
        let newest = self.0.records.head()?;
        if newest.as_ref() == Some(got) {
            return Ok(());
        }
        // What is behind the newest needs a proof, but nobody's turn.
        let behind = newest.as_ref().is_some_and(|newest| newest.is_later_than(got));
        let turn = if behind { None } else { Some(self.0.turn.lock().await) };
        let newest = if turn.is_some() { self.0.records.head()? } else { newest };
        match link(known, newest.as_ref(), got)? {
            Link::Same => return Ok(()),
            Link::First => {}
            Link::Between { old, new } => {
                let proof = self.0.peers.consistency(old.size, new.size).await?;
                prove(old, new, &proof)?;
                if new != got {
                    return Ok(());
                }
            }
        }
        Ok(self.0.records.put_head(got).await?)
    }
}

fn proved(inclusion: &Inclusion, document: &[u8], root: &TrustRoot) -> Result<Head, LoggedError> {
    let policy = root.log_policy().map_err(|e| LoggedError::Checkpoint(e.to_string()))?;
    let logged = inclusion.check(document, &policy)?;
    Ok(Head::of(logged.checkpoint()))
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
