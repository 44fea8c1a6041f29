//! The outbox: which records are due, and how each goes on until the ledger has proved it.
//!
//! A record is due in the same commit as the transition that it tells of. From there it goes on in
//! two durable steps, and a crash between them repeats the last one: it is sealed (signed, with a
//! salt), then the ledger's proof is kept. What is appended is always what was sealed before, so a
//! repeated append is the same entry.

use evidence::{About, JobOutcome, Outcome, Record};
use ids::{Sha256Digest, SpiffeId, Timestamp};
use job::{JobState, Reason};
use serde::{Deserialize, Serialize};

use crate::JobRecord;

/// The first pause after a failure, in milliseconds; each further one is twice as long.
const FIRST_PAUSE_MS: u64 = 250;
/// The longest pause, in milliseconds.
const MAX_PAUSE_MS: u64 = 30_000;
/// How long before its certificate ends a sealed record is sealed anew, in milliseconds: a record
/// counts when its certificate holds at the instant at which the ledger takes it.
const SEAL_MARGIN_MS: i64 = 60_000;

/// A record on its way into the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// Whose it is: the job's user, or the scheduler itself.
    pub owner: SpiffeId,
    /// What is to be signed and logged.
    pub record: Record,
    /// The newest seal, once there is one.
    pub sealed: Option<Sealed>,
}

/// A record that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Names envelope and salt.
    pub commitment: Sha256Digest,
    /// When the certificate of the signature ends.
    pub until: Timestamp,
}

/// What is to be done next with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Sign it with a fresh salt, and keep both.
    Seal,
    /// Append this commitment, and keep the proof.
    Append(Sha256Digest),
}

impl Due {
    /// A record that nothing was done about yet.
    #[must_use]
    pub const fn new(owner: SpiffeId, record: Record) -> Self {
        Self { owner, record, sealed: None }
    }

    /// What is to be done next, at the instant `at`.
    #[must_use]
    pub fn step(&self, at: Timestamp) -> Step {
        match self.sealed {
            Some(sealed) if at.plus_ms(SEAL_MARGIN_MS) <= sealed.until => {
                Step::Append(sealed.commitment)
            }
            Some(_) | None => Step::Seal,
        }
    }
}

/// The key under which a record is kept: there is one of each transition, of each trust root and of
/// each policy. Records of one job are in the order of its transitions.
#[must_use]
pub fn record_key(record: &Record) -> Vec<u8> {
    match &record.about {
        About::Job(JobOutcome { job, sequence, .. }) => {
            [job_prefix(*job).as_slice(), &sequence.to_be_bytes()].concat()
        }
        About::TrustRoot { digest, .. } => [b"t".as_slice(), digest.as_bytes()].concat(),
        About::Policy { digest, .. } => [b"p".as_slice(), digest.as_bytes()].concat(),
    }
}

/// What the keys of all records of a job begin with.
#[must_use]
pub fn job_prefix(job: ids::JobId) -> Vec<u8> {
    [b"j".as_slice(), job.as_bytes()].concat()
}

/// The pauses between rounds while the ledger is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait after a failure, in milliseconds: up to twice as long as after the one
    /// before, at least half of that; `random` chooses.
    pub fn failed(&mut self, random: u32) -> u64 {
        let most = FIRST_PAUSE_MS.saturating_mul(1 << self.failures.min(16)).min(MAX_PAUSE_MS);
        self.failures = self.failures.saturating_add(1);
        let half = most / 2;
        half.saturating_add(u64::from(random) % half.saturating_add(1))
    }

    /// A round went well.
    pub const fn went_well(&mut self) {
        self.failures = 0;
    }
}

impl JobRecord {
    /// The record that the newest transition makes due; none of one that is on its way, or that
    /// leaves a signed AIBoM, whose attestation is logged.
    pub(crate) fn due(&self) -> Option<Due> {
        let outcome = match self.state {
            JobState::Failed if self.reason == Some(Reason::HoldExpired) => Outcome::HoldExpired,
            JobState::Failed => Outcome::Failed,
            JobState::Refused => Outcome::Refused,
            JobState::Cancelled => Outcome::Cancelled,
            JobState::Held => Outcome::Held,
            JobState::Signing if self.documents.release.is_some() => Outcome::Released,
            JobState::Queued
            | JobState::Training
            | JobState::Scanning
            | JobState::Signing
            | JobState::Logging
            | JobState::Publishing
            | JobState::Completed => return None,
        };
        let documents = &self.documents;
        let about = About::Job(JobOutcome {
            job: self.id,
            request: documents.request?,
            attempt: self.attempt,
            sequence: self.sequence,
            outcome,
            reason: self.reason,
            grant: documents.grant,
            training: documents.training,
            scans: documents.scans.clone(),
            policy: self.held.and_then(|held| held.policy),
            release: documents.release,
        });
        let at = self.history.last().map_or(self.updated_at, |entered| entered.at);
        Some(Due::new(self.user.clone(), Record::new(about, at)))
    }
}

#[cfg(test)]
mod tests;
