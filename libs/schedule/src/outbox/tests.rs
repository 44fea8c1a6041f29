//! A record's way against a model of store and ledger, with a crash between any two steps.

use std::collections::{BTreeMap, BTreeSet};

use ids::{JobId, Role};
use proptest::prelude::*;

use super::*;

/// How long a certificate of the model holds, in milliseconds.
const CERTIFICATE_MS: i64 = 10 * SEAL_MARGIN_MS;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_790_000_000_000)
}

fn due(n: u8) -> Due {
    let digest = Sha256Digest::of(&[n]);
    let about = if n.is_multiple_of(3) {
        About::TrustRoot { version: u64::from(n) + 1, digest }
    } else {
        About::Job(JobOutcome {
            job: JobId::new(u64::from(n / 2), [7; 10]),
            request: digest,
            attempt: 1,
            sequence: u32::from(n),
            outcome: Outcome::Cancelled,
            reason: Some(Reason::Cancelled),
            grant: None,
            training: None,
            scans: Vec::new(),
            policy: None,
            release: None,
        })
    };
    let owner = SpiffeId::new("mesh.test", Role::User, &format!("u{}", n % 2)).unwrap();
    Due { number: u64::from(n), ..Due::new(owner, Record::new(about, now())) }
}

/// What outlives a crash: the scheduler's store, and the ledger.
#[derive(Default)]
struct World {
    outbox: BTreeMap<Vec<u8>, Due>,
    /// Of which record each commitment is, and when its certificate ends.
    sealed: BTreeMap<Sha256Digest, (Vec<u8>, Timestamp)>,
    logged: BTreeMap<Vec<u8>, Sha256Digest>,
    ledger: Vec<(Sha256Digest, Timestamp)>,
    salts: u32,
}

/// Where a crash cuts a round off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    /// Before anything is durable.
    Before,
    /// After the record was sealed.
    AfterSeal,
    /// After the ledger took it, before its answer is kept.
    AfterAppend,
    /// Nowhere.
    Never,
}

/// How the ledger is when it is asked.
#[derive(Debug, Clone, Copy)]
struct Ledger {
    away: bool,
    /// How far its clock is before the scheduler's, in milliseconds.
    ahead_ms: i64,
}

/// Certificates follow each other at fixed instants, as those of a renewal that is late do.
fn certificate_end(at: Timestamp) -> Timestamp {
    let since = at.since_ms(now());
    at.plus_ms(CERTIFICATE_MS - since % CERTIFICATE_MS)
}

impl World {
    fn seal(&mut self, key: &[u8], due: Due, at: Timestamp) -> Option<Due> {
        let until = certificate_end(at);
        if !may_seal(until, at) {
            return None;
        }
        // A salt that a crash forgets was never used.
        self.salts += 1;
        let commitment = Sha256Digest::of(&[key, &self.salts.to_be_bytes()].concat());
        self.sealed.insert(commitment, (key.to_vec(), until));
        let due = Due { sealed: Some(Sealed { commitment, until }), ..due };
        self.outbox.insert(key.to_vec(), due.clone());
        Some(due)
    }

    /// When the ledger took it, should it be there.
    fn there(&self, commitment: Sha256Digest) -> Option<Timestamp> {
        self.ledger.iter().find(|(there, _)| *there == commitment).map(|(_, at)| *at)
    }

    /// One record's part of a round.
    fn work(&mut self, key: &[u8], at: Timestamp, ledger: Ledger, crash: Crash) {
        let Some(mut due) = self.outbox.get(key).cloned() else { return };
        let step = match due.step(at) {
            Step::Find(_) if ledger.away => return,
            Step::Find(commitment) => due.found(self.there(commitment)),
            step => step,
        };
        if crash == Crash::Before || step == Step::Wait {
            return;
        }
        if step == Step::Seal {
            let Some(sealed) = self.seal(key, due, at) else { return };
            due = sealed;
        }
        if crash == Crash::AfterSeal || ledger.away {
            return;
        }
        let commitment = due.sealed.expect("it was sealed").commitment;
        if self.there(commitment).is_none() {
            self.ledger.push((commitment, at.plus_ms(ledger.ahead_ms)));
        }
        if crash == Crash::AfterAppend {
            return;
        }
        if self.verifies(commitment) {
            self.outbox.remove(key);
            self.logged.insert(key.to_vec(), commitment);
        } else {
            self.outbox.insert(key.to_vec(), due.refused(at));
        }
    }

    /// Whether the certificate held when the ledger took it.
    fn verifies(&self, commitment: Sha256Digest) -> bool {
        self.there(commitment).is_some_and(|at| at <= self.sealed[&commitment].1)
    }

    /// The entries of a record that verify.
    fn entries_of(&self, key: &[u8]) -> usize {
        let mine = self.sealed.iter().filter(|(_, (of, _))| of == key);
        mine.filter(|(commitment, _)| self.verifies(**commitment)).count()
    }
}

fn crash() -> impl Strategy<Value = Crash> {
    use Crash::{AfterAppend, AfterSeal, Before, Never};
    prop::sample::select(vec![Before, AfterSeal, AfterAppend, Never])
}

