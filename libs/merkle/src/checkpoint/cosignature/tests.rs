//! Tests of cosignatures: what was made verifies, under its own key, name and time alone.

use ed25519_dalek::SigningKey;

use super::super::{CheckpointError, CosignerKey, SignedCheckpoint, VerifierKey, sign};
use super::*;
use crate::leaf_hash;

const NAME: &str = "witness.example/w1";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn head() -> Checkpoint {
    Checkpoint { origin: "log.example".to_owned(), size: 7, root: leaf_hash(b"x") }
}

fn witness(seed: u8) -> CosignerKey {
    CosignerKey::new(NAME, key(seed).verifying_key()).unwrap()
}

fn note(lines: &[String]) -> SignedCheckpoint {
    let note = sign(&head(), &key(1), "log.example").unwrap() + &lines.concat();
    SignedCheckpoint::parse(&note).unwrap()
}

#[test]
fn what_was_cosigned_verifies_with_its_time() {
    let line = cosign(&head(), &key(2), NAME, 1_679_315_147).unwrap();
    assert_eq!(note(&[line]).cosigned(&witness(2)), Ok(1_679_315_147));
}

#[test]
fn another_head_key_or_time_is_refused() {
    let other = Checkpoint { size: 8, ..head() };
    let line = cosign(&other, &key(2), NAME, 9).unwrap();
    let bad = CheckpointError::BadSignature(witness(2).to_string());
    assert_eq!(note(&[line]).cosigned(&witness(2)), Err(bad.clone()));

    let line = cosign(&head(), &key(3), NAME, 9).unwrap();
    let missing = CheckpointError::NotSigned(witness(2).to_string());
    assert_eq!(note(&[line]).cosigned(&witness(2)), Err(missing));

    let (good, other) =
        (cosign(&head(), &key(2), NAME, 9).unwrap(), cosign(&head(), &key(2), NAME, 10).unwrap());
    assert_ne!(good, other);
    assert_eq!(note(&[good, other]).cosigned(&witness(2)), Ok(10));
    assert_eq!(cosign(&head(), &key(2), NAME, 1 << 63), Err(CheckpointError::Time(1 << 63)));
}

#[test]
fn a_plain_signature_of_the_same_key_is_no_cosignature() {
    let line = sign(&head(), &key(2), NAME).unwrap();
    let (_, line) = line.split_once("\n\n").unwrap();
    let missing = CheckpointError::NotSigned(witness(2).to_string());
    assert_eq!(note(&[line.to_owned()]).cosigned(&witness(2)), Err(missing));
}

#[test]
fn a_key_has_one_kind() {
    let (cosigner, log) = (witness(2).to_string(), VerifierKey::new(NAME, key(2).verifying_key()));
    assert!(cosigner.parse::<VerifierKey>().is_err());
    assert!(log.unwrap().to_string().parse::<CosignerKey>().is_err());
    assert_eq!(cosigner.parse::<CosignerKey>(), Ok(witness(2)));
}
