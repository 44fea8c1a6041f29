//! Tests of the proof's text: the specification's example, one spelling, and every refusal.

use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::{Checkpoint, checkpoint::sign, leaf_hash};

fn note() -> String {
    let head = Checkpoint { origin: "example.com/log".to_owned(), size: 9, root: leaf_hash(b"x") };
    sign(&head, &SigningKey::from_bytes(&[3; 32]), "example.com/log").unwrap()
}

/// The first lines of the example in C2SP tlog-proof; its checkpoint is abbreviated there.
fn example() -> String {
    format!(
        "c2sp.org/tlog-proof@v1\n\
         extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ\n\
         index 73894\n\
         gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n\
         B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\
         EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=\n\
         RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=\n\
         AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=\n\n{}",
        note()
    )
}

#[test]
fn the_example_of_the_specification_is_read_and_written() {
    let proof = TlogProof::parse(&example()).unwrap();
    assert_eq!((proof.index, proof.hashes.len()), (73894, 5));
    assert!(proof.extra.as_deref().unwrap().starts_with(b"age-v1.2.1-darwin-arm64.tar.gz"));
    assert_eq!(proof.checkpoint, note());
    assert_eq!(proof.to_string(), example());
}

#[test]
fn other_spellings_are_refused() {
    let cases = [
        ("tlog-proof@v1", "tlog-proof@v2", TlogProofError::Header),
        ("index 73894", "index 073894", TlogProofError::Index),
        ("index 73894", "index +73894", TlogProofError::Index),
        ("index 73894", "index 18446744073709551616", TlogProofError::Index),
        ("index 73894\n", "", TlogProofError::Index),
        ("extra YWdl", "extra YW=l", TlogProofError::Extra),
        ("MMes=\n", "MMes= \n", TlogProofError::Hash(4)),
        ("MMes=\n", "MMes=\nAAAA\n", TlogProofError::Hash(5)),
        ("vk=\n\n", "vk=\n", TlogProofError::Hash(6)),
    ];
    for (old, new, refused) in cases {
        assert_eq!(TlogProof::parse(&example().replace(old, new)), Err(refused), "{new:?}");
    }
    let many = "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=\n".repeat(64);
    let long = example().replace("index 73894\n", &format!("index 73894\n{many}"));
    assert_eq!(TlogProof::parse(&long), Err(TlogProofError::Hash(65)));
    let cut = example();
    for end in 0..cut.len() {
        if cut.is_char_boundary(end) {
            assert!(TlogProof::parse(&cut[..end]).is_err(), "cut at {end}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        extra in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..64)),
        index in any::<u64>(),
        hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..=64),
    ) {
        let hashes = hashes.into_iter().map(Sha256Digest::from_bytes).collect();
        let proof = TlogProof { extra, index, hashes, checkpoint: note() };
        prop_assert_eq!(TlogProof::parse(&proof.to_string()), Ok(proof));
    }

    #[test]
    fn whatever_is_read_has_one_spelling(text in "[ -~\n\u{2014}]{0,400}") {
        if let Ok(proof) = TlogProof::parse(&text) {
            prop_assert_eq!(proof.to_string(), text);
        }
    }
}
