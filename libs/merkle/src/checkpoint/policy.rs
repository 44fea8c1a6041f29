//! Which checkpoints count: signed by the log, cosigned by k of n witnesses (C2SP tlog-policy).
//!
//! A note that was handed over, as in a bundle, is held to more than signed-note asks: a line of a key
//! that the policy does not name is refused ([`LogPolicy::check`]), so that no byte goes unchecked.
//! In a note that the log publishes such lines are ignored ([`LogPolicy::check_published`]): the log
//! may ask witnesses that its readers do not know yet.

mod text;

pub use text::{MAX_POLICY_BYTES, PolicyTextError};

use super::{
    Checkpoint, CheckpointError, CosignerKey, MAX_SIGNATURES, SignedCheckpoint, VerifierKey,
    note::signature_line,
};

/// The most witnesses that count whenever they cosign: with the log's own line they fill a note.
pub const MAX_WITNESSES: usize = MAX_SIGNATURES - 1;
/// The most witnesses that a policy names, those that were retired among them.
pub const MAX_NAMED_WITNESSES: usize = 128;

/// Which of a witness' cosignatures count, by the time that they say. It is the witness' own word:
/// whoever has its key can write any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// All.
    Always,
    /// Those until this time, in seconds since the epoch.
    Until(u64),
    /// None: there is no time that whoever has the key could write.
    Never,
}

/// A witness that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its key.
    pub key: CosignerKey,
    /// What of it counts. A witness that was retired is there so that older checkpoints go on counting.
    pub counts: Counts,
}

impl Witness {
    /// One that counts whenever it cosigned.
    #[must_use]
    pub const fn new(key: CosignerKey) -> Self {
        Self { key, counts: Counts::Always }
    }

    /// Whether what it cosigned at `time`, in seconds since the epoch, counts.
    #[must_use]
    pub fn counts_at(&self, time: u64) -> bool {
        match self.counts {
            Counts::Always => true,
            Counts::Until(until) => time <= until,
            Counts::Never => false,
        }
    }
}

/// Why a policy is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More than [`MAX_WITNESSES`] that count.
    #[error("{0} witnesses that count, at most {MAX_WITNESSES} may")]
    TooMany(usize),
    /// More than [`MAX_NAMED_WITNESSES`].
    #[error("{0} witnesses with those that are retired, at most {MAX_NAMED_WITNESSES} are taken")]
    TooManyNamed(usize),
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
    /// Whether it counts: one of a witness that was retired before does not.
    pub counts: bool,
}

/// A checkpoint that counts under a policy; only [`LogPolicy::check`] and
/// [`LogPolicy::check_published`] make one.
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
    /// When they are too many, a key is there twice, or the quorum cannot be reached by those that are
    /// not retired.
    pub fn new(
        log: VerifierKey,
        witnesses: Vec<Witness>,
        quorum: usize,
    ) -> Result<Self, PolicyError> {
        if witnesses.len() > MAX_NAMED_WITNESSES {
            return Err(PolicyError::TooManyNamed(witnesses.len()));
        }
        let policy = Self { log, witnesses, quorum };
        let counting = policy.counting();
        if counting > MAX_WITNESSES {
            return Err(PolicyError::TooMany(counting));
        }
        let mut keys = vec![policy.log.public_key()];
        for Witness { key, .. } in &policy.witnesses {
            if keys.contains(&key.public_key()) {
                return Err(PolicyError::Twice(key.name().to_owned()));
            }
            keys.push(key.public_key());
        }
        if quorum > counting {
            return Err(PolicyError::Quorum { quorum, counting });
        }
        Ok(policy)
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

    /// How many witnesses count whenever they cosign.
    #[must_use]
    pub fn counting(&self) -> usize {
        self.witnesses.iter().filter(|witness| witness.counts == Counts::Always).count()
    }

    /// Whether two checkpoints that count share a witness. Where they need not, a log can show two
    /// histories, each cosigned by honest witnesses that never saw the other.
    #[must_use]
    pub fn excludes_split_view(&self) -> bool {
        self.quorum.saturating_mul(2) > self.counting()
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
        let mut others = (1..).zip(note.signatures()).filter(|(_, line)| {
            let by = (line.name.as_str(), line.key_id);
            by != log && self.witness(by).is_none()
        });
        if let Some((number, line)) = others.next() {
            return Err(LogPolicyError::Unknown(number, line.name.clone()));
        }
        self.cosignatures(note)
    }

    /// Checks the lines of the witnesses that are named: each once, each good, enough that count.
    fn cosignatures(&self, note: &SignedCheckpoint) -> Result<Vec<Cosigned>, LogPolicyError> {
        let mut cosigned = Vec::<Cosigned>::new();
        for line in note.signatures() {
            let Some(witness) = self.witness((&line.name, line.key_id)) else {
                continue;
            };
            if note.lines_of(&witness.key).count() > 1 {
                return Err(LogPolicyError::Twice(line.name.clone()));
            }
            let time = note.cosigned(&witness.key).map_err(LogPolicyError::Cosignature)?;
            let counts = witness.counts_at(time);
            cosigned.push(Cosigned { witness: line.name.clone(), time, counts });
        }
        let got = cosigned.iter().filter(|cosigned| cosigned.counts).count();
        if got < self.quorum {
            return Err(LogPolicyError::Quorum { got, wanted: self.quorum });
        }
        Ok(cosigned)
    }

    /// The witness whose lines have this name and key id.
    fn witness(&self, by: (&str, [u8; 4])) -> Option<&Witness> {
        self.witnesses.iter().find(|witness| (witness.key.name(), witness.key.id()) == by)
    }

    /// The same note without the lines of keys that the policy does not name: what counts when it is
    /// published counts as well when it is handed over so.
    #[must_use]
    pub fn known(&self, note: &SignedCheckpoint) -> String {
        let log = (self.log.name(), self.log.id());
        let known = note.signatures().iter().filter(|line| {
            let by = (line.name.as_str(), line.key_id);
            by == log || self.witness(by).is_some()
        });
        let lines = known
            .map(|line| signature_line(&line.name, &[&line.key_id[..], &line.signature].concat()));
        [note.text(), "\n"].into_iter().map(str::to_owned).chain(lines).collect()
    }

    /// Checks every line of a `note` that somebody hands over.
    ///
    /// # Errors
    /// When it is no checkpoint, or does not count.
    pub fn check(&self, note: &str) -> Result<Witnessed, LogPolicyError> {
        let note = SignedCheckpoint::parse(note)?;
        let checkpoint = self.check_log(&note)?;
        let cosigned = self.check_witnesses(&note)?;
        Ok(Witnessed { checkpoint, cosigned })
    }

    /// Checks a `note` that the log publishes. Lines of keys that the policy does not name are
    /// ignored (signed-note, "Signatures": verifiers MUST ignore signatures from unknown keys).
    ///
    /// # Errors
    /// When it is no checkpoint, or does not count.
    pub fn check_published(&self, note: &str) -> Result<Witnessed, LogPolicyError> {
        let note = SignedCheckpoint::parse(note)?;
        let checkpoint = self.check_log(&note)?;
        let cosigned = self.cosignatures(&note)?;
        Ok(Witnessed { checkpoint, cosigned })
    }
}

#[cfg(test)]
mod tests;
