//! Names that become paths, and those that never do.

use ::verify::{Part, RecordedFile};
use ids::Sha256Digest;

use super::{LayoutError, artifacts};

fn file(part: Part, name: &str, bytes: &[u8]) -> RecordedFile {
    let sha256 = Sha256Digest::of(bytes);
    RecordedFile { part, name: name.to_owned(), sha256, sha512: None, size: None }
}

#[test]
fn inputs_and_outputs_have_their_folders_and_the_aibom_none() {
    let files = [
        file(Part::Input, "model.keras", b"1"),
        file(Part::Output, "model.keras", b"2"),
        file(Part::Aibom, "aibom.cdx.json", b"3"),
    ];
    let names: Vec<_> = artifacts(&files).unwrap().into_keys().collect();
    assert_eq!(names, ["artifacts/inputs/model.keras", "artifacts/outputs/model.keras"]);
}

#[test]
fn a_label_that_is_a_path_is_refused() {
    for bad in ["../../etc/cron.d/x", "/etc/passwd", "a/b", "..", "", "a\nb", "ü"] {
        let files = [file(Part::Output, bad, b"1")];
        assert!(matches!(artifacts(&files), Err(LayoutError::Name(_))), "{bad:?}");
    }
}

#[test]
fn two_files_of_one_name_are_refused_unless_they_are_the_same() {
    let same = [file(Part::Output, "log", b"1"), file(Part::Output, "log", b"1")];
    assert_eq!(artifacts(&same).unwrap().len(), 1);
    let other = [file(Part::Output, "log", b"1"), file(Part::Output, "log", b"2")];
    assert!(matches!(artifacts(&other), Err(LayoutError::Twice(_))));
}
