//! Tests of checkpoints: Go's and C2SP's vectors, and the refusal of every other spelling.

use proptest::prelude::*;

use super::*;
use crate::{empty_root, leaf_hash};

/// The verifier key of golang.org/x/mod/sumdb/note's tests.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
/// The private half of the same published test vector; worthless outside of tests.
const GO_SEED: &str = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
const C2SP_EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn head(size: u64) -> Checkpoint {
    Checkpoint { origin: "log.example/aibom".to_owned(), size, root: leaf_hash(b"x") }
}

fn signed() -> (String, VerifierKey) {
    let note = sign(&head(42), &key(), "log.example/aibom").unwrap();
    (note, VerifierKey::new("log.example/aibom", key().verifying_key()).unwrap())
}

#[test]
fn go_vector_key_and_signature_are_ours() {
    let seed: [u8; 32] = STANDARD.decode(GO_SEED).unwrap().try_into().unwrap();
    let go = SigningKey::from_bytes(&seed);
    let verifier = VerifierKey::new("PeterNeumann", go.verifying_key()).unwrap();
    assert_eq!(verifier.to_string(), GO_KEY);
    assert_eq!(GO_KEY.parse::<VerifierKey>(), Ok(verifier.clone()));
    let text = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n";
    let payload = [&verifier.id()[..], &go.sign(text.as_bytes()).to_bytes()].concat();
    assert_eq!(
        note::signature_line("PeterNeumann", &payload),
        "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    );
}

#[test]
fn go_table_of_bad_verifier_keys_is_refused() {
    for start in 0..GO_KEY.len() {
        for end in start + 1..=GO_KEY.len() {
            if (start, end) != (0, GO_KEY.len()) {
                assert!(GO_KEY[start..end].parse::<VerifierKey>().is_err());
            }
        }
    }
    for at in 0..GO_KEY.len() {
        let mut bytes = GO_KEY.as_bytes().to_vec();
        bytes[at] += 1;
        assert!(String::from_utf8(bytes).unwrap().parse::<VerifierKey>().is_err(), "byte {at}");
    }
    for bad in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
    }
    // The neutral point: every signature of a certain form would verify.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let weak = ed25519_dalek::VerifyingKey::from_bytes(&neutral).unwrap();
    assert_eq!(VerifierKey::new("weak", weak), Err(KeyError::PublicKey));
}

#[test]
fn the_specification_s_example_is_read() {
    let note = SignedCheckpoint::parse(C2SP_EXAMPLE).unwrap();
    assert_eq!(note.unverified().origin, "example.com/behind-the-sofa");
    assert_eq!(note.unverified().size, 20_852_163);
    assert_eq!(note.signatures().len(), 1);
    assert_eq!(note.signatures()[0].signature.len(), 64);
    let stranger = GO_KEY.parse().unwrap();
    assert!(matches!(note.verify(&stranger), Err(CheckpointError::NotSigned(_))));
}

