//! Whose a ledger entry is, to its owner alone: the mesh's tag secret, and the keys that follow.

use bundle::{Tag, monitor_key};
use ids::{Sha256Digest, SpiffeId};

use crate::records::{RecordError, Records};

/// Makes tags and monitor keys. Whoever has its secret can tell whose every entry is.
#[derive(Clone)]
pub(crate) struct Tags {
    secret: [u8; 32],
}

impl std::fmt::Debug for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tags").finish_non_exhaustive()
    }
}

/// There is no secret, and none could be made.
#[derive(Debug, thiserror::Error)]
pub enum TagsError {
    /// The store does not give or take it.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The system has no randomness.
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
}

impl Tags {
    /// The secret of the state, made at the first start. With another one, owners would not know
    /// their older entries again.
    pub(crate) async fn open(records: &Records) -> Result<Self, TagsError> {
        if let Some(secret) = records.tag_secret()? {
            return Ok(Self { secret });
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(TagsError::Random)?;
        records.create_tag_secret(&secret).await?;
        Ok(Self { secret })
    }

    /// The monitor key of `owner`.
    pub(crate) fn key(&self, owner: &SpiffeId) -> [u8; 32] {
        monitor_key(&self.secret, owner)
    }

    /// The tag of an entry of `owner`'s.
    pub(crate) fn of(&self, owner: &SpiffeId, commitment: &Sha256Digest) -> Tag {
        Tag::of(&self.key(owner), commitment)
    }
}
