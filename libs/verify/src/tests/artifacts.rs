//! Files held against a verified bundle.

use evidence::Checks;
use ids::Digests;
use testkit::evidence::{Fixture, inputs, outputs};

use super::made::Made;
use crate::{Part, Verified, verify_artifact};

fn verified() -> Verified {
    Made::new(Fixture::new()).verdict().subject.unwrap()
}

fn found(verified: &Verified, hint: Option<&str>, bytes: &[u8]) -> Result<(Part, String), String> {
    let mut checks = Checks::new();
    let (digests, size) = (Digests::of(bytes), bytes.len() as u64);
    let file = verify_artifact(verified, "artifact.x", hint, &digests, size, &mut checks);
    let [check] = checks.as_slice() else { panic!("one check") };
    assert_eq!(check.name, "artifact.x");
    assert_eq!(check.passed, file.is_some());
    file.map(|file| (file.part, file.name.clone())).ok_or_else(|| check.detail.clone())
}

#[test]
fn inputs_outputs_and_the_aibom_are_known() {
    let verified = verified();
    for (_, name, bytes) in inputs() {
        assert_eq!(found(&verified, None, bytes), Ok((Part::Input, name.to_owned())));
    }
    for (name, bytes) in outputs() {
        assert_eq!(found(&verified, None, bytes), Ok((Part::Output, name.to_owned())));
    }
    let log = found(&verified, None, b"epoch 1\n");
    assert_eq!(log, Ok((Part::Output, "training.log".to_owned())));
    let aibom = found(&verified, None, verified.aibom());
    assert_eq!(aibom, Ok((Part::Aibom, "aibom.cdx.json".to_owned())));
}

#[test]
fn a_changed_file_is_refused_and_told_what_it_should_have_been() {
    let verified = verified();
    let refused = found(&verified, Some("wine.csv"), b"alcohol,target\n").unwrap_err();
    assert!(refused.contains("\"wine.csv\" has"), "{refused}");
    let refused = found(&verified, None, b"stranger").unwrap_err();
    assert!(refused.contains("is none of the"), "{refused}");
}

#[test]
fn a_known_name_holds_its_own_file_and_an_unknown_one_decides_nothing() {
    let verified = verified();
    let (_, _, submitted) = inputs()[0];
    let (_, trained) = outputs()[1];
    // Both are called model.keras.
    let hint = Some("model.keras");
    assert_eq!(found(&verified, hint, submitted), Ok((Part::Input, "model.keras".to_owned())));
    assert_eq!(found(&verified, hint, trained), Ok((Part::Output, "model.keras".to_owned())));
    let elsewhere = found(&verified, Some("renamed.keras"), submitted);
    assert_eq!(elsewhere, Ok((Part::Input, "model.keras".to_owned())));
    let in_place_of_another = found(&verified, Some("split.json"), submitted).unwrap_err();
    assert!(in_place_of_another.contains("\"split.json\" has"), "{in_place_of_another}");
}

#[test]
fn every_known_digest_and_the_size_must_agree() {
    let verified = verified();
    let (_, _, bytes) = inputs()[1];
    let file = verified.files().iter().find(|file| file.name == "wine.csv").unwrap();
    let (digests, size) = (Digests::of(bytes), bytes.len() as u64);
    assert_eq!(file.matches(&digests, size), Ok(()));
    assert!(file.matches(&digests, size + 1).is_err());
    let output = verified.files().iter().find(|file| file.name == "split.json").unwrap();
    let (_, bytes) = outputs()[3];
    let mut wrong = Digests::of(bytes);
    wrong.sha512 = digests.sha512;
    assert!(output.matches(&wrong, bytes.len() as u64).unwrap_err().contains("SHA-512"));
}