#[test]
fn a_signed_checkpoint_verifies_and_no_one_bit_change_does() {
    let (note, verifier) = signed();
    assert_eq!(verify(&note, &verifier), Ok(head(42)));
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut bytes = note.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(verify(&changed, &verifier).is_err(), "byte {at}, bit {bit}");
        }
    }
    for at in 0..note.len() {
        if note.is_char_boundary(at) {
            assert!(verify(&note[..at], &verifier).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn other_spellings_are_refused() {
    let (note, verifier) = signed();
    let root = STANDARD.encode(leaf_hash(b"x").as_bytes());
    let body = head(42).to_note_body();
    let line = note.strip_prefix(&body).unwrap().strip_prefix('\n').unwrap();
    use CheckpointError as E;
    let table: Vec<(String, E)> = vec![
        (String::new(), E::Frame),
        (body.clone(), E::Frame),
        (format!("{body}\n"), E::Frame),
        (format!("{body}\n\n{line}"), E::Lines),
        (format!("{body}{line}"), E::Frame),
        (note.trim_end().to_owned(), E::Frame),
        (note.replace('\n', "\r\n"), E::ControlCharacter),
        (note.replace("aibom\n42", "ai\tbom\n42"), E::ControlCharacter),
        (note.replace("\n42\n", "\n042\n"), E::Size),
        (note.replace("\n42\n", "\n+42\n"), E::Size),
        (note.replace("\n42\n", "\n 42\n"), E::Size),
        (note.replace("\n42\n", "\n\n"), E::Size),
        (note.replace("\n42\n", "\n18446744073709551616\n"), E::Size),
        (note.replace("\n42\n", "\n0\n"), E::EmptyTreeRoot),
        (note.replace(&root, root.trim_end_matches('=')), E::Root),
        (note.replace(&root, &root[4..]), E::Root),
        (note.replace(&format!("{root}\n"), &format!("{root}\nextension\n")), E::Lines),
        (note.replacen("log.example/aibom\n", "\n", 1), E::Origin),
        (note.replacen("log.example", "log\u{85}example", 1), E::Origin),
        (note.replacen("log.example/aibom", &"o".repeat(300), 1), E::Origin),
        (note.replace('\u{2014}', "-"), E::SignatureLine(1)),
        (note.replace("\u{2014} ", "\u{2014}  "), E::SignatureLine(1)),
        (note.replace("\u{2014} log.example", "\u{2014} log\u{a0}example"), E::SignatureLine(1)),
        (format!("{note}\u{2014} a+b AAAAAAA=\n"), E::SignatureLine(2)),
        (format!("{note}\u{2014} short AAAAAA==\n"), E::SignatureLine(2)),
        (format!("{note}no signature\n"), E::SignatureLine(2)),
        (format!("{note}{}", line.repeat(16)), E::TooManySignatures),
        (format!("{note}{}", "x".repeat(MAX_NOTE_BYTES)), E::TooLong(note.len() + MAX_NOTE_BYTES)),
    ];
    for (bad, expected) in table {
        assert_eq!(verify(&bad, &verifier), Err(expected), "{bad:?}");
    }
}

#[test]
fn lines_of_other_keys_are_ignored_and_ours_must_all_verify() {
    let (note, verifier) = signed();
    let witnessed = format!("{note}\u{2014} witness.example AAAAAAA=\n");
    assert_eq!(verify(&witnessed, &verifier), Ok(head(42)));
    let twice = note::signature_line(verifier.name(), &[&verifier.id()[..], &[1; 64]].concat());
    let refused = verify(&format!("{note}{twice}"), &verifier);
    assert!(matches!(refused, Err(CheckpointError::BadSignature(_))));
    let short = note::signature_line(verifier.name(), &[&verifier.id()[..], &[1; 8]].concat());
    let refused = verify(&format!("{note}{short}"), &verifier);
    assert!(matches!(refused, Err(CheckpointError::BadSignature(_))));
    let renamed = VerifierKey::new("log.example/other", key().verifying_key()).unwrap();
    assert!(matches!(verify(&note, &renamed), Err(CheckpointError::NotSigned(_))));
}

#[test]
fn what_would_not_read_back_is_not_written() {
    for origin in ["", "a\nb", "a\n\nb", "tab\t", &"o".repeat(257)] {
        let head = Checkpoint { origin: origin.to_owned(), ..head(1) };
        assert!(sign(&head, &key(), "log.example").is_err(), "{origin:?}");
    }
    for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
        assert_eq!(sign(&head(1), &key(), name), Err(CheckpointError::KeyName), "{name:?}");
    }
    assert_eq!(sign(&head(0), &key(), "log"), Err(CheckpointError::EmptyTreeRoot));
    let empty = Checkpoint { root: empty_root(), ..head(0) };
    assert!(sign(&empty, &key(), "log").is_ok());
    let (_, verifier) = signed();
    let refused = assemble(&head(1), &verifier, &[0; 64]);
    assert!(matches!(refused, Err(CheckpointError::BadSignature(_))));
}

proptest! {
    #[test]
    fn signed_heads_read_back(size in 1..u64::MAX, origin in "[a-z/. ]{1,40}", root in any::<[u8; 32]>()) {
        let head = Checkpoint { origin, size, root: Sha256Digest::from_bytes(root) };
        let note = sign(&head, &key(), "log.example").unwrap();
        let verifier = VerifierKey::new("log.example", key().verifying_key()).unwrap();
        prop_assert_eq!(verify(&note, &verifier), Ok(head));
    }

    #[test]
    fn arbitrary_text_never_panics(note in ".{0,200}", lines in "[\n\u{2014} a0=]{0,60}") {
        let _ = SignedCheckpoint::parse(&note);
        let _ = SignedCheckpoint::parse(&lines);
        let _ = note.parse::<VerifierKey>();
    }
}
