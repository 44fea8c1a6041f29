//! Which checkpoints count: signed by the log, cosigned by k of n witnesses (C2SP tlog-policy).
//!
//! Stricter than tlog-policy in one point: a signature line of a key that the policy does not name
//! is refused rather than ignored, so that no byte of a note goes unchecked. Whoever has a note with
//! more lines takes out those that the policy does not name.

mod text;

pub use text::{MAX_POLICY_BYTES, PolicyTextError};

use super::{
    Checkpoint, CheckpointError, CosignerKey, MAX_SIGNATURES, SignedCheckpoint, VerifierKey,
};

/// The most witnesses of a policy: with the log's own line they fill a note.
pub const MAX_WITNESSES: usize = MAX_SIGNATURES - 1;

/// A witness that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its key.
    pub key: CosignerKey,
    /// Whether it counts for the quorum. One that does not is there so that older checkpoints that
    /// it cosigned can still be read.
    pub counts: bool,
}

/// Why a policy is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More than [`MAX_WITNESSES`].
    #[error("{0} witnesses, at most {MAX_WITNESSES} are taken")]
    TooMany(usize),
    /// One public key is there twice: it would count twice.
    #[error("the key of {0} is there twice")]
    Twice(String),
    /// More cosignatures asked for than witnesses count.
    #[error("a quorum of {quorum} cannot be reached by {counting} witnesses")]
    Quorum {
        /// Cosignatures asked for.
        quorum: usize,
        /// Witnesses that count.
        counting: usize,
    },
}

/// A log's key, its witnesses, and how many of them must have cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPolicy {
    log: VerifierKey,
    witnesses: Vec<Witness>,
    quorum: usize,
}

/// Why a checkpoint does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogPolicyError {
    /// Not a checkpoint that the log signed.
    #[error(transparent)]
    Log(#[from] CheckpointError),
    /// Signed by the log's key, for another log.
    #[error("the origin is {origin:?}, the pinned log is {log:?}")]
    Origin {
        /// The name in the checkpoint.
        origin: String,
        /// The pinned log's.
        log: String,
    },
    /// A line that is neither the log's nor a witness'.
    #[error("signature line {0} is by {1:?}, which is neither the log nor one of its witnesses")]
    Unknown(usize, String),
    /// Two lines of one key.
    #[error("more than one signature by {0}")]
    Twice(String),
    /// A witness' line does not verify.
    #[error("cosignature: {0}")]
    Cosignature(#[source] CheckpointError),
    /// Too few cosignatures.
    #[error("cosigned by {got} of the witnesses that count, {wanted} are asked for")]
    Quorum {
        /// Cosignatures that count.
        got: usize,
        /// Cosignatures asked for.
        wanted: usize,
    },
}

/// A cosignature that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness' name.
    pub witness: String,
    /// When it cosigned, by its clock, in seconds since the epoch.
    pub time: u64,
}

/// A checkpoint that counts under a policy; only [`LogPolicy::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    checkpoint: Checkpoint,
    cosigned: Vec<Cosigned>,
}

impl Witnessed {
    /// The tree head.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Who cosigned it, in the note's order.
    #[must_use]
    pub fn cosigned(&self) -> &[Cosigned] {
        &self.cosigned
    }
}

impl LogPolicy {
    /// A log, its witnesses, and how many of those that count must have cosigned.
    ///
    /// # Errors
    /// When a key is there twice, or the quorum cannot be reached.
    pub fn new(
        log: VerifierKey,
        witnesses: Vec<Witness>,
        quorum: usize,
    ) -> Result<Self, PolicyError> {
        if witnesses.len() > MAX_WITNESSES {
            return Err(PolicyError::TooMany(witnesses.len()));
        }
        let mut keys = vec![log.public_key()];
        for Witness { key, .. } in &witnesses {
            if keys.contains(&key.public_key()) {
                return Err(PolicyError::Twice(key.name().to_owned()));
            }
            keys.push(key.public_key());
        }
        let counting = witnesses.iter().filter(|witness| witness.counts).count();
        if quorum > counting {
            return Err(PolicyError::Quorum { quorum, counting });
        }
        Ok(Self { log, witnesses, quorum })
    }

    /// A log alone, without witnesses.
    #[must_use]
    pub const fn log_only(log: VerifierKey) -> Self {
        Self { log, witnesses: Vec::new(), quorum: 0 }
    }

    /// The log's key.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The witnesses, in the policy's order.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// How many cosignatures are asked for.
    #[must_use]
    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// Checks the log's own signature: exactly one line of its key, over a tree of its own.
    ///
    /// # Errors
    /// When it did not sign this note, twice, or for another origin.
    pub fn check_log(&self, note: &SignedCheckpoint) -> Result<Checkpoint, LogPolicyError> {
        let checkpoint = note.verify(&self.log)?;
        if note.lines_of(&self.log).count() > 1 {
            return Err(LogPolicyError::Twice(self.log.name().to_owned()));
        }
        if checkpoint.origin != self.log.name() {
            let (origin, log) = (checkpoint.origin, self.log.name().to_owned());
            return Err(LogPolicyError::Origin { origin, log });
        }
        Ok(checkpoint)
    }

    /// Checks every other line: each by a witness that is named, each good, enough that count.
    ///
    /// # Errors
    /// The first line that is not so, or too few.
    pub fn check_witnesses(
        &self,
        note: &SignedCheckpoint,
    ) -> Result<Vec<Cosigned>, LogPolicyError> {
        let log = (self.log.name(), self.log.id());
        let (mut cosigned, mut counting) = (Vec::<Cosigned>::new(), 0);
        for (index, line) in note.signatures().iter().enumerate() {
            let by = (line.name.as_str(), line.key_id);
            if by == log {
                continue;
            }
            let mut witnesses = self.witnesses.iter();
            let witness = witnesses
                .find(|witness| (witness.key.name(), witness.key.id()) == by)
                .ok_or_else(|| LogPolicyError::Unknown(index + 1, line.name.clone()))?;
            if note.lines_of(&witness.key).count() > 1 {
                return Err(LogPolicyError::Twice(line.name.clone()));
            }
            let time = note.cosigned(&witness.key).map_err(LogPolicyError::Cosignature)?;
            cosigned.push(Cosigned { witness: line.name.clone(), time });
            counting += usize::from(witness.counts);
        }
        if counting < self.quorum {
            return Err(LogPolicyError::Quorum { got: counting, wanted: self.quorum });
        }
        Ok(cosigned)
    }

    /// Checks every line of `note`.
    ///
    /// # Errors
    /// When it is no checkpoint, or does not count.
    pub fn check(&self, note: &str) -> Result<Witnessed, LogPolicyError> {
        let note = SignedCheckpoint::parse(note)?;
        let checkpoint = self.check_log(&note)?;
        let cosigned = self.check_witnesses(&note)?;
        Ok(Witnessed { checkpoint, cosigned })
    }
}

#[cfg(test)]
mod tests;
