//! From an evidence set to a signed AIBoM, or to a refusal that names the rule.
//!
//! Synchronous, and pure but for what is handed in: the time, 32 random bytes, the keys and the
//! journal. There is no other way to the keys than through [`Attester::attest`].

use bom::{SignAibomError, SigningKeys};
use bundle::{SALT_BYTES, Signatures};
use envelope::Envelope;
use evidence::{Checks, EvidenceSet, Grant, MAX_DOCUMENT_BYTES, TrustRoot, VerifiedEvidence};
use ids::{JobId, Sha256Digest, Timestamp, canonical};

use policy::{Decision, Hold, SignedPolicy};

use crate::{
    gate::PolicyUnusable,
    ring::{Keys, Ring, RingError},
};

/// What is known of a job that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The evidence that it was signed for.
    pub set_digest: Sha256Digest,
    /// The AIBoM, exact bytes.
    pub aibom: Vec<u8>,
    /// The DSSE envelope, exact bytes.
    pub attestation: Vec<u8>,
    /// What was signed beside it, exact bytes.
    pub signatures: Signatures,
    /// The policy that released it, exact bytes.
    pub policy: Vec<u8>,
    /// What blinds the ledger entry.
    pub salt: [u8; SALT_BYTES],
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// Where answers are kept for ever, one for each job. Calls may block.
pub trait Journal {
    /// The record of a job.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn find(&self, job: JobId) -> Result<Option<Record>, JournalError>;

    /// Keeps the record of `job` durably, unless the job, or another job for the same `request`,
    /// has one.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn create(
        &self,
        job: JobId,
        request: RequestKey,
        record: &Record,
    ) -> Result<Creation, JournalError>;
}

/// One request for ever: SHA-256 of its user and idempotency key. A scheduler chooses job ids;
/// this it cannot choose, because the user signed it.
pub(crate) type RequestKey = Sha256Digest;

/// What became of a new record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It is kept.
    Done,
    /// The job has one already.
    JobTaken,
    /// The request was signed as that job.
    RequestTaken(JobId),
}

