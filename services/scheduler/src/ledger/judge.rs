//! What to make of a checkpoint beside those that were given before. Pure.

use ids::Sha256Digest;
use job::Reason;
use merkle::Checkpoint;
use serde::{Deserialize, Serialize};

/// A tree head, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// The log's name. Another name is another log, which only the trust root can bring.
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: Sha256Digest,
}

impl Head {
    pub(crate) fn of(checkpoint: &Checkpoint) -> Self {
        let Checkpoint { origin, size, root } = checkpoint.clone();
        Self { origin, size, root }
    }

    /// Whether it is of the same log, and of more entries.
    pub(crate) fn is_later_than(&self, other: &Self) -> bool {
        self.origin == other.origin && self.size > other.size
    }
}

/// Why an answer of the ledger is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lie {
    /// It does not prove what it says.
    #[error("the answer proves nothing: {0}")]
    Unproved(String),
    /// Fewer entries than there were.
    #[error(
        "it had {had} entries and now shows {got}: it was rolled back; \
         restore its newest state, nothing is logged until then"
    )]
    RolledBack { had: u64, got: u64 },
    /// Other entries than there were.
    #[error(
        "the tree of {new} entries does not extend the one of {old} ({why}): its history was \
         exchanged; keep both checkpoints as evidence"
    )]
    Forked { old: u64, new: u64, why: String },
}

impl Lie {
    pub(crate) const fn reason(&self) -> Reason {
        match self {
            Self::Unproved(_) => Reason::LedgerLies,
            Self::RolledBack { .. } | Self::Forked { .. } => Reason::LedgerRolledBack,
        }
    }
}

/// The newest head of the log of that name: each log has a history of its own, and one that comes
/// back is held against its own.
pub(crate) fn newest_of<'a>(heads: &'a [Head], origin: &str) -> Option<&'a Head> {
    heads.iter().filter(|head| head.origin == origin).max_by_key(|head| head.size)
}

/// How an answer's head stands beside the newest one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Link<'a> {
    /// The first of its log.
    First,
    /// The very same.
    Same,
    /// The ledger must prove that `new` extends `old`; one of them is the answer's.
    Between { old: &'a Head, new: &'a Head },
}

/// Holds `got` against `known`, the newest head of when the ledger was asked, and `newest`, that of
/// now: answers may overtake each other, but none may be older than what was known before it.
pub(crate) fn link<'a>(
    known: Option<&Head>,
    newest: Option<&'a Head>,
    got: &'a Head,
) -> Result<Link<'a>, Lie> {
    if let Some(known) = known.filter(|known| known.is_later_than(got)) {
        return Err(Lie::RolledBack { had: known.size, got: got.size });
    }
    let Some(newest) = newest.filter(|newest| newest.origin == got.origin) else {
        return Ok(Link::First);
    };
    match newest.size.cmp(&got.size) {
        std::cmp::Ordering::Less => Ok(Link::Between { old: newest, new: got }),
        std::cmp::Ordering::Greater => Ok(Link::Between { old: got, new: newest }),
        std::cmp::Ordering::Equal if newest.root == got.root => Ok(Link::Same),
        std::cmp::Ordering::Equal => {
            let why = "the roots differ".to_owned();
            Err(Lie::Forked { old: newest.size, new: got.size, why })
        }
    }
}

/// Checks the ledger's proof that `new` extends `old`.
pub(crate) fn prove(old: &Head, new: &Head, proof: &[Sha256Digest]) -> Result<(), Lie> {
    merkle::verify_consistency(old.size, &old.root, new.size, &new.root, proof)
        .map_err(|error| Lie::Forked { old: old.size, new: new.size, why: error.to_string() })
}

#[cfg(test)]
mod tests;
