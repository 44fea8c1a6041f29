//! The outbox: which records are due, and how each goes on until the ledger has proved it.
//!
//! A record is due in the same commit as the transition that it tells of. From there it goes on in
//! two durable steps, and a crash between them repeats the last one: it is sealed (signed, with a
//! salt), then the ledger's proof is kept. What is appended is always what was sealed before, so a
//! repeated append is the same entry. A seal that has grown old is looked for before it is replaced:
//! its entry may be there although no answer came.

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
/// The pause after the first entry that does not verify, in milliseconds; each further one is twice
/// as long: whatever is wrong with clocks or certificates leaves few entries.
const REFUSED_PAUSE_MS: i64 = 60_000;
/// The longest such pause, in milliseconds.
const MAX_REFUSED_PAUSE_MS: i64 = 24 * 60 * 60_000;

/// A record on its way into the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// Whose it is: the job's user, or the scheduler itself.
    pub owner: SpiffeId,
    /// What is to be signed and logged.
    pub record: Record,
    /// Which trust root or policy in a row it is about, from 1; 0 where it is about a job.
    #[serde(default)]
    pub number: u64,
    /// The newest seal, once there is one.
    pub sealed: Option<Sealed>,
    /// How many of its entries do not verify.
    #[serde(default)]
    pub refused: u32,
    /// Nothing is done about it before then.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
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
    /// Nothing yet.
    Wait,
    /// Ask the ledger whether it has this commitment, and go on as [`Due::found`] says.
    Find(Sha256Digest),
    /// Sign it with a fresh salt, and keep both.
    Seal,
    /// Append this commitment, and keep the proof.
    Append(Sha256Digest),
}

impl Due {
    /// A record that nothing was done about yet.
    #[must_use]
    pub const fn new(owner: SpiffeId, record: Record) -> Self {
        Self { owner, record, number: 0, sealed: None, refused: 0, not_before: None }
    }

    /// What is to be done next, at the instant `at`.
    #[must_use]
    pub fn step(&self, at: Timestamp) -> Step {
        match self.sealed {
            _ if self.not_before.is_some_and(|not_before| at < not_before) => Step::Wait,
            Some(sealed) if may_seal(sealed.until, at) => Step::Append(sealed.commitment),
            Some(sealed) => Step::Find(sealed.commitment),
            None => Step::Seal,
        }
    }

    /// What is to be done after [`Step::Find`]: an entry that the ledger took in time is the record's,
    /// and appending it again only gets its proof.
    #[must_use]
    pub fn found(&self, logged_at: Option<Timestamp>) -> Step {
        match (self.sealed, logged_at) {
            (Some(sealed), Some(at)) if at <= sealed.until => Step::Append(sealed.commitment),
            _ => Step::Seal,
        }
    }

    /// The record after an entry of it that does not verify: it is sealed anew, after a pause.
    #[must_use]
    pub fn refused(self, at: Timestamp) -> Self {
        let doubled = REFUSED_PAUSE_MS.saturating_mul(1 << self.refused.min(16));
        let not_before = Some(at.plus_ms(doubled.min(MAX_REFUSED_PAUSE_MS)));
        Self { sealed: None, refused: self.refused.saturating_add(1), not_before, ..self }
    }

    /// The key under which it is kept: there is one of each transition of a job, and one of each trust
    /// root and policy in a row. Records of one job are in the order of its transitions.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        match &self.record.about {
            About::Job(JobOutcome { job, sequence, .. }) => {
                [job_prefix(*job).as_slice(), &sequence.to_be_bytes()].concat()
            }
            About::TrustRoot { .. } => [b"t".as_slice(), &self.number.to_be_bytes()].concat(),
            About::Policy { .. } => [b"p".as_slice(), &self.number.to_be_bytes()].concat(),
        }
    }
}

/// Whether a certificate that ends at `until` may sign a record at the instant `at`: what it signs
/// must reach the ledger before.
#[must_use]
pub fn may_seal(until: Timestamp, at: Timestamp) -> bool {
    at.plus_ms(SEAL_MARGIN_MS) <= until
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
            JobState::Held if self.documents.refused_release.is_some() => Outcome::ReleaseRefused,
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
        let refused = outcome == Outcome::ReleaseRefused;
        let refused_release = documents.refused_release.filter(|_| refused);
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
            release: documents.release.or(refused_release),
        });
        let at = self.history.last().map_or(self.updated_at, |entered| entered.at);
        Some(Due::new(self.user.clone(), Record::new(about, at)))
    }
}

#[cfg(test)]
mod tests;