/// The journal failed; nothing was given out.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read.
    #[error("the signer's journal cannot be read")]
    Read(#[from] store::ReadError),
    /// It cannot be written.
    #[error("the signer's journal cannot be written")]
    Write(#[from] store::CommitError),
    /// The disk is full.
    #[error("the signer's disk is full")]
    Full(#[source] store::CommitError),
    /// A record is not what was written.
    #[error("the signer's record of job {job} is damaged: {detail}")]
    Damaged {
        /// Which job.
        job: JobId,
        /// What is wrong with it.
        detail: String,
    },
}

/// Why no AIBoM was signed.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// A rule on the evidence does not hold.
    #[error("the evidence is refused: {rule}: {detail}")]
    Refused {
        /// The name of the first check that did not hold.
        rule: String,
        /// Why.
        detail: String,
    },
    /// The job was signed for other evidence.
    #[error("job {job} is signed already, for other evidence (set {signed}, not {asked})")]
    AlreadySigned {
        /// Which job.
        job: JobId,
        /// The evidence that it was signed for.
        signed: Sha256Digest,
        /// The evidence given now.
        asked: Sha256Digest,
    },
    /// The request was signed as another job: a request is one job, whoever says otherwise.
    #[error("the request of job {job} is signed already, as job {signed}")]
    RequestAlreadySigned {
        /// The job that was asked for.
        job: JobId,
        /// The job that the request was signed as.
        signed: JobId,
    },
    /// The policy holds the job.
    #[error("the policy {} holds job {} for {} findings", .0.policy.name, .0.job, .0.violations.len())]
    Held(Box<Hold>),
    /// There is no policy to ask.
    #[error(transparent)]
    Policy(#[from] PolicyUnusable),
    /// There is no key to sign with.
    #[error("the signer has no key to sign with: {0}")]
    Ring(#[from] RingError),
    /// Evidence that holds gives no AIBoM, or a key could not sign, or signed wrongly.
    #[error("nothing was signed: {0}")]
    Sign(#[from] SignAibomError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A record, and whether it was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The job.
    pub job: JobId,
    /// The answer.
    pub record: Record,
    /// Whether this call signed it.
    pub new: bool,
}

/// What one call is made with.
#[derive(Debug, Clone)]
pub struct Attester<'a> {
    /// What evidence is checked against, and what says which keys sign.
    pub root: &'a TrustRoot,
    /// The keys.
    pub ring: &'a Ring,
    /// What releases evidence, or why nothing can.
    pub policy: Result<SignedPolicy, PolicyUnusable>,
}

impl Attester<'_> {
    /// Checks `set` at `now`, and answers with the job's one record: the recorded one for the same
    /// evidence, else a new one that is durable in `journal` before it is given out. `salt` is
    /// random, and used only for a new record. What was signed once stays signed, whatever the policy
    /// says today.
    ///
    /// # Errors
    /// When a rule does not hold, the policy holds the job, the job was signed for other evidence, or
    /// something failed.
    pub fn attest(
        &self,
        set: &EvidenceSet,
        now: Timestamp,
        salt: [u8; SALT_BYTES],
        journal: &dyn Journal,
    ) -> Result<Attested, AttestError> {
        let evidence = match self.check(set, now) {
            Ok(evidence) => evidence,
            Err(refused) => return self.remembered(set, journal, refused),
        };
        let (job, asked) = (evidence.grant().job, evidence.set_digest());
        if let Some(record) = journal.find(job)? {
            return recorded(job, asked, record);
        }
        let policy = self.policy.as_ref().map_err(Clone::clone)?;
        let decision = policy::decide(&evidence, policy, now).map_err(AttestError::Held)?;
        let record = self.sign(&evidence, &decision, now, salt)?;
        match journal.create(job, request_key(&evidence), &record)? {
            Creation::Done => return Ok(Attested { job, record, new: true }),
            Creation::RequestTaken(signed) => {
                return Err(AttestError::RequestAlreadySigned { job, signed });
            }
            Creation::JobTaken => {}
        }
        // Somebody else was first: theirs is the answer, and ours is never seen.
        let detail = "it is there and it is not".to_owned();
        let winner = journal.find(job)?.ok_or(JournalError::Damaged { job, detail })?;
        recorded(job, asked, winner)
    }

    /// Evidence grows too old and certificates expire, but an answer that was given stays: the very
    /// same evidence gets it again if every rule held when it was signed.
    fn remembered(
        &self,
        set: &EvidenceSet,
        journal: &dyn Journal,
        refused: AttestError,
    ) -> Result<Attested, AttestError> {
        let Some(job) = claimed_job(set) else { return Err(refused) };
        let Some(record) = journal.find(job)? else { return Err(refused) };
        match self.check(set, record.signed_at) {
            Ok(evidence) if evidence.grant().job == job => {
                recorded(job, evidence.set_digest(), record)
            }
            _ => Err(refused),
        }
    }

    fn check(&self, set: &EvidenceSet, now: Timestamp) -> Result<VerifiedEvidence, AttestError> {
        let mut checks = Checks::new();
        evidence::check(set, self.root, now, &mut checks).ok_or_else(|| {
            let failed = checks.first_failure();
            AttestError::Refused {
                rule: failed.map_or_else(|| "evidence".to_owned(), |check| check.name.clone()),
                detail: failed.map(|check| check.detail.clone()).unwrap_or_default(),
            }
        })
    }

    fn sign(
        &self,
        evidence: &VerifiedEvidence,
        decision: &Decision,
        signed_at: Timestamp,
        salt: [u8; SALT_BYTES],
    ) -> Result<Record, AttestError> {
        let Keys { aibom, model, layout } = self.ring.keys(self.root, signed_at)?;
        let keys = SigningKeys { aibom: &*aibom, model: &*model, layout: &*layout };
        // Signing verifies each new signature before it gives it out.
        let signed = bom::sign(evidence, decision, signed_at, keys)?;
        let policy = self.policy.as_ref().map_err(Clone::clone)?;
        Ok(Record {
            set_digest: evidence.set_digest(),
            policy: policy.as_bytes().to_vec(),
            aibom: signed.aibom().as_bytes().to_vec(),
            attestation: signed.attestation().to_vec(),
            signatures: Signatures {
                model: signed.model().to_vec(),
                link: signed.link().to_vec(),
                layout: signed.layout().to_vec(),
            },
            salt,
            signed_at,
        })
    }
}

fn request_key(evidence: &VerifiedEvidence) -> RequestKey {
    let request = evidence.request();
    Sha256Digest::of(format!("{}\n{}", request.user, request.idempotency_key).as_bytes())
}

/// The job in the grant's unverified payload: where to look in the journal, no more.
fn claimed_job(set: &EvidenceSet) -> Option<JobId> {
    let grant = Envelope::parse(&set.grant.envelope, MAX_DOCUMENT_BYTES).ok()?;
    let grant: Grant =
        canonical::from_slice(grant.unverified_payload(), MAX_DOCUMENT_BYTES).ok()?;
    Some(grant.job)
}

fn recorded(job: JobId, asked: Sha256Digest, record: Record) -> Result<Attested, AttestError> {
    if record.set_digest == asked {
        return Ok(Attested { job, record, new: false });
    }
    Err(AttestError::AlreadySigned { job, signed: record.set_digest, asked })
}

#[cfg(test)]
mod tests;
