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
    Due::new(owner, Record::new(about, now()))
}

/// What outlives a crash: the scheduler's store, and the ledger.
#[derive(Default)]
struct World {
    outbox: BTreeMap<Vec<u8>, Due>,
    sealed: BTreeMap<Sha256Digest, Vec<u8>>,
    logged: BTreeMap<Vec<u8>, Sha256Digest>,
    ledger: Vec<(Sha256Digest, Timestamp)>,
    salts: u32,
}

/// Where a crash cuts a step off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    /// Before anything is durable.
    Before,
    /// After the ledger took it, before its answer is kept.
    AfterAppend,
    /// Nowhere.
    Never,
}

impl World {
    fn work(&mut self, key: &[u8], at: Timestamp, away: bool, crash: Crash) {
        let Some(due) = self.outbox.get(key).cloned() else { return };
        match due.step(at) {
            Step::Seal => {
                // A salt that a crash forgets was never used.
                self.salts += 1;
                let commitment = Sha256Digest::of(&[key, &self.salts.to_be_bytes()].concat());
                if crash == Crash::Before {
                    return;
                }
                let sealed = Some(Sealed { commitment, until: at.plus_ms(CERTIFICATE_MS) });
                self.sealed.insert(commitment, key.to_vec());
                self.outbox.insert(key.to_vec(), Due { sealed, ..due });
            }
            Step::Append(commitment) => {
                if crash == Crash::Before || away {
                    return;
                }
                if self.ledger.iter().all(|(there, _)| *there != commitment) {
                    self.ledger.push((commitment, at));
                }
                if crash == Crash::AfterAppend {
                    return;
                }
                self.outbox.remove(key);
                self.logged.insert(key.to_vec(), commitment);
            }
        }
    }
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::Before), Just(Crash::AfterAppend), Just(Crash::Never)]
}

proptest! {
    #[test]
    fn every_due_record_is_logged_once_whatever_crashes(
        steps in proptest::collection::vec(
            (0..8_u8, crash(), any::<bool>(), prop_oneof![9 => 0..1_000_i64, 1 => 0..3 * CERTIFICATE_MS]),
            1..200,
        ),
    ) {
        let (mut world, mut at, mut ever) = (World::default(), now(), BTreeSet::new());
        for (n, crash, away, elapsed) in steps {
            at = at.plus_ms(elapsed);
            let due = due(n);
            let key = record_key(&due.record);
            if ever.insert(key.clone()) {
                world.outbox.insert(key.clone(), due);
            }
            world.work(&key, at, away, crash);
            for (commitment, _) in &world.ledger {
                prop_assert!(world.sealed.contains_key(commitment), "appended before it was kept");
            }
            for key in &ever {
                let places = [world.outbox.contains_key(key), world.logged.contains_key(key)];
                prop_assert!(places[0] != places[1], "due or logged, never both, never neither");
            }
        }
        // Without crashes two steps are enough for each.
        for key in ever.iter().chain(&ever) {
            world.work(key, at, false, Crash::Never);
        }
        prop_assert!(world.outbox.is_empty());
        prop_assert_eq!(world.logged.keys().cloned().collect::<BTreeSet<_>>(), ever);
        for commitment in world.logged.values() {
            let times = world.ledger.iter().filter(|(there, _)| there == commitment).count();
            prop_assert_eq!(times, 1, "the proof is of one entry");
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
fn what_was_signed_with_a_certificate_that_ends_is_signed_anew() {
    let commitment = Sha256Digest::of(b"sealed");
    let until = now().plus_ms(CERTIFICATE_MS);
    let sealed = Due { sealed: Some(Sealed { commitment, until }), ..due(1) };
    assert_eq!(due(1).step(now()), Step::Seal);
    assert_eq!(sealed.step(now()), Step::Append(commitment));
    assert_eq!(sealed.step(until.plus_ms(-SEAL_MARGIN_MS)), Step::Append(commitment));
    assert_eq!(sealed.step(until.plus_ms(1 - SEAL_MARGIN_MS)), Step::Seal);
}

#[test]
fn keys_sort_by_job_and_transition() {
    let key = |job: u64, sequence: u32| {
        let mut due = due(1);
        if let About::Job(outcome) = &mut due.record.about {
            (outcome.job, outcome.sequence) = (JobId::new(job, [0; 10]), sequence);
        }
        record_key(&due.record)
    };
    let keys = [key(1, 2), key(1, 300), key(2, 1)];
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    assert!(keys.iter().take(2).all(|key| key.starts_with(&job_prefix(JobId::new(1, [0; 10])))));
}
