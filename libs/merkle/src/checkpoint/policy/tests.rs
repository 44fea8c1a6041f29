//! Tests of the log policy: k of n, each line known, each once.

use ed25519_dalek::SigningKey;

use super::super::{cosign, sign};
use super::*;
use crate::leaf_hash;

const LOG: &str = "log.example";
/// When witnesses cosign, in seconds since the epoch.
const TIME: u64 = 5;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn log() -> VerifierKey {
    VerifierKey::new(LOG, key(1).verifying_key()).unwrap()
}

fn witness(seed: u8, counts: bool) -> Witness {
    let key = CosignerKey::new(&format!("w{seed}"), key(seed).verifying_key()).unwrap();
    Witness { key, counts: if counts { Counts::Always } else { Counts::Until(TIME - 1) } }
}

fn head() -> Checkpoint {
    Checkpoint { origin: LOG.to_owned(), size: 7, root: leaf_hash(b"x") }
}

fn line(seed: u8) -> String {
    line_at(seed, TIME)
}

fn line_at(seed: u8, time: u64) -> String {
    cosign(&head(), &key(seed), &format!("w{seed}"), time).unwrap()
}

fn note(seeds: &[u8]) -> String {
    let lines: String = seeds.iter().map(|seed| line(*seed)).collect();
    sign(&head(), &key(1), LOG).unwrap() + &lines
}

/// Two of three that count, and one that counts no more.
fn policy() -> LogPolicy {
    let witnesses = vec![witness(2, true), witness(3, true), witness(4, true), witness(5, false)];
    LogPolicy::new(log(), witnesses, 2).unwrap()
}

#[test]
fn enough_cosignatures_count_in_any_order() {
    for seeds in [&[2, 3][..], &[4, 2], &[2, 3, 4], &[5, 4, 3]] {
        let witnessed = policy().check(&note(seeds)).unwrap();
        assert_eq!(*witnessed.checkpoint(), head());
        let lines: Vec<_> =
            witnessed.cosigned().iter().map(|c| (c.witness.clone(), c.counts)).collect();
        let expected = seeds.iter().map(|seed| (format!("w{seed}"), *seed != 5));
        assert_eq!(lines, expected.collect::<Vec<_>>());
    }
}

#[test]
fn too_few_that_count_are_refused() {
    for seeds in [&[][..], &[2], &[2, 5]] {
        let got = seeds.iter().filter(|seed| **seed != 5).count();
        let refused = LogPolicyError::Quorum { got, wanted: 2 };
        assert_eq!(policy().check(&note(seeds)), Err(refused));
    }
}

#[test]
fn unknown_and_double_lines_are_refused() {
    let unknown = LogPolicyError::Unknown(4, "w9".to_owned());
    assert_eq!(policy().check(&note(&[2, 3, 9])), Err(unknown));
    let twice = LogPolicyError::Twice("w2".to_owned());
    assert_eq!(policy().check(&note(&[2, 2, 3])), Err(twice));
    let own = note(&[2, 3]);
    let (_, lines) = own.split_once("\n\n").unwrap();
    let log_line = lines.split_inclusive('\n').next().unwrap();
    let refused = policy().check(&format!("{own}{log_line}"));
    assert_eq!(refused, Err(LogPolicyError::Twice(LOG.to_owned())));
}

#[test]
fn a_retired_witness_counts_for_what_it_cosigned_until_then() {
    let rows = [
        (Counts::Always, TIME, true),
        (Counts::Until(TIME), TIME, true),
        (Counts::Until(TIME - 1), TIME, false),
        (Counts::Never, TIME, false),
        // Whoever has the key of a witness of which nothing counts may write any time.
        (Counts::Never, 0, false),
        (Counts::Never, 1, false),
    ];
    for (counts, time, good) in rows {
        // Another one took its place: the quorum asks for one.
        let retired = Witness { counts, ..witness(2, true) };
        let policy = LogPolicy::new(log(), vec![retired, witness(3, true)], 1).unwrap();
        let note = note(&[]) + &line_at(2, time);
        assert_eq!(policy.check(&note).is_ok(), good, "{counts:?} at {time}");
        assert_eq!(policy.check_published(&note).is_ok(), good, "{counts:?} at {time}");
        policy.check(&(note + &line(3))).unwrap();
    }
}

#[test]
fn a_witness_outside_of_the_group_of_a_policys_text_counts_at_no_time() {
    let [counting, other] = [witness(3, true), witness(2, true)].map(|witness| witness.key);
    let text = format!("log {}\nwitness a {counting}\nwitness b {other}\nquorum a\n", log());
    let policy: LogPolicy = text.parse().unwrap();
    for time in [0, 1, TIME] {
        let few = LogPolicyError::Quorum { got: 0, wanted: 1 };
        assert_eq!(policy.check(&(note(&[]) + &line_at(2, time))), Err(few), "at {time}");
    }
    policy.check(&note(&[3])).unwrap();
}

