//! How a log reads what a witness answers, and what a lying one says.

use merkle::{CosignerKey, checkpoint::cosign};

use super::fixture::{head, key, note, tree};
use crate::{Answered, Asked, SIZE_MEDIA_TYPE};

const NAME: &str = "witness.example/w1";

fn cosigner() -> CosignerKey {
    CosignerKey::new(NAME, key(9).verifying_key()).unwrap()
}

fn read(old: u64, status: u16, kind: &str, body: &str) -> Answered {
    let note = note(&tree(0, 0, 9), 9);
    Asked { note: &note, size: 9, old }.read(status, kind, body.as_bytes(), &cosigner())
}

fn line(seed: u8, size: u64) -> String {
    cosign(&head(&tree(0, 0, 9), size), &key(seed), NAME, 1_700_000_000).unwrap()
}

#[test]
fn a_cosignature_counts_when_it_verifies() {
    let good = line(9, 9);
    assert_eq!(read(5, 200, "text/plain", &good), Answered::Cosigned(good.clone()));
    let among_others = format!("{}{good}", line(8, 9));
    assert_eq!(read(5, 200, "", &among_others), Answered::Cosigned(good.clone()));
    let tampered = good.replace("/w1 ", "/w1 A");
    let (short, cut) = (good.trim_end(), &good[..good.len() / 2]);
    for bad in ["", "\n", &line(8, 9), &line(9, 8), &tampered, short, cut, &good.repeat(0)] {
        assert!(matches!(read(5, 200, "", bad), Answered::Refused(_)), "{bad}");
    }
}

#[test]
fn a_conflict_is_asked_again_or_stops_the_log() {
    let conflict = |old, body: &str| read(old, 409, SIZE_MEDIA_TYPE, body);
    assert_eq!(conflict(0, "5\n"), Answered::AskFrom(5));
    assert_eq!(conflict(5, "0\n"), Answered::AskFrom(0), "a new witness of that key");
    assert_eq!(conflict(5, "9\n"), Answered::AskFrom(9), "it may be the very same tree");
    assert_eq!(conflict(9, "9\n"), Answered::Forked(9), "it is not");
    assert_eq!(conflict(0, "10\n"), Answered::Ahead(10));
    for odd in ["", "5", "05\n", "5\n\n", "-1\n", "x\n"] {
        assert!(matches!(conflict(0, odd), Answered::Refused(_)), "{odd:?}");
    }
    assert!(matches!(conflict(5, "5\n"), Answered::Refused(_)), "it contradicts itself");
    assert!(matches!(read(0, 409, "text/plain", "10\n"), Answered::Refused(_)));
}

#[test]
fn a_fork_of_one_size_is_understood_without_a_media_type() {
    for (kind, body) in [("text/plain", "no"), ("", ""), ("Text/X.Tlog.Size", "9\n")] {
        assert_eq!(read(9, 409, kind, body), Answered::Forked(9), "{kind}");
    }
    assert_eq!(read(9, 409, SIZE_MEDIA_TYPE, "12\n"), Answered::Ahead(12), "what it says counts");
    assert!(matches!(read(5, 409, "text/plain", "no"), Answered::Refused(_)));
}

#[test]
fn other_refusals_keep_their_reason_within_bounds() {
    assert_eq!(read(5, 422, "", "no"), Answered::Forked(5), "our proof does not lead to its root");
    let long = format!("a\u{1b}[2J{}", "b".repeat(1_000));
    let Answered::Refused(reason) = read(0, 403, "", &long) else { panic!("refused") };
    assert!(reason.starts_with("status 403: a[2Jbbb") && reason.len() < 300, "{reason}");
    assert!(matches!(read(0, 422, "", ""), Answered::Refused(_)), "there was no proof");
}
