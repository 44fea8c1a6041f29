//! The bytes are a contract: a signed AIBoM is verified by making it again.
//!
//! For each example of the repository the AIBoM stands in `tests/golden`, indented so that a change is
//! read as a difference of lines, beside the SHA-256 of its exact bytes.

use std::path::PathBuf;

use ids::{Digests, canonical};
use serde_json::Value;
use testkit::evidence::Fixture;

use crate::examples;

/// Set to any value to write the golden files anew, after a deliberate change of the profile.
const UPDATE: &str = "AIBOM_UPDATE_GOLDEN";

fn holds(example: &str) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"));
    let document = folder.join(format!("{example}.cdx.json"));
    let digest = folder.join(format!("{example}.cdx.json.sha256"));
    let aibom = examples::fixture(example).aibom();
    let value: Value = serde_json::from_slice(aibom.as_bytes()).unwrap();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&document, serde_json::to_string_pretty(&value).unwrap() + "\n").unwrap();
        std::fs::write(&digest, format!("{}\n", aibom.digests().sha256)).unwrap();
    }
    let golden = std::fs::read_to_string(document).unwrap();
    let lines = serde_json::to_string_pretty(&value).unwrap();
    for (number, (golden, made)) in golden.lines().zip(lines.lines()).enumerate() {
        assert_eq!(golden, made, "{example}, line {}", number + 1);
    }
    let golden: Value = serde_json::from_str(&golden).unwrap();
    assert_eq!(golden, value);
    // What is read as lines is what was signed as bytes.
    let bytes = canonical::to_vec(&golden).unwrap();
    assert!(bytes == aibom.as_bytes(), "{example}: other bytes of the same document");
    let pinned = std::fs::read_to_string(digest).unwrap();
    assert_eq!(pinned.trim(), Digests::of(&bytes).sha256.to_string(), "{example}");
    assert_eq!(crate::schema::errors(&golden), Vec::<String>::new());
    crate::sources::check(&golden);
}

#[test]
fn the_wine_aibom_has_its_golden_bytes() {
    holds("wine");
}

#[test]
fn the_wine_regression_aibom_has_its_golden_bytes() {
    holds("wine-regression");
}

#[test]
fn another_job_gives_another_serial_number() {
    let serial = |fixture| crate::aibom(&fixture)["serialNumber"].clone();
    assert_eq!(serial(Fixture::new()), serial(Fixture::new()));
    assert_ne!(serial(Fixture::new()), serial(Fixture::new().number(2)));
}