fn ledger() -> impl Strategy<Value = Ledger> {
    let ahead_ms = prop_oneof![8 => Just(0), 1 => 0..3 * CERTIFICATE_MS];
    (any::<bool>(), ahead_ms).prop_map(|(away, ahead_ms)| Ledger { away, ahead_ms })
}

proptest! {
    #[test]
    fn every_due_record_is_logged_once_whatever_crashes_and_whichever_clock_is_wrong(
        steps in proptest::collection::vec(
            (0..8_u8, crash(), ledger(), prop_oneof![9 => 0..SEAL_MARGIN_MS, 1 => 0..3 * CERTIFICATE_MS]),
            1..200,
        ),
    ) {
        let (mut world, mut at, mut ever) = (World::default(), now(), BTreeSet::new());
        for (n, crash, ledger, elapsed) in steps {
            at = at.plus_ms(elapsed);
            let due = due(n);
            let key = due.key();
            if ever.insert(key.clone()) {
                world.outbox.insert(key.clone(), due);
            }
            world.work(&key, at, ledger, crash);
            for key in &ever {
                let places = [world.outbox.contains_key(key), world.logged.contains_key(key)];
                prop_assert!(places[0] != places[1], "due or logged, never both, never neither");
                prop_assert!(world.entries_of(key) <= 1, "it is in the ledger twice");
            }
        }
        // With a ledger that works, each is logged as soon as pauses and a certificate's end are over.
        let honest = Ledger { away: false, ahead_ms: 0 };
        for wait_ms in [MAX_REFUSED_PAUSE_MS, 2 * SEAL_MARGIN_MS] {
            at = at.plus_ms(wait_ms);
            ever.iter().for_each(|key| world.work(key, at, honest, Crash::Never));
        }
        prop_assert!(world.outbox.is_empty());
        prop_assert_eq!(world.logged.keys().cloned().collect::<BTreeSet<_>>(), ever);
        for (key, commitment) in &world.logged {
            prop_assert!(world.verifies(*commitment), "what is logged verifies");
            prop_assert_eq!(world.entries_of(key), 1);
        }
    }

    #[test]
    fn pauses_grow_to_their_bound_and_never_to_nothing(random in proptest::collection::vec(any::<u32>(), 1..64)) {
        let mut backoff = Backoff::default();
        for (failure, random) in random.iter().enumerate() {
            let most = (FIRST_PAUSE_MS << failure.min(10)).min(MAX_PAUSE_MS);
            let pause = backoff.failed(*random);
            prop_assert!((most / 2..=most).contains(&pause), "{pause} after {failure} failures");
        }
        backoff.went_well();
        prop_assert!(backoff.failed(u32::MAX) <= FIRST_PAUSE_MS);
    }
}

#[test]
fn what_was_signed_with_a_certificate_that_ends_is_looked_for_before_it_is_signed_anew() {
    let commitment = Sha256Digest::of(b"sealed");
    let until = now().plus_ms(CERTIFICATE_MS);
    let sealed = Due { sealed: Some(Sealed { commitment, until }), ..due(1) };
    assert_eq!(due(1).step(now()), Step::Seal);
    assert_eq!(sealed.step(now()), Step::Append(commitment));
    let last = until.plus_ms(-SEAL_MARGIN_MS);
    assert_eq!(sealed.step(last), Step::Append(commitment));
    assert_eq!(sealed.step(last.plus_ms(1)), Step::Find(commitment));
    assert_eq!(sealed.found(Some(until)), Step::Append(commitment), "it was taken in time");
    assert_eq!(sealed.found(Some(until.plus_ms(1))), Step::Seal, "it would never verify");
    assert_eq!(sealed.found(None), Step::Seal);
    assert!(may_seal(until, last) && !may_seal(until, last.plus_ms(1)));
}

#[test]
fn entries_that_do_not_verify_are_few() {
    let (mut due, mut at, mut entries) = (due(1), now(), 0);
    let week = now().plus_ms(7 * MAX_REFUSED_PAUSE_MS);
    while at < week {
        assert_eq!(due.step(at), Step::Seal);
        entries += 1;
        due = due.refused(at);
        assert_eq!(due.step(at), Step::Wait);
        at = due.not_before.unwrap();
    }
    assert!(entries < 20, "{entries} entries of one record in a week");
}

#[test]
fn keys_sort_by_job_and_transition_and_by_number() {
    let key = |job: u64, sequence: u32| {
        let mut due = due(1);
        if let About::Job(outcome) = &mut due.record.about {
            (outcome.job, outcome.sequence) = (JobId::new(job, [0; 10]), sequence);
        }
        due.key()
    };
    let keys = [key(1, 2), key(1, 300), key(2, 1)];
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    assert!(keys.iter().take(2).all(|key| key.starts_with(&job_prefix(JobId::new(1, [0; 10])))));
    let numbered = |number| Due { number, ..due(3) }.key();
    let keys = [numbered(1), numbered(2), numbered(256)];
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
}
