//! Outputs of a trainer that does as it should, and of one that leaves anything else.

use std::io::Write as _;

use ids::Digests;

use super::*;
use crate::statement::NamedFile;

const MODEL: &[u8] = include_bytes!("../../testdata/tiny.keras");
const SPLIT: &str = r#"{"schema":"aibom.trainer.split.v1","train":[3,2,4],"validation":[0,1]}"#;

/// An output as it is after it was hashed: its position is at the end.
fn output(name: &str, bytes: &[u8]) -> OutputFile {
    let mut handle = tempfile::tempfile().unwrap();
    handle.write_all(bytes).unwrap();
    let digests = Digests::of(bytes);
    OutputFile {
        file: NamedFile { name: name.to_owned(), digests, size: bytes.len() as u64 },
        handle,
    }
}

fn trained(bytes: &[u8]) -> Trained {
    read(&[output("split.json", b""), output("model.keras", bytes)], None).trained
}

fn agrees(record: &[u8]) -> Option<bool> {
    let division = Division::new(5, 0.5, 0).unwrap();
    read(&[output("split.json", record)], Some(&division)).split_agrees
}

#[test]
fn a_trained_model_is_read_like_a_submitted_one() {
    let Trained::Read(model) = trained(MODEL) else { panic!("it is a model") };
    assert_eq!(model.class_name, "Sequential");
    assert_eq!(model.format, "keras-v3");
}

#[test]
fn a_file_that_is_no_model_is_said_to_be_none() {
    for bytes in [&b""[..], b"not a zip archive", &MODEL[..MODEL.len() - 1], &[0xff; 4_096]] {
        let Trained::Unreadable(reason) = trained(bytes) else { panic!("{bytes:?} is a model") };
        assert!((1..=MAX_REASON_BYTES).contains(&reason.len()), "{reason}");
        assert!(!reason.contains(char::is_control), "{reason}");
    }
    let missing = read(&[], None);
    assert_eq!(missing.trained, Trained::Unreadable("it is not there".to_owned()));
}

#[test]
fn reasons_are_clean_and_short() {
    let Trained::Unreadable(reason) = unreadable(&"\u{1b}\u{202e}x".repeat(1_000)) else { return };
    assert!(reason.len() <= MAX_REASON_BYTES);
    assert!(!reason.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn the_trainers_record_of_its_split_is_compared() {
    assert_eq!(agrees(SPLIT.as_bytes()), Some(true));
    assert_eq!(agrees(SPLIT.replace("[0,1]", "[1,0]").as_bytes()), Some(false));
    assert_eq!(agrees(b"not json"), None);
    assert_eq!(agrees(b""), None);
    let long = format!("{SPLIT}{}", " ".repeat(split::MAX_RECORD_BYTES));
    assert_eq!(agrees(long.as_bytes()), None);
    let division = Division::new(5, 0.5, 0).unwrap();
    assert_eq!(read(&[], Some(&division)).split_agrees, None, "there is none");
    let record = [output("split.json", SPLIT.as_bytes())];
    assert_eq!(read(&record, None).split_agrees, None, "there is nothing to compare it with");
}
