//! A bundle is shown as it is, and exported only when it verifies.

use std::path::PathBuf;

use clap::Parser as _;
use testkit::evidence::Fixture;

use super::*;
use crate::{arguments::Arguments, verify::tests::made::Made};

fn aibom(arguments: &[&str]) -> Result<Exit, Failure> {
    crate::run(Arguments::try_parse_from([&["aibom"], arguments].concat()).unwrap())
}

struct Place {
    directory: tempfile::TempDir,
    made: Made,
}

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap(), made: Made::wine() };
        place.write(BUNDLE_FILE, &place.made.bundle.to_bytes().unwrap());
        place.write("trust-root.json", &Fixture::new().mesh().seal_root(&place.made.root));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn export(&self, bundle: &str, more: &[&str]) -> Result<Exit, Failure> {
        let (root, out) = (self.text("trust-root.json"), self.text("out.jsonl"));
        let all = ["bundle", "export", bundle, "--trust-root", &root, "--out", &out];
        aibom(&[&all, more].concat())
    }
}

#[test]
fn a_bundle_that_verifies_is_exported_and_no_file_is_replaced_unasked() {
    let place = Place::new();
    let directory = place.directory.path().to_str().unwrap().to_owned();
    assert_eq!(place.export(&directory, &[]).unwrap(), Exit::Done);
    let lines = std::fs::read(place.path("out.jsonl")).unwrap();
    let expected = place.made.bundle.to_sigstore_lines(&place.made.root).unwrap();
    assert!(lines == expected, "other lines were written");
    let file = place.text(BUNDLE_FILE);
    assert_eq!(place.export(&file, &[]).unwrap_err().exit(), Exit::CannotSay);
    assert_eq!(place.export(&file, &["--force"]).unwrap(), Exit::Done);
}

#[test]
fn what_does_not_verify_is_not_exported() {
    let place = Place::new();
    let mut bundle = place.made.bundle.clone();
    bundle.inclusion.salt[0] ^= 1;
    place.write("spoilt.json", &bundle.to_bytes().unwrap());
    let failure = place.export(&place.text("spoilt.json"), &[]).unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert!(failure.to_string().contains("ledger.entry"), "{failure}");
    assert!(!place.path("out.jsonl").exists());
    place.write("none.json", b"{}");
    assert_eq!(place.export(&place.text("none.json"), &[]).unwrap_err().exit(), Exit::CannotSay);
}

#[test]
fn a_bundle_is_shown_and_the_schema_printed() {
    let place = Place::new();
    let file = place.text(BUNDLE_FILE);
    for format in ["text", "json"] {
        assert_eq!(aibom(&["--format", format, "bundle", "show", &file]).unwrap(), Exit::Done);
    }
    assert_eq!(aibom(&["bundle", "schema"]).unwrap(), Exit::Done);
    assert!(SCHEMA.starts_with('{') && SCHEMA.contains("2020-12"));
}
