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
    Witness { key, counts_until: if counts { None } else { Some(TIME - 1) } }
}

fn head() -> Checkpoint {
    Checkpoint { origin: LOG.to_owned(), size: 7, root: leaf_hash(b"x") }
}

fn line(seed: u8) -> String {
    cosign(&head(), &key(seed), &format!("w{seed}"), TIME).unwrap()
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
        let names: Vec<_> = witnessed.cosigned().iter().map(|c| c.witness.clone()).collect();
        assert_eq!(names, seeds.iter().map(|seed| format!("w{seed}")).collect::<Vec<_>>());
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
    let rows = [(None, true), (Some(TIME), true), (Some(TIME - 1), false), (Some(0), false)];
    for (counts_until, counts) in rows {
        // Another one took its place: the quorum asks for one.
        let retired = Witness { counts_until, ..witness(2, true) };
        let policy = LogPolicy::new(log(), vec![retired, witness(3, true)], 1).unwrap();
        assert_eq!(policy.check(&note(&[2])).is_ok(), counts, "{counts_until:?}");
        assert_eq!(policy.check_published(&note(&[2])).is_ok(), counts, "{counts_until:?}");
        policy.check(&note(&[2, 3])).unwrap();
    }
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