#[test]
fn those_that_count_are_bounded_by_a_notes_lines_and_the_retired_ones_apart() {
    let of = |counting: usize, retired: usize| {
        let seeds = (2..).take(counting + retired).enumerate();
        let witnesses = seeds.map(|(at, seed)| witness(seed, at < counting)).collect();
        LogPolicy::new(log(), witnesses, 1)
    };
    of(MAX_WITNESSES, MAX_NAMED_WITNESSES - MAX_WITNESSES).unwrap();
    assert_eq!(of(MAX_WITNESSES + 1, 0), Err(PolicyError::TooMany(MAX_WITNESSES + 1)));
    let named = MAX_NAMED_WITNESSES + 1;
    assert_eq!(of(1, named - 1), Err(PolicyError::TooManyNamed(named)));
}

#[test]
fn a_published_note_may_have_lines_of_others_and_nothing_else_is_let_through() {
    let published = |note: &str| policy().check_published(note);
    let witnessed = published(&note(&[9, 2, 8, 3])).unwrap();
    let names: Vec<_> = witnessed.cosigned().iter().map(|c| c.witness.as_str()).collect();
    assert_eq!(names, ["w2", "w3"]);
    assert_eq!(witnessed, policy().check(&note(&[2, 3])).unwrap());
    // A stranger's line may be anything, the key id of a name that is known included.
    let strange = format!("{}\u{2014} w2 AAAAAAE=\n", note(&[2, 3]));
    published(&strange).unwrap();
    assert!(matches!(policy().check(&strange), Err(LogPolicyError::Unknown(4, _))));
    let known = policy().known(&SignedCheckpoint::parse(&note(&[9, 2, 8, 3])).unwrap());
    assert_eq!(known, note(&[2, 3]));
    let few = LogPolicyError::Quorum { got: 1, wanted: 2 };
    assert_eq!(published(&note(&[2, 8, 9])), Err(few));
    let twice = LogPolicyError::Twice("w2".to_owned());
    assert_eq!(published(&note(&[2, 2, 3])), Err(twice));
    let bad = cosign(&Checkpoint { size: 8, ..head() }, &key(4), "w4", TIME).unwrap();
    let refused = published(&format!("{}{bad}", note(&[2, 3])));
    assert!(matches!(refused, Err(LogPolicyError::Cosignature(_))), "{refused:?}");
    let by_others = sign(&head(), &key(9), "other.example").unwrap() + &line(2) + &line(3);
    assert!(matches!(published(&by_others), Err(LogPolicyError::Log(_))));
}

#[test]
fn only_a_majority_of_those_that_count_excludes_a_split_view() {
    for (quorum, counting, excludes) in
        [(0, 0, false), (0, 1, false), (1, 1, true), (1, 2, false), (2, 3, true), (2, 4, false)]
    {
        let mut witnesses: Vec<_> = (2..2 + counting).map(|seed| witness(seed, true)).collect();
        // One that was retired changes nothing.
        witnesses.push(witness(9, false));
        let policy = LogPolicy::new(log(), witnesses, quorum).unwrap();
        assert_eq!(policy.counting(), usize::from(counting));
        assert_eq!(policy.excludes_split_view(), excludes, "{quorum} of {counting}");
    }
}

#[test]
fn a_bad_cosignature_is_refused_even_when_there_are_enough() {
    let other = Checkpoint { size: 8, ..head() };
    let bad = cosign(&other, &key(4), "w4", 5).unwrap();
    let refused = policy().check(&format!("{}{bad}", note(&[2, 3])));
    assert!(matches!(refused, Err(LogPolicyError::Cosignature(_))), "{refused:?}");
}

#[test]
fn another_log_is_refused() {
    let elsewhere = Checkpoint { origin: "other.example".to_owned(), ..head() };
    let note = sign(&elsewhere, &key(1), LOG).unwrap();
    let refused = LogPolicy::log_only(log()).check(&note);
    assert!(matches!(refused, Err(LogPolicyError::Origin { .. })), "{refused:?}");
    let stranger = LogPolicy::log_only(VerifierKey::new(LOG, key(9).verifying_key()).unwrap());
    let refused = stranger.check(&sign(&head(), &key(1), LOG).unwrap());
    assert!(matches!(refused, Err(LogPolicyError::Log(_))), "{refused:?}");
}

#[test]
fn a_policy_that_nobody_can_meet_or_counts_a_key_twice_is_none() {
    let quorum = PolicyError::Quorum { quorum: 2, counting: 1 };
    let witnesses = vec![witness(2, true), witness(3, false)];
    assert_eq!(LogPolicy::new(log(), witnesses, 2), Err(quorum));
    let renamed = Witness::new(CosignerKey::new("other", key(2).verifying_key()).unwrap());
    let twice = PolicyError::Twice("other".to_owned());
    assert_eq!(LogPolicy::new(log(), vec![witness(2, true), renamed], 1), Err(twice));
    let of_log = Witness::new(CosignerKey::new("w1", key(1).verifying_key()).unwrap());
    let twice = PolicyError::Twice("w1".to_owned());
    assert_eq!(LogPolicy::new(log(), vec![of_log], 1), Err(twice));
}
