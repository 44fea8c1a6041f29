//! The signer's rules, with a journal in memory: what is signed, what is refused, and that the
//! answer never changes.

mod edits;
mod held;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use envelope::IN_TOTO_PAYLOAD_TYPE;
use evidence::KeyUse;
use keys::{PublicKey, SignError, SigningKey};
use testkit::evidence::{Fixture, Part};

use super::*;
use crate::ring::tests::Store;

#[derive(Debug, Default)]
struct Memory {
    records: Mutex<HashMap<JobId, Record>>,
    requests: Mutex<HashMap<RequestKey, JobId>>,
    /// What somebody else commits between this call's look and its own commit.
    race: Mutex<Option<Record>>,
    down: bool,
}

impl Journal for Memory {
    fn find(&self, job: JobId) -> Result<Option<Record>, JournalError> {
        Ok(self.records.lock().unwrap().get(&job).cloned())
    }

    fn create(
        &self,
        job: JobId,
        request: RequestKey,
        record: &Record,
    ) -> Result<Creation, JournalError> {
        if self.down {
            let reason = "down".into();
            return Err(JournalError::Write(store::CommitError::Broken { reason }));
        }
        let mut records = self.records.lock().unwrap();
        if let Some(winner) = self.race.lock().unwrap().take() {
            records.insert(job, winner);
        }
        if records.contains_key(&job) {
            return Ok(Creation::JobTaken);
        }
        if let Some(signed) = self.requests.lock().unwrap().insert(request, job) {
            return Ok(Creation::RequestTaken(signed));
        }
        records.insert(job, record.clone());
        Ok(Creation::Done)
    }
}

impl Memory {
    fn len(&self) -> usize {
        self.records.lock().unwrap().len()
    }
}

/// Attests with the fixture's keys at `at`.
fn attest_at(
    fixture: &Fixture,
    set: &EvidenceSet,
    at: Timestamp,
    salt: u8,
    journal: &Memory,
) -> Result<Attested, AttestError> {
    let ring = Ring::new(Arc::new(Store::of(fixture.mesh())));
    let policy = Ok(fixture.signed_policy());
    let attester = Attester { root: &fixture.trust_root(), ring: &ring, policy };
    attester.attest(set, at, [salt; 32], journal)
}

fn attest(fixture: &Fixture, journal: &Memory) -> Result<Attested, AttestError> {
    attest_at(fixture, &fixture.set(), fixture.at(), 5, journal)
}

#[test]
fn a_request_is_signed_once_whatever_job_the_scheduler_makes_of_it() {
    let journal = Memory::default();
    let request = Fixture::new().parts().request;
    let replay = Fixture::new().number(2).request(move |r| *r = request.clone());
    let first = attest(&Fixture::new(), &journal).unwrap();
    let error = attest(&replay, &journal).unwrap_err();
    assert!(
        matches!(error, AttestError::RequestAlreadySigned { signed, .. } if signed == first.job),
        "{error}"
    );
}

#[test]
fn evidence_that_holds_is_signed_over_the_assembled_aibom() {
    let (fixture, journal) = (Fixture::new(), Memory::default());
    let attested = attest(&fixture, &journal).unwrap();
    assert!(attested.new);
    assert_eq!(attested.job, fixture.job());
    let verified = fixture.verified();
    let aibom = bom::assemble(&verified, &fixture.decision()).unwrap();
    assert_eq!(attested.record.aibom, aibom.as_bytes());
    let envelope = Envelope::parse(&attested.record.attestation, usize::MAX).unwrap();
    let key = fixture.mesh().platform_key();
    let payload = envelope.open(IN_TOTO_PAYLOAD_TYPE, key.public_key()).unwrap();
    assert_eq!(payload, bom::statement(&aibom, &verified, fixture.at()).unwrap());
    assert_eq!((attested.record.salt, attested.record.signed_at), ([5; 32], fixture.at()));
}

#[test]
fn the_same_evidence_gets_the_same_answer_later_and_with_other_randomness() {
    let (fixture, journal) = (Fixture::new(), Memory::default());
    let first = attest(&fixture, &journal).unwrap();
    let later = fixture.at().plus_ms(3_600_000);
    let second = attest_at(&fixture, &fixture.set(), later, 6, &journal).unwrap();
    assert!(!second.new);
    assert_eq!(second.record, first.record);
    assert_eq!(journal.len(), 1);
}

#[test]
fn other_evidence_for_a_signed_job_is_refused() {
    let journal = Memory::default();
    attest(&Fixture::new(), &journal).unwrap();
    let other = Fixture::new().training(|t| t.predicate.run_details.reported.epochs = 7);
    match attest(&other, &journal) {
        Err(AttestError::AlreadySigned { job, signed, asked }) => {
            assert_eq!(job, other.job());
            assert_ne!(signed, asked);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(journal.len(), 1);
}

#[test]
fn another_job_is_signed_beside_the_first() {
    let journal = Memory::default();
    attest(&Fixture::new(), &journal).unwrap();
    attest(&Fixture::new().number(2), &journal).unwrap();
    assert_eq!(journal.len(), 2);
}

#[test]
fn evidence_that_does_not_hold_is_refused_by_the_name_of_the_rule() {
    let stranger = Fixture::new().wrong_ca().executor;
    let user = Fixture::new();
    let user = user.mesh().ca.party(ids::Role::User, "alice");
    let cases = [
        ("training.certificate", Fixture::new().signer(Part::Training, stranger)),
        ("training.role", Fixture::new().signer(Part::Training, user)),
        ("scan.count", Fixture::new().scans(Vec::clear)),
        (
            "training.isolation",
            Fixture::new().training(|t| {
                t.predicate.run_details.observed.container.privileged = true;
            }),
        ),
        (
            "training.exit",
            Fixture::new().training(|t| {
                t.predicate.run_details.observed.container.exit_code = 1;
            }),
        ),
        (
            "training.lease",
            Fixture::new().training(|t| {
                t.predicate.build_definition.internal_parameters.fencing_token = 1;
            }),
        ),
        ("request.specification", Fixture::new().request(|r| r.spec.parameters.epochs = 0)),
    ];
    for (rule, fixture) in cases {
        let journal = Memory::default();
        let refused = match attest(&fixture, &journal) {
            Err(AttestError::Refused { rule, detail }) if !detail.is_empty() => rule,
            other => panic!("{rule}: {other:?}"),
        };
        // A party of a CA made anew for the case fails at its certificate.
        assert!(refused == rule || refused == "training.certificate", "{rule}: {refused}");
        assert_eq!(journal.len(), 0, "{rule}");
    }
}

#[test]
fn old_evidence_is_refused_unless_it_was_answered_in_its_time() {
    let (fixture, journal) = (Fixture::new(), Memory::default());
    let week_later = fixture.at().plus_ms(8 * 24 * 3_600_000);
    let refused = attest_at(&fixture, &fixture.set(), week_later, 5, &journal);
    assert!(matches!(refused, Err(AttestError::Refused { .. })), "{refused:?}");

    let first = attest(&fixture, &journal).unwrap();
    let later = attest_at(&fixture, &fixture.set(), week_later, 6, &journal).unwrap();
    assert_eq!((later.new, &later.record), (false, &first.record));

    let mut spoilt = fixture.set();
    spoilt.scans[0].certificates[0][40] ^= 1;
    let refused = attest_at(&fixture, &spoilt, week_later, 6, &journal);
    assert!(matches!(refused, Err(AttestError::Refused { .. })), "{refused:?}");
}

#[test]
fn the_loser_of_a_race_answers_with_the_winners_record() {
    let fixture = Fixture::new();
    let set_digest = fixture.verified().set_digest();
    let winner = Record {
        set_digest,
        aibom: b"theirs".to_vec(),
        attestation: b"theirs".to_vec(),
        signatures: Signatures { model: vec![1], link: vec![2], layout: vec![3] },
        policy: vec![4],
        salt: [8; 32],
        signed_at: fixture.at(),
    };
    let journal = Memory { race: Mutex::new(Some(winner.clone())), ..Memory::default() };
    let attested = attest(&fixture, &journal).unwrap();
    assert_eq!((attested.new, attested.record), (false, winner.clone()));

    let other = Record { set_digest: Sha256Digest::of(b"other"), ..winner };
    let journal = Memory { race: Mutex::new(Some(other)), ..Memory::default() };
    let refused = attest(&fixture, &journal);
    assert!(matches!(refused, Err(AttestError::AlreadySigned { .. })), "{refused:?}");
}

#[test]
fn nothing_is_answered_that_is_not_recorded() {
    let journal = Memory { down: true, ..Memory::default() };
    let refused = attest(&Fixture::new(), &journal);
    assert!(matches!(refused, Err(AttestError::Journal(_))), "{refused:?}");
}

/// A key whose signatures are wrong or do not come.
#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn SigningKey>,
    away: bool,
}

impl SigningKey for Faulty {
    fn public_key(&self) -> &PublicKey {
        self.inner.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.away {
            let (key_id, reason) = (self.public_key().key_id(), "token away".to_owned());
            return Err(SignError { key_id, reason });
        }
        self.inner.sign(&message[1..])
    }
}

#[test]
fn a_wrong_or_missing_signature_is_never_recorded() {
    let fixture = Fixture::new();
    for (usage, away) in
        KeyUse::SIGNER.into_iter().flat_map(|usage| [(usage, true), (usage, false)])
    {
        let mut store = Store::of(fixture.mesh());
        store.spoil(usage, |inner| Arc::new(Faulty { inner, away }));
        let ring = Ring::new(Arc::new(store));
        let policy = Ok(fixture.signed_policy());
        let attester = Attester { root: &fixture.trust_root(), ring: &ring, policy };
        let journal = Memory::default();
        let refused = attester.attest(&fixture.set(), fixture.at(), [5; 32], &journal);
        assert!(matches!(refused, Err(AttestError::Sign(_))), "{usage}: {refused:?}");
        assert_eq!(journal.len(), 0);
    }
}
